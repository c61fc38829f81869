"""Names and texts from outside that would forge lines, move cursors, run as scripts or formulas.

What people are shown of them (reports, pages, messages, logs, names in S3) does none of that.
"""

import json
import logging
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.intake import handler as intake
from shared.telemetry import logger
from tests.support.audit_logs import event
from tests.support.audit_world import NOW, AuditWorld, audit_aws
from tests.support.batch_files import chat, lines
from tests.support.lambda_events import Context, sqs_event
from tests.support.libraries import Folder
from tests.support.world import World

TEXTS = {
    "lines": "a\nYour job failed, see http://evil.example\r\n\r\nb",
    "cursor": "\x1b[2J\x1b[31mred\x07\x9b1A\x7f",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>'\"&amp;",
    "path": "../../../etc/passwd/..",
    "equals": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "unseen": "a\u202egnp\u2066\u200b\u2028b\u2029c\ufeff\U000e0041",
    "long": "x" * 1_000,
}
CALM = "calm"
USUAL = [2, 2, 3, 5, 5]  # line ends of the messages about such files, whatever they are called
USUAL_ALERTS = [22, 22, 24]  # the same of alerts about such names
WORST = "".join(TEXTS[each] for each in ("lines", "cursor", "script", "unseen"))


class Page(HTMLParser):
    """The elements of a page with the names of their attributes, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}
        self.links |= {str(value) for name, value in attrs if name in {"href", "src"}}


def dropped(world: World, text: str) -> list[str]:
    """One good file and one that is refused, both full of it. A model's name has a limit."""
    metadata = json.dumps({"team": text[:500]})
    good = [chat(f"{text} {n}", text, model=model) for n, model in enumerate((CALM, text[:256]))]
    bad = [chat(text, model=text * 300), chat(text, stream=True) | {"method": text, text: text}]
    return [
        world.drop(f"{text}.jsonl", lines(good), metadata=metadata),
        world.drop(f"{text}/bad.jsonl", lines(bad), metadata=metadata),
        world.drop(f"{text}/option.jsonl", lines(good), metadata=metadata, unknown="<script>=1"),
    ]


