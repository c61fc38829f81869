"""Texts from outside, short enough for where they are stored; two that differ stay different."""

import hashlib

DIGEST = 16  # characters


def fitting(text: str, most: int) -> str:
    """The text if it has at most so many bytes, else its beginning and a digest of all of it."""
    if text.isascii() and len(text) <= most:
        return text
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return encoded.decode()
    digest = hashlib.sha256(encoded).hexdigest()[:DIGEST]
    return encoded[: most - DIGEST - 1].decode(errors="ignore") + "~" + digest
