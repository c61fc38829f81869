"""The account, before there is a stack: under which name, by which clock, with how much room."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3

from local.ops.doctor.finding import Finding
from local.ops.stack_names import problems
from local.template import read_template

SKEW = timedelta(seconds=30)  # AWS refuses at five minutes; ours can be off before that
QUOTA = "L-B99A9384"  # Lambda's "Concurrent executions"
ENOUGH = 1_000  # what an account usually has


def check_name(stack: str, region: str) -> Iterator[Finding]:
    wrong = problems(stack, region)
    yield from (
        Finding("problem", "stack name", each, "make deploy STACK=<another>") for each in wrong
    )
    if not wrong:
        yield Finding("ok", "stack name", f"{stack} suits every service")


def check_clock(answer: Any, now: datetime) -> Iterator[Finding]:
    """answer: of any call to AWS a moment ago."""
    theirs = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    off = abs(now - theirs.astimezone(UTC))
    if off > SKEW:
        text = f"it is {off.total_seconds():.0f} seconds off AWS's"
        yield Finding("problem", "clock", text, "sudo timedatectl set-ntp true")
    else:
        yield Finding("ok", "clock", "it agrees with AWS's")


def check_room(session: boto3.Session) -> Iterator[Finding]:
    """Functions that find no room are turned away, and five times make a dead letter."""
    each = _wanted()
    wanted = sum(each.values())
    limit = session.client("lambda").get_account_settings()["AccountLimit"]
    free = limit["UnreservedConcurrentExecutions"]
    if free >= wanted:
        yield Finding("ok", "concurrency", f"{free:,} at once, and {wanted} are wanted")
        return
    parts = ", ".join(f"{name} {most}" for name, most in each.items())
    text = f"the account runs {free} functions at once, and {wanted} are wanted ({parts})"
    ask = (
        f"aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code {QUOTA} --desired-value {ENOUGH}"
    )
    lower = f"or lower MaximumConcurrency in template.yaml to {free} in all"
    yield Finding("problem", "concurrency", text, f"{ask}   {lower}")


def _wanted() -> dict[str, int]:
    """At most, by function: those of queues as the template says, those of schedules one each.

    One without events is called from outside, and has a concurrency of its own, if it is there.
    """
    functions = {
        name.removesuffix("Function").lower(): each["Properties"]["Events"].values()
        for name, each in read_template()["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function" and "Events" in each["Properties"]
    }
    return {
        name: sum(
            each["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency", 0)
            for each in events
        )
        or 1
        for name, events in functions.items()
    }
