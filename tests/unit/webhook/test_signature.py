"""Whether a webhook is OpenAI's: ours and the official client's word, message by message."""

import base64
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from functions.webhook.signature import is_secret, is_signed, looks_signed
from tests.support.webhooks import OTHER, SECRET, event, signature, signed

Message = tuple[dict[str, str], bytes]
CLIENT = OpenAI(api_key="sk-none")
BODY = event("batch.completed")


def official(message: Message, secret: str) -> bool:
    headers, body = message
    try:
        CLIENT.webhooks.unwrap(body, headers, secret=secret)
    except json.JSONDecodeError:
        return True  # it is signed; what is in it is another question
    except (InvalidWebhookSignatureError, ValueError, TypeError):
        return False
    return True


def ours(message: Message, secret: str) -> bool:
    return is_signed(*message, secret, datetime.now(UTC))


def _flipped(draw: random.Random, text: str) -> str:
    if not text:
        return "x"
    at = draw.randrange(len(text))
    return text[:at] + draw.choice("aB1=+/ ,.\té\0") + text[at + 1 :]


def _body(draw: random.Random, message: Message) -> Message:
    headers, body = message
    at = draw.randrange(len(body))
    return headers, body[:at] + bytes([draw.randrange(256)]) + body[at + 1 :]


def _header(draw: random.Random, message: Message) -> Message:
    headers, body = message
    name = draw.choice(["webhook-id", "webhook-timestamp", "webhook-signature"])
    return headers | {name: _flipped(draw, headers[name])}, body


def _missing(draw: random.Random, message: Message) -> Message:
    headers, body = message
    name = draw.choice(["webhook-id", "webhook-timestamp", "webhook-signature"])
    return {n: v for n, v in headers.items() if n != name}, body


def _moved(draw: random.Random, message: Message) -> Message:
    """Signed anew at another time; at the very edge the clock decides, so not there."""
    headers, body = message
    away = draw.choice([0, 10, 290, 310, 3_600, 10**12]) * draw.choice([-1, 1])
    timestamp = draw.choice(["{}", "{}", "{}", " {} ", "+{}", "{}.0", "{}x"]).format(
        int(time.time()) + away
    )
    told = signature(SECRET, headers["webhook-id"], timestamp, body)
    return headers | {"webhook-timestamp": timestamp, "webhook-signature": told}, body


def _several(draw: random.Random, message: Message) -> Message:
    headers, body = message
    good = headers["webhook-signature"]
    other = signature(OTHER, headers["webhook-id"], headers["webhook-timestamp"], body)
    found = [good, other, good[3:], "v1a," + good[3:], "v1,", "", "v1,é", good[:-1]]
    chosen = draw.choices(found, k=draw.randint(1, 4))
    return headers | {"webhook-signature": draw.choice([" ", "  ", "\t"]).join(chosen)}, body


def _as_it_is(draw: random.Random, message: Message) -> Message:
    return message


def _bare(draw: random.Random, message: Message) -> Message:
    """A body that is no JSON, or no text, and is signed all the same."""
    body = draw.choice(['{"é": 1}'.encode(), b'{"a": 1}', b"{}", b"[]", b"1"])
    return signed(body, datetime.now(UTC)), body


MUTATIONS: tuple[Callable[[random.Random, Message], Message], ...] = (
    _body,
    _header,
    _missing,
    _moved,
    _several,
    _as_it_is,
    _bare,
)


def mutated(seed: int) -> Iterator[Message]:
    draw = random.Random(seed)
    message = signed(BODY, datetime.now(UTC)), BODY
    yield message
    for _ in range(3):
        message = draw.choice(MUTATIONS)(draw, message)
        if len(message[1]) == 0 or not all(
            name in message[0] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ):
            yield message
            return
        yield message


def test_ours_and_the_official_clients_word_agree_on_ten_thousand_mutated_messages() -> None:
    seen = {True: 0, False: 0}
    for seed in range(4_000):
        for message in mutated(seed):
            for secret in (SECRET, OTHER) if seed % 4 == 0 else (SECRET,):
                word = official(message, secret)
                assert ours(message, secret) == word, (seed, message)
                seen[word] += 1

    assert sum(seen.values()) >= 10_000
    assert min(seen.values()) >= 2_000


@pytest.mark.parametrize("secret", [SECRET, "a plain text as secret"])
def test_a_secret_is_base64_behind_its_prefix_or_a_text(secret: str) -> None:
    body, now = BODY, datetime.now(UTC)
    key = (
        secret
        if secret.startswith("whsec_")
        else "whsec_" + base64.b64encode(secret.encode()).decode()
    )
    headers = signed(body, now, key)

    assert is_signed(headers, body, secret, now)
    assert official((headers, body), secret)


def test_of_several_signatures_any_may_be_right() -> None:
    now = datetime.now(UTC)
    headers = signed(BODY, now, OTHER, SECRET)

    assert is_signed(headers, BODY, SECRET, now)
    assert is_signed(headers, BODY, OTHER, now)


def test_nothing_is_signed_with_no_headers() -> None:
    assert not looks_signed({})
    assert not is_signed({}, BODY, SECRET, datetime.now(UTC))


@pytest.mark.parametrize(
    ("secret", "good"),
    [(SECRET, True), ("text", True), ("", False), ("whsec_", False), ("whsec_!", False)],
)
def test_what_can_be_a_secret(secret: str, good: bool) -> None:
    assert is_secret(secret) == good
