"""What every test starts from."""

import gc
from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.support.world import World

gc.set_threshold(50_000, 20, 10)  # thousands of small worlds: much of the time was collecting


@pytest.fixture(autouse=True)
def made_up_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()
