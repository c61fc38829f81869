"""The client of OpenAI against the small one: what each failure means."""

import io
import tempfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from functions.land.answers import fetch
from shared.errors import ActionRequired, NotFound, OutcomeUnknown, Refused, TryLater
from shared.openai.client import OpenAI, connect
from tests.support.batch_files import chats
from tests.support.world import World

META = {"job_id": "j", "part": "1", "attempt": "1"}


def file(world: World, content: bytes = b"") -> str:
    return world.edges.openai.upload("f.jsonl", io.BytesIO(content or chats(3))).id


def batch(world: World) -> str:
    made = world.edges.openai.create_batch(file(world), "/v1/chat/completions", "24h", META)
    return made.id


CALLS: dict[str, Callable[[World], Any]] = {
    "retrieve_batch": lambda world: world.edges.openai.batch(batch(world)),
    "list_batches": lambda world: world.edges.openai.batch_page(),
    "cancel_batch": lambda world: world.edges.openai.cancel_batch(batch(world)),
    "retrieve_file": lambda world: world.edges.openai.file(file(world)),
    "delete_file": lambda world: world.edges.openai.delete_file(file(world)),
    "list_files": lambda world: world.edges.openai.file_page(),
}


@pytest.mark.parametrize("route", CALLS)
@pytest.mark.parametrize(
    "quirk", ["error_500_before", "error_502_before", "rate_limited", "cut_before", "not_json"]
)
def test_call_without_effect_is_repeated(world: World, route: str, quirk: str) -> None:
    world.small.misbehave(quirk, times=2, route=route)
    before = world.clock()

    CALLS[route](world)

    assert [call.route for call in world.small.calls].count(route) >= 2
    assert world.clock() >= before


def test_retry_after_is_waited_for(world: World) -> None:
    world.small.misbehave("rate_limited", route="list_batches", retry_after=7)
    before = world.clock()

    world.edges.openai.batch_page()

    assert (world.clock() - before).total_seconds() == 7


def test_long_retry_after_is_left_to_the_caller(world: World) -> None:
    world.small.misbehave("rate_limited", route="list_batches", retry_after=120)

    with pytest.raises(TryLater) as told:
        world.edges.openai.batch_page()

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 120


@pytest.mark.parametrize("quirk", ["cut_after", "error_500_after", "not_json"])
def test_create_is_never_repeated(world: World, quirk: str) -> None:
    world.small.misbehave(quirk, route="create_batch")

    with pytest.raises(OutcomeUnknown):
        batch(world)

    assert [call.route for call in world.small.calls].count("create_batch") == 1
    assert len(world.small.batches) == 1


@pytest.mark.parametrize(
    ("quirk", "error"),
    [
        ("quota_exhausted", ActionRequired),
        ("unauthorized", ActionRequired),
        ("forbidden", ActionRequired),
        ("rate_limited_silent", TryLater),
        ("not_found", NotFound),
    ],
)
def test_failure_raises_its_typed_error(world: World, quirk: str, error: type[Exception]) -> None:
    world.small.misbehave(quirk, route="create_batch")

    with pytest.raises(error) as told:
        batch(world)

    assert "POST /v1/batches: HTTP 4" in str(told.value)


def test_refusal_carries_openais_text_and_code(world: World) -> None:
    with pytest.raises(Refused, match="Invalid value") as told:
        world.edges.openai.create_batch(file(world), "/v1/nonsense", "24h", META)

    assert told.value.details.code == "invalid_value"


def test_cancel_of_an_ended_batch_answers_the_batch(world: World) -> None:
    made = batch(world)
    world.clock.advance(hours=1)

    assert world.edges.openai.cancel_batch(made).status == "completed"


def test_refused_connection_means_nothing_was_sent() -> None:
    with connect("http://127.0.0.1:9", {}) as http:
        lonely = OpenAI(http, lambda: "sk-x", pause=lambda _: None)  # type: ignore[arg-type]

        with pytest.raises(TryLater) as told:
            lonely.create_batch("file-1", "/v1/embeddings", "24h", META)

    assert not isinstance(told.value, OutcomeUnknown)


def test_refused_key_is_read_again_and_missing_key_has_a_remedy(world: World) -> None:
    world.small.misbehave("unauthorized", route="list_batches")
    with pytest.raises(ActionRequired, match="is the stored key right"):
        world.edges.openai.batch_page()

    world.session.client("ssm").delete_parameter(Name=world.config.openai_key_secret)
    with pytest.raises(ActionRequired, match="put-parameter"):
        world.connect().openai.batch_page()
    with pytest.raises(ActionRequired, match="put-parameter"):
        world.edges.openai.batch_page()


def test_key_may_lie_in_secrets_manager(world: World) -> None:
    secrets = world.session.client("secretsmanager")
    arn = secrets.create_secret(Name="key", SecretString=" sk-test-654321\n")["ARN"]

    assert world.edges.secret(arn)() == "sk-test-654321"


@pytest.mark.parametrize("quirk", ["download_cut", "download_ranges"])
def test_cut_download_ends_whole(world: World, quirk: str) -> None:
    content = chats(50)
    stored = file(world, content)
    world.small.misbehave("download_cut", times=3, after_bytes=1000)
    world.small.misbehave(quirk)

    with tempfile.TemporaryFile() as disk:
        fetch(world.edges, stored, disk)
        disk.seek(0)
        assert disk.read() == content


def test_download_shorter_than_stated_raises_try_later(world: World) -> None:
    stored = file(world)
    world.small.misbehave("download_short", times=None)

    with tempfile.TemporaryFile() as disk, pytest.raises(TryLater, match="got 100 of 477 bytes"):
        fetch(world.edges, stored, disk)


def test_organization_and_project_are_sent_if_set(world: World) -> None:
    settings = world.config.model_copy(
        update={"openai_organization": "org-1", "openai_project": "proj_1"}
    )
    edges = type(world.edges)(settings, world.clock)

    with httpx.Client(headers=edges.openai_headers()) as http:
        assert http.headers["OpenAI-Organization"] == "org-1"
        assert http.headers["OpenAI-Project"] == "proj_1"