def is_calm(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def assert_calm(messages: list[dict[str, Any]], longest: int) -> None:
    for each in messages:
        subject, text = each["Subject"], each["Message"]
        assert subject.isascii(), f"not ASCII: {subject!r}"
        assert subject.isprintable(), f"not printable: {subject!r}"
        assert is_calm(text), f"not printable, but for line ends: {text!r}"
        assert len(text) < longest, f"{len(text)} characters, expected fewer than {longest}"


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_messages_keep_their_shape_whatever_is_dropped(world: World, text: str) -> None:
    world.run_until_over(*dropped(world, text))
    messages = world.published()

    assert sorted(each["Message"].count("\n") for each in messages) == USUAL
    assert_calm(messages, 4_000)


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_reports_and_pages_stay_harmless_and_keep_the_whole_name(world: World, text: str) -> None:
    jobs = dropped(world, text)
    world.run_until_over(*jobs)

    written = world.keys()
    assert [key for key in written if not key.isprintable() or ".." in key.split("/")] == []
    assert max(len(key.encode()) for key in written) <= 1_024
    reports = [world.job(job).results_prefix + "report" for job in jobs]
    for name, report in zip([f"{text}.jsonl", f"{text}/bad.jsonl"], reports, strict=False):
        body = world.read(f"{report}.json").decode()
        assert is_calm(body)
        assert json.loads(body)["source"]["key"] == f"inbox/{name}"
    for report in reports:
        body = world.read(f"{report}.html").decode()
        page = Page(body)
        assert is_calm(body)
        assert not page.seen & {"script", "img", "iframe", "form", "onerror", "onload"}
        assert all(re.fullmatch(r"data:,|[\w.-]+\.(jsonl?|html)", link) for link in page.links)


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_library_of_such_documents_is_searchable_and_reported_calmly(
    world: World, text: str
) -> None:
    folder = Folder(world, name=text[:100].replace("/", "|"))
    folder.put(f"{text[:300]}/a.md", f"Cats sleep. {text}")
    folder.put(f"{text[:300]}/b.txt", b"\xff\x00\xfe")
    folder.put("other.md", "Dogs bark.")
    folder.put("other.md.metadata.json", json.dumps({"metadataAttributes": {"team": text[:500]}}))
    folder.set(attributes={text[:60]: text[:500]})
    folder.settle()
    folder.set(unknown=text)
    folder.tick()

    messages = world.published()
    kinds = {each["MessageAttributes"]["type"]["Value"] for each in messages}
    assert {"Document Searchable", "Document Failed", "Library In Sync"} < kinds
    assert "Library Settings Refused" in kinds
    assert max(each["Message"].count("\n") for each in messages) < 6
    assert_calm(messages, 4_000)
    (key,) = [key for key in world.keys("libraries/") if key.endswith("/report.json")]
    assert key.isprintable()
    assert not {".", ".."} & set(key.split("/"))
    assert is_calm(world.read(key).decode())
    assert {each.filename for each in folder.searchable} == {
        each.filename for each in world.small.files.values()
    }
    assert all(each.filename.isprintable() for each in folder.searchable)


def poisoned(value: Any, text: str, name: str = "") -> Any:
    """An event whose names and descriptions are all this text."""
    if isinstance(value, dict):
        return {k: poisoned(each, text, k) for k, each in value.items()}
    if isinstance(value, list):
        return [poisoned(each, text, name) for each in value]
    free = isinstance(value, str) and name not in {"type", "ip_address", "allowed_ips"}
    return text if free else value


def _by_another(poisoned_event: Any, id_: str) -> Any:
    """By an actor of its own, so that each is an incident and people hear of all."""
    user = poisoned_event["actor"]["session"]["user"]
    user["id"] = f"{id_}{user['id']}"
    return poisoned_event | {"id": id_}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_alerts_about_such_names_are_calm(text: str) -> None:
    owner = {"id": "user-1", "email": "a@example.com", "data": {"role": "owner"}}
    opened = {"id": "list_1", "name": "office", "allowed_ips": ["0.0.0.0/0"]}
    found = [
        event(1, NOW + 70, "ip_allowlist.updated", opened),
        event(2, NOW + 70, "scim.disabled", {"id": "org_1"}),
        event(3, NOW + 71, "user.added", owner),
        event(4, NOW + 72, "tunnel.created", {"id": "tunnel_1", "name": "way out"}),
        event(5, NOW + 73, text[:100], {"id": "moon"}),
    ]
    with audit_aws():
        world = AuditWorld()
        world.tick()
        world.add(_by_another(poisoned(each, text), each["id"]) for each in found)
        world.tick()
        messages = world.published()
        keys = world.keys("")

    assert {each["Subject"].split()[3] for each in messages} >= {"D2", "D3"}
    assert sorted(each["Message"].count("\n") for each in messages) == USUAL_ALERTS
    assert_calm(messages, 6_000)
    assert all(key.isprintable() and ".." not in key.split("/") for key in keys)


def test_logs_stay_lines_of_plain_ascii(deployed: World, caplog: pytest.LogCaptureFixture) -> None:
    deployed.notify(f"inbox/{WORST}.jsonl", "gone")
    with caplog.at_level(logging.DEBUG):
        intake.handler(sqs_event(deployed, "intake"), Context())
        deployed.notify(f"inbox/{WORST}.jsonl", "gone too")
        event = sqs_event(deployed, "intake")
        deployed.session.client("dynamodb").delete_table(TableName="ledger")
        with pytest.raises(BatchProcessingError):
            intake.handler(event, Context())

    written = [logger.registered_formatter.format(record) for record in caplog.records]
    assert f"inbox/{WORST}.jsonl" in {json.loads(line).get("key") for line in written}
    assert {"taken in", "not done"} <= set(caplog.messages)
    for line in written:
        assert line.isascii()
        assert line.isprintable()
