"""`python -m local.build.trim_packages FOLDER SERVICE…`: removes what no function needs.

From botocore's data (25 MB), the services that no function calls; from compiled code, the tables
that only a debugger reads (10 MB in zstandard); and zstandard's second binding, which CPython never
uses. Files are replaced, never changed in place: they may be hard links into a cache.
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
LONGEST = 0x40  # bytes of an ELF file's header


def main(argv: Sequence[str]) -> int:
    folder, *services = argv
    trim(Path(folder), services)
    return 0


def trim(folder: Path, services: Collection[str]) -> None:
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
    """Each of three sessions a start reads all of it: 63,000 lines, and we need 3,000."""
    known: Any = json.loads(endpoints)
    for partition in known["partitions"]:
        kept = {name: each for name, each in partition["services"].items() if name in services}
        partition["services"] = kept
    return json.dumps(known, separators=(",", ":")).encode()


def without_sections(code: bytes) -> bytes:
    """The code up to the last byte that the loader reads; it never reads sections."""
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
    fresh = path.with_name(path.name + ".trimmed")
    fresh.write_bytes(content)
    fresh.chmod(path.stat().st_mode)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
