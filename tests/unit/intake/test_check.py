"""What intake decides without touching anything."""

from functions.intake.reading import limits_of
from shared.batchfile.schema import Limits
from shared.settings import Settings


def test_limits_of_a_part_are_those_of_openai_unless_set() -> None:
    assert limits_of(Settings()) == Limits()
    assert limits_of(Settings(max_part_bytes=1)) == Limits(bytes=1)
    assert limits_of(Settings(max_part_requests=2)) == Limits(requests=2)
