"""Which line of the dropped file each request of a part is."""

from array import array
from collections.abc import Sequence

from shared.aws.s3 import S3Store
from shared.jobs.part import Part


def line_numbers(s3: S3Store, part: Part) -> Sequence[int]:
    """In the part's order; from a sidecar where its lines do not lie side by side."""
    if part.lines_key is None:
        return range(part.first_line, part.first_line + part.requests)
    numbers = array("I")
    numbers.frombytes(s3.read(part.lines_key))
    return numbers


def numbers_as_bytes(numbers: Sequence[int]) -> bytes:
    """4 bytes each, little-endian, as this machine and Lambda's write them."""
    return array("I", numbers).tobytes()
