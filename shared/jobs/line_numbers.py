"""Which line of the dropped file each request of a part is."""

from array import array
from collections.abc import Sequence

from shared.aws.s3 import S3Store
from shared.jobs.part import Part

NUMBER_BYTES = 4


def line_numbers(s3: S3Store, part: Part) -> Sequence[int]:
    """In the part's order; from a sidecar where its lines do not lie side by side."""
    if part.lines_key is None:
        return range(part.first_line, part.first_line + part.requests)
    return numbers_from(s3.read(part.lines_key))


def numbers_from(data: bytes) -> Sequence[int]:
    numbers = array("I")
    numbers.frombytes(data)
    return numbers


def numbers_as_bytes(numbers: Sequence[int]) -> bytes:
    """4 bytes each, little-endian, as this machine and Lambda's write them."""
    return array("I", numbers).tobytes()
