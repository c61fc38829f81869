"""Everything is asked, whatever the answers; only without credentials there is nobody to ask."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local.ops.doctor.account import check_clock, check_name, check_room
from local.ops.doctor.finding import Finding, found_by
from local.ops.doctor.keys import check_key, keys_of
from local.ops.doctor.stack import (
    Standing,
    check_alarms,
    check_customer_keys,
    check_dead_letters,
    check_mappings,
    check_schedules,
    check_status,
    check_subscriptions,
    check_tables,
)
from local.template import read_template

PATIENCE = 10  # seconds for OpenAI's answer
OF_A_STACK: tuple[tuple[str, Callable[[Standing], Iterator[Finding]]], ...] = (
    ("stack", check_status),
    ("tables", check_tables),
    ("schedules", check_schedules),
    ("queues", check_mappings),
    ("dead letters", check_dead_letters),
    ("subscriptions", check_subscriptions),
    ("alarms", check_alarms),
    ("KMS key", check_customer_keys),
)


def main(session: boto3.Session, stack: str) -> int:
    """Status 0: no problem. 1: there are some. 2: nothing could be asked."""
    findings = []
    for each in diagnose(session, stack, datetime.now(UTC)):
        print(each, flush=True)
        findings.append(each)
    if findings[-1].about in {"credentials", "region"}:
        return 2
    return int(any(each.level == "problem" for each in findings))


def diagnose(session: boto3.Session, stack: str, now: datetime) -> Iterator[Finding]:
    """What is well and what is not, in the order in which it is worth mending."""
    if not session.region_name:
        text = "none is named"
        yield Finding("problem", "region", text, "export AWS_DEFAULT_REGION=eu-central-1")
        return
    try:
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        yield Finding("problem", "credentials", str(error), "aws configure   or   aws sso login")
        return
    who = f"{caller['Arn']}, in {session.region_name}"
    yield Finding("ok", "credentials", who)
    yield from check_clock(caller, now)
    yield from check_name(stack, session.region_name)
    yield from found_by("concurrency", lambda: check_room(session))
    standing = Standing.described(session, stack)
    yield from _keys(session, standing)
    if standing is None:
        text = f"there is none named {stack} in {session.region_name} yet"
        yield Finding("warning", "stack", text, f"make deploy STACK={stack}")
        return
    for about, check in OF_A_STACK:
        yield from found_by(about, lambda check=check: check(standing))  # type: ignore[misc]


def _keys(session: boto3.Session, standing: Standing | None) -> Iterator[Finding]:
    """Where the stack looks for them, or would."""
    described = read_template()["Parameters"]
    parameters = {name: str(each.get("Default", "")) for name, each in described.items()}
    parameters |= standing.parameters if standing else {}
    with httpx.Client(timeout=PATIENCE) as http:
        for stored in keys_of(parameters):
            yield from found_by(
                stored.about,
                lambda stored=stored: check_key(session, http, stored, parameters),  # type: ignore[misc]
            )
