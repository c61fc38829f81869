"""`python -m local.build.trim_packages FOLDER SERVICE…`: removes what no function needs.

Of botocore's data (25 MB) the services we call; of compiled code the tables that only a debugger
reads (zstandard's are 10 MB); and zstandard's second way of calling C, which CPython never takes.
Files are replaced, never changed in place: they may be hard links into a cache.
"""

import json
import shutil
import struct
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

UNUSED = (".lock", "bin", "boto3/examples", "zstandard/_cffi*", "zstandard/backend_cffi.py")
ELF64 = b"\x7fELF\x02\x01"  # 64 bits, little-endian
HEADERS_AT, HEADERS = "<Q", "<HH"  # where program headers begin; their size and number
SECTIONS_AT, SECTIONS = 0x28, 0x3A
LONGEST = 0x40  # bytes of an ELF file's own header


def main(argv: Sequence[str]) -> int:
    folder, *services = argv
    slim(Path(folder), services)
    return 0


def slim(folder: Path, services: Collection[str]) -> None:
    for pattern in UNUSED:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    data = folder / "botocore" / "data"
    for path in data.iterdir():
        if path.is_dir() and path.name not in services:
            shutil.rmtree(path)
    endpoints = data / "endpoints.json"
    if endpoints.exists():
        _replace(endpoints, pruned(endpoints.read_bytes(), services))
    for path in folder.rglob("*.so*"):
        _replace(path, without_sections(path.read_bytes()))


def pruned(endpoints: bytes, services: Collection[str]) -> bytes:
    """Read whole for every session (three a start): 60 of its 63 thousand lines are not for us."""
    known: Any = json.loads(endpoints)
    for partition in known["partitions"]:
        kept = {name: each for name, each in partition["services"].items() if name in services}
        partition["services"] = kept
    return json.dumps(known, separators=(",", ":")).encode()


def without_sections(code: bytes) -> bytes:
    """Up to the last byte that is loaded: the loader reads program headers, never sections."""
    if not code.startswith(ELF64):
        return code
    (at,) = struct.unpack_from(HEADERS_AT, code, 0x20)
    size, number = struct.unpack_from(HEADERS, code, 0x36)
    ends = [LONGEST, at + size * number]
    for header in range(at, at + size * number, size):
        offset, _, _, length = struct.unpack_from("<QQQQ", code, header + 8)
        ends.append(offset + length)
    kept = bytearray(code[: max(ends)])
    struct.pack_into("<Q", kept, SECTIONS_AT, 0)
    struct.pack_into("<HHH", kept, SECTIONS, 0, 0, 0)
    return bytes(kept)


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".slim")
    fresh.write_bytes(content)
    fresh.chmod(path.stat().st_mode)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
