"""`batchdrop investigate VALUE`: what the audit log knows of somebody or something."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.ops.stack_outputs import output_of
from shared.audit.investigate import Entry, Investigation
from shared.errors import EdgeError
from shared.text import sanitize

WEEK = timedelta(days=7)


class Question(NamedTuple):
    """Of whom or what, and when, ISO 8601."""

    values: Sequence[str]
    since: str | None = None
    until: str | None = None
    as_json: bool = False


def main(question: Question, stack: str, session: boto3.Session | None = None) -> int:
    """Prints events by time, or one event whole. 0: some were found. 1: none. 2: it failed."""
    session = session or boto3.Session()
    try:
        table = output_of(session, stack, "AuditEventsTableName")
        lines = list(answers(question, investigation(session, table), datetime.now(UTC)))
    except (BotoCoreError, ClientError, EdgeError, LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not lines:
        print("nothing was found", file=sys.stderr)
        return 1
    print(*lines, sep="\n")
    return 0


def investigation(session: boto3.Session, table: str) -> Investigation:
    return Investigation(session.resource("dynamodb").meta.client, table)


def answers(question: Question, asked: Investigation, now: datetime) -> Iterator[str]:
    low = _seconds(question.since) if question.since else int((now - WEEK).timestamp())
    high = _seconds(question.until) if question.until else int(now.timestamp())
    for value in question.values:
        if row := asked.event(value):
            indent = None if question.as_json else 2
            yield json.dumps(row, default=int, ensure_ascii=False, indent=indent)
            continue
        for entry in asked.about(value, low, high):
            yield _shown(entry, question.as_json)


def _shown(entry: Entry, as_json: bool) -> str:
    if as_json:
        return json.dumps(entry._asdict(), ensure_ascii=False)
    return sanitize(entry.line, 1_000)


def _seconds(text: str) -> int:
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
