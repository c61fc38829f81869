"""The environment as one typed value."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.settings import Settings


def test_settings_without_a_variable_have_their_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    monkeypatch.setenv("MAX_PART_REQUESTS", "10")
    monkeypatch.setenv("LEASE_SECONDS", "")
    monkeypatch.setenv("SOMETHING_ELSE", "x")

    settings = Settings.load()

    assert (settings.ledger_table, settings.max_part_requests) == ("ledger", 10)
    assert settings.lease == timedelta(minutes=15)
    assert settings.lost_answer == timedelta(minutes=5)
    assert settings.data_bucket == ""


def test_settings_with_a_text_for_a_number_fail_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_PART_BYTES", "150 MB")

    with pytest.raises(ValidationError, match="max_part_bytes"):
        Settings.load()


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
def test_enqueued_limit_of_a_model_is_its_own_or_the_star(
    limits: str, model: str, limit: int | None
) -> None:
    assert Settings(enqueued_limits=limits).enqueued_limit(model) == limit
