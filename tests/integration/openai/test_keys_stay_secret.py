"""No key, and no longer piece of one, in anything that is written, whatever the other side says.

KEY_EXAMPLES=10000 tries as many keys, over all forms of an answer; the suite tries a few.
"""

import dataclasses
import io
import json
import os
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from local.paths import ROOT
from shared.audit.api import AuditApi
from shared.aws.secrets import Secret
from shared.errors import ActionRequired, Details, EdgeError
from shared.openai.client import OpenAI
from shared.openai.vector_stores import VectorStores
from shared.telemetry import logger
from shared.text import PIECE, SECRETS
from tests.support.aws import aws
from tests.support.batch_files import chats
from tests.support.clock import Clock
from tests.support.names import KEY, KEY_NAME
from tests.support.world import World

# A traceback shows lines of ours, which know the word Bearer.
OUR_CODE = "".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))
FORMS = ["401", "403", "400", "429", "500", "200", "exception", "redirect", "odd"]
DETAILS = [each.name for each in dataclasses.fields(Details)]
EXAMPLES = int(os.environ.get("KEY_EXAMPLES", "45")) // len(FORMS)
NAME = "/odd-key"
OTHER = "~" * 40  # a key that has no piece in common with any text
ODD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=12, max_size=80)
PLAIN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=80)
KEYS = st.one_of(
    PLAIN,
    PLAIN.map(lambda text: f"sk-proj-{text}"),
    ODD,
    st.tuples(PLAIN, st.sampled_from("\n\r\t \x0b\u2028'\""), PLAIN).map("".join),
    PLAIN.map(lambda text: json.dumps({"key": text})),
    PLAIN.map(lambda text: f"Bearer {text}"),
)
SAYS: dict[str, Callable[[str], str]] = {
    "whole": lambda key: f"Incorrect API key provided: {key}. You can find it at …",
    "header": lambda key: f"Illegal header value b'Bearer {key}'",
    "half": lambda key: f"refused: {key[:6]}{'*' * 9}{key[-4:]}",
    "begin": lambda key: f"refused: {key[: len(key) // 2]}",
    "end": lambda key: f"refused: …{key[len(key) // 3 :]}",
    "far": lambda key: "x" * 290 + key,
}


