"""What tests of the small OpenAI start from."""

import pytest

from local.openai import SmallOpenAI
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def small(clock: Clock) -> SmallOpenAI:
    return SmallOpenAI(clock=clock.seconds)
