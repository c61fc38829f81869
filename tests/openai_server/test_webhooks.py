"""Webhook endpoints by the official client, and what is sent to them, verified by it."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import openai
import pytest
from openai import OpenAI

from local.openai import SmallOpenAI, SmallSettings, serving
from local.openai.webhooks.endpoints import EVENT_TYPES
from tests.support.batch_files import chats
from tests.support.clock import Clock

URL = "http://127.0.0.1:1/hook"
Sent = tuple[dict[str, str], bytes]


@dataclass
class Listener:
    """Who is called; answers as it is told."""

    sent: list[Sent] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.sent.append((dict(headers), body))
        return self.answers.pop(0) if self.answers else 204

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.sent]

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.sent]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def clock() -> Clock:
    """Near the real one, by which the client looks how old a signature is."""
    clock = Clock()
    clock.moment = clock.moment.fromtimestamp(time.time(), clock.moment.tzinfo)
    return clock


@pytest.fixture
def small(clock: Clock, listener: Listener) -> SmallOpenAI:
    settings = SmallSettings(validating=1, working=1, per_request=0, finalizing=1)
    return SmallOpenAI(clock=clock.seconds, settings=settings, post=listener)


@pytest.fixture
def client(small: SmallOpenAI) -> Iterator[OpenAI]:
    with (
        serving(small) as url,
        OpenAI(api_key="sk-proj-test", base_url=url, max_retries=0) as client,
    ):
        yield client


@pytest.fixture
def hooked(client: OpenAI) -> OpenAI:
    client.webhooks.create(name="mine", url=URL, event_types=["batch.completed"])
    return client


def a_batch(client: OpenAI, small: SmallOpenAI, clock: Clock, wait: float = 10) -> str:
    file = client.files.create(file=("a.jsonl", chats(2)), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    clock.advance(seconds=wait)
    small.deliver_webhooks()
    return batch.id


def test_an_endpoint_is_made_listed_changed_tested_rotated_and_deleted(
    client: OpenAI, listener: Listener
) -> None:
    made = client.webhooks.create(name="mine", url=URL, event_types=["batch.completed"])

    assert made.signing_secret.startswith("whsec_")
    assert made.signing_secret_hint
    assert made.signing_secret_hint[-4:] == made.signing_secret[-4:]
    assert [each.id for each in client.webhooks.list()] == [made.id]
    assert not hasattr(client.webhooks.retrieve(made.id), "signing_secret")
    changed = client.webhooks.update(made.id, name="ours", event_types=["batch.failed"])
    assert (changed.name, changed.url, changed.event_types) == ("ours", URL, ["batch.failed"])
    tested = client.webhooks.test(made.id, event_type="batch.failed")
    assert (tested.status_code, tested.success, listener.types) == (204, True, ["batch.failed"])
    rotated = client.webhooks.rotate_secret(made.id)
    assert rotated.signing_secret != made.signing_secret
    assert client.webhooks.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.webhooks.retrieve(made.id)


def test_the_event_types_are_those_that_the_client_may_ask_for(client: OpenAI) -> None:
    assert set(client.webhooks.event_types.list().data) == set(EVENT_TYPES)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "ftp://a"}, "https"),
        ({"url": "http://example.com/"}, "https"),
        ({"event_types": []}, "event type"),
        ({"event_types": ["batch.eaten"]}, "batch.eaten"),
    ],
)
def test_what_is_no_endpoint_is_refused(
    client: OpenAI, changes: dict[str, object], says: str
) -> None:
    asked: dict[str, object] = {"name": "a", "url": URL, "event_types": ["batch.completed"]}

    with pytest.raises(openai.BadRequestError, match=says):
        client.post("/webhook_endpoints", body=asked | changes, cast_to=object)


def test_a_batch_that_ends_is_told_and_the_official_client_unwraps_it(
    client: OpenAI, small: SmallOpenAI, clock: Clock, listener: Listener
) -> None:
    made = client.webhooks.create(name="mine", url=URL, event_types=["batch.completed"])
    batch = a_batch(client, small, clock)

    ((headers, body),) = listener.sent
    told = client.webhooks.unwrap(body, headers, secret=made.signing_secret)
    assert told.type == "batch.completed"
    assert told.data.id == batch


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(
    client: OpenAI, small: SmallOpenAI, clock: Clock, listener: Listener
) -> None:
    made = client.webhooks.create(name="mine", url=URL, event_types=["batch.completed"])
    rotated = client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=True)
    a_batch(client, small, clock)
    clock.advance(hours=25)
    a_batch(client, small, clock)

    (first, body), (second, _) = listener.sent
    for secret in (made.signing_secret, rotated.signing_secret):
        client.webhooks.verify_signature(body, first, secret=secret)
    assert len(second["webhook-signature"].split()) == 1


def test_what_is_not_taken_is_sent_again_under_its_id_for_three_days(
    client: OpenAI, small: SmallOpenAI, clock: Clock, listener: Listener
) -> None:
    client.webhooks.create(name="mine", url=URL, event_types=["batch.completed"])
    listener.answers = [500, 0, 302, *[503] * 1_000]
    a_batch(client, small, clock)
    for _ in range(100):
        clock.advance(hours=1)
        small.deliver_webhooks()

    assert len(set(listener.ids)) == 1
    assert 15 <= len(listener.ids) <= 40


@pytest.mark.parametrize(
    ("quirk", "came"),  # how many, and under how many ids
    [
        ("webhook_lost", (0, 0)),
        ("webhook_late", (1, 1)),
        ("webhook_old", (1, 1)),
        ("webhook_doubled", (2, 1)),
        ("webhook_forged", (2, 2)),
        ("webhook_unknown", (2, 2)),
    ],
)
def test_a_webhook_is_odd_on_request(
    hooked: OpenAI, small: SmallOpenAI, clock: Clock, quirk: str, came: object
) -> None:
    small.misbehave(quirk)
    a_batch(hooked, small, clock)
    outbox = small.organization.webhooks.outbox
    soon = len(outbox.delivered)
    clock.advance(hours=1)
    small.deliver_webhooks()

    ids, types, _ = zip(*outbox.delivered, strict=True) if outbox.delivered else ((), (), ())
    assert (len(ids), len(set(ids))) == came
    assert ("weather.changed" in types) == (quirk == "webhook_unknown")
    assert (soon == 0) == (quirk in {"webhook_lost", "webhook_late"})


def test_two_may_come_in_the_other_order(
    client: OpenAI, small: SmallOpenAI, clock: Clock, listener: Listener
) -> None:
    client.webhooks.create(name="mine", url=URL, event_types=["batch.completed"])
    small.misbehave("webhook_reversed", times=2)
    batches = [a_batch(client, small, clock, wait=0) for _ in range(2)]
    clock.advance(minutes=2)
    small.deliver_webhooks()

    assert [json.loads(body)["data"]["id"] for _, body in listener.sent] == batches[::-1]