def answers(how: str, form: str) -> Callable[[httpx.Request], httpx.Response]:
    """A server that quotes the key it was sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        said = SAYS[how](request.headers["Authorization"].removeprefix("Bearer "))
        if form == "exception":
            raise httpx.LocalProtocolError(said)
        if form == "redirect":
            return httpx.Response(
                302, headers={"Location": "https://other.test/?" + ascii_of(said)}
            )
        if form == "odd":
            batch = {
                "id": said,
                "status": {"a": said},
                "data": [{"id": {"a": said}}],
                "usage": said,
            }
            return httpx.Response(200, json=batch)
        error = {"message": said, "code": said, "type": said, "param": said}
        status = int(form)
        return httpx.Response(
            status, json={"error": error}, headers={"x-request-id": ascii_of(said)}
        )

    return answer


def ascii_of(text: str) -> str:
    return text.encode("ascii", "ignore").decode()


def calls(http: httpx.Client, key: Secret) -> Iterator[Callable[[], Any]]:
    openai = OpenAI(http, key, pause=lambda _: None)
    stores, audit = VectorStores(openai), AuditApi(http, key, pause=lambda _: None)
    yield lambda: openai.batch("batch_1")
    yield lambda: openai.create_batch("file-1", "/v1/embeddings", "24h", {})
    yield lambda: openai.cancel_batch("batch_1")
    yield lambda: openai.upload("a.jsonl", io.BytesIO(b"{}\n"))
    yield lambda: list(openai.file_pages())
    yield lambda: list(openai.batch_pages())
    yield lambda: openai.delete_file("file-1")
    yield lambda: downloaded(openai)
    yield lambda: stores.create({})
    yield lambda: list(stores.store_files("vs_1"))
    yield lambda: audit.page(0, 1, None, limit=1, tenant_only=False)


def downloaded(openai: OpenAI) -> None:
    with openai.content("file-1") as download:
        list(download.chunks())


def written(error: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    """Everything that anybody could write of an exception, without the quotes of Python's `repr`.

    Behind a text that ends in a piece of seven characters, a quote would make eight.
    """
    logger.error("not done", reason=str(error), exc_info=error)
    details = getattr(error, "details", None) or Details()
    told = [*error.args, getattr(error, "reason", ""), *getattr(error, "__notes__", [])]
    facts = [*told, *(getattr(details, each) for each in DETAILS)]
    shown = [str(error), *map(str, facts)]
    return "\n".join([*shown, *traceback.format_exception(error), *capsys.readouterr()])


@pytest.fixture(autouse=True)
def forgotten_afterwards() -> Iterator[None]:
    """A made-up key may be part of any text, and other tests look at texts."""
    yield
    SECRETS.clear()


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        yield aws().client("ssm")


def texts_written(
    key: str, server: tuple[str, str], ssm: Any, capsys: pytest.CaptureFixture[str]
) -> str:
    ssm.put_parameter(Name=NAME, Value=key, Type="SecureString", Overwrite=True)
    secret = Secret(NAME, lambda: ssm, lambda: None, Clock())  # type: ignore[arg-type,return-value]
    transport = httpx.MockTransport(answers(*server))
    found: list[str] = []
    with httpx.Client(transport=transport, base_url="https://api.test/v1") as http:
        for call in calls(http, secret):
            try:
                call()
            except EdgeError as error:
                found.append(written(error, capsys))
    return "\n".join(found)


@pytest.mark.parametrize("form", FORMS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(key="none-of-openai's,form;)", how="whole")
@example(key="none-of-openai's,form;)", how="begin")
@example(key="0000000000000'", how="begin")
@given(key=KEYS, how=st.sampled_from(sorted(SAYS)))
def test_no_edge_shows_a_piece_of_a_key(
    ssm: Any, capsys: pytest.CaptureFixture[str], key: str, how: str, form: str
) -> None:
    shown = texts_written(key, (how, form), ssm, capsys)

    stored = key.strip()
    pieces = {stored[at : at + PIECE] for at in range(len(stored) - PIECE + 1)}
    leaked = {each for each in pieces if each in shown and each not in OUR_CODE}
    if leaked:
        usual = texts_written(OTHER, (how, form), ssm, capsys)
        leaked = {each for each in leaked if each not in usual}
    assert not leaked, f"{leaked} of {stored!r} in {shown}"


@pytest.mark.parametrize(
    ("stored", "what"),
    [
        ('{"key": "sk-abc"}', "JSON"),
        ('["sk-abc"]', "JSON"),
        ('"sk-abcdef"', "quotes"),
        ("Bearer sk-abcdef", "Bearer"),
        ("sk-abc\ndef", "line end"),
        ("sk-abc\r\n sk-def", "line end"),
        ("sk-abc def", "space"),
        ("sk-abc\u00a0def", "space"),
        ("sk-abc\u200bdef", "character"),
        ("sk-abcé", "character"),
        ("   ", "empty"),
    ],
)
def test_stored_key_that_is_none_is_said_so_without_showing_it(
    ssm: Any, stored: str, what: str
) -> None:
    ssm.put_parameter(Name=NAME, Value=stored, Type="SecureString")
    secret = Secret(NAME, lambda: ssm, lambda: None, Clock())  # type: ignore[arg-type,return-value]

    with pytest.raises(ActionRequired, match=what) as raised:
        secret()

    assert NAME in raised.value.reason
    assert "abc" not in raised.value.reason


def test_secret_of_bytes_is_no_key() -> None:
    with mock_aws():
        manager = aws().client("secretsmanager")
        arn = manager.create_secret(Name="odd", SecretBinary=b"sk-abc")["ARN"]
        secret = Secret(arn, lambda: None, lambda: manager, Clock())  # type: ignore[arg-type,return-value]

        with pytest.raises(ActionRequired, match="it is empty"):
            secret()


def test_line_end_after_a_key_does_no_harm(ssm: Any) -> None:
    ssm.put_parameter(Name=NAME, Value=" sk-abcdefgh\n", Type="SecureString")

    key = Secret(NAME, lambda: ssm, lambda: None, Clock())()  # type: ignore[arg-type,return-value]

    assert key == "sk-abcdefgh"


@pytest.mark.parametrize("key", [f"{KEY}\nof two lines", '{"key": "secret-of-json"}', KEY])
def test_nothing_of_a_key_reaches_ledger_objects_or_notifications(
    world: World, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ssm = world.session.client("ssm")
    ssm.put_parameter(Name=KEY_NAME, Value=key, Type="SecureString", Overwrite=True)
    quoting = httpx.MockTransport(answers("whole", "401"))
    job = world.drop("a.jsonl", chats(3))

    edges = world.connect(transport=quoting)
    world.run_functions(edges)

    (part,) = world.parts(job)
    assert "key" in part.reason
    rows = world.session.client("dynamodb").scan(TableName="ledger")["Items"]
    objects = [world.read(each).decode() for each in world.keys("")]
    everything = repr([rows, objects, world.published(), capsys.readouterr()])
    for piece in (KEY[-PIECE:], "of two lines", "secret-of-json"):
        assert piece not in everything
