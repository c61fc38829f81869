"""The environment as one typed value."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.batchfile.schema import ENDPOINTS, Limits
from shared.settings import Settings


def test_what_a_function_was_not_given_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    monkeypatch.setenv("MAX_PART_REQUESTS", "10")
    monkeypatch.setenv("LEASE_SECONDS", "")
    monkeypatch.setenv("SOMETHING_ELSE", "x")

    settings = Settings.load()

    assert (settings.ledger_table, settings.max_part_requests) == ("ledger", 10)
    assert settings.lease == timedelta(minutes=15)
    assert settings.lost_answer == timedelta(minutes=5)
    assert settings.data_bucket == ""


def test_a_value_that_is_no_number_fails_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_PART_BYTES", "150 MB")

    with pytest.raises(ValidationError, match="max_part_bytes"):
        Settings.load()


@pytest.mark.parametrize(
    ("endpoints", "known"),
    [
        ("", ENDPOINTS),
        (" , ", ENDPOINTS),
        ("/v1/responses", frozenset({"/v1/responses"})),
        (" /v1/responses ,/v1/new,", frozenset({"/v1/responses", "/v1/new"})),
    ],
)
def test_endpoints_are_the_documented_ones_or_those_that_are_named(
    endpoints: str, known: frozenset[str]
) -> None:
    assert Settings(endpoints=endpoints).limits.endpoints == known


def test_limits_of_a_part_are_settings() -> None:
    settings = Settings(max_part_bytes=1, max_part_requests=2, max_part_inputs=3, max_part_tokens=4)

    assert settings.limits == Limits(bytes=1, requests=2, inputs=3, tokens=4)
    assert Settings().limits == Limits()


@pytest.mark.parametrize(
    ("limits", "model", "limit"),
    [
        ("", "gpt-5-mini", None),
        ("gpt-5-mini=5000000", "gpt-5-mini", 5_000_000),
        ("gpt-5-mini=5000000", "gpt-4.1", None),
        ("gpt-5-mini=5000000, *=90000", "gpt-4.1", 90_000),
        (" gpt-5-mini = 1 ,*=2,", "gpt-5-mini", 1),
        ("ft:gpt=x:y=3", "ft:gpt=x:y", 3),
    ],
)
def test_enqueued_tokens_may_be_limited_by_model(
    limits: str, model: str, limit: int | None
) -> None:
    assert Settings(enqueued_limits=limits).enqueued_limit(model) == limit
