"""The tables of docs/cost.md, made from what was measured and from AWS's list prices."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.paths import ROOT
from local.template import read_template

PRICES = Path(__file__).with_name("prices.json")
MEASURED = Path(__file__).with_name("measured.json")
PAGE = ROOT / "docs" / "cost.md"
MONTH = 30 * 24 * 60  # minutes
POLLERS = 5  # long polls that Lambda keeps at an idle queue, as AWS documents
WAIT = 20  # seconds of a long poll
LOG = 1_000  # bytes an invocation logs: START, END, REPORT and our line
NAMES = {
    "lambda_gb_second": "Lambda, time × memory",
    "lambda_request": "Lambda, invocations",
    "lambda_storage_gb_second": "Lambda, disk of the land function",
    "s3_write": "S3, writes",
    "s3_read": "S3, reads",
    "dynamodb_write_unit": "DynamoDB, writes",
    "dynamodb_read_unit": "DynamoDB, reads",
    "sqs_request": "SQS, requests",
    "sns_publish": "SNS, messages",
    "event": "EventBridge, events",
    "schedule": "Scheduler, invocations",
    "log_gb": "Logs, GB",
    "metric_month": "Metrics of our own",
}

WITH_WEBHOOKS = 15  # minutes between two ticks, of poll and of audit
IDLE_RUNS = 2 * 60 * 24 * 30  # poll and audit, every minute of a month

Counts = Mapping[str, float]


def filled(page: str, measured: Mapping[str, Counts]) -> str:
    """The page with new tables; the text around them stays."""
    tables = {
        "million": million(measured, "requests"),
        "audit": million(measured, "events"),
        "idle": idle(measured),
        "idle-with-webhooks": idle(measured, WITH_WEBHOOKS),
        "beside": beside(),
    }
    for name, table in tables.items():
        marks = f"<!-- {name} -->", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        page = pattern.sub(lambda _, t=table, m=marks: f"{m[0]}\n{t}\n{m[1]}", page)  # type: ignore[misc]
    return page


def million(measured: Mapping[str, Counts], of: str) -> str:
    """Of requests or of events, by what was measured with some of them."""
    jobs = {name: each for name, each in measured.items() if of in each}
    columns = [f"for a million {of}", *(f"{name}: units | $" for name in jobs)]
    scaled = {
        name: _billed({what: n * 1e6 / each[of] for what, n in each.items()})
        for name, each in jobs.items()
    }
    return _table(columns, scaled)


def idle(measured: Mapping[str, Counts], every: int = 1) -> str:
    """A month without files and without audit events; every: minutes between two ticks."""
    rows = [
        "| a month, idle | units | $ at list price | $ beyond what AWS gives everybody free |",
        "|---|---:|---:|---:|",
    ]
    month = idle_month(measured, every)
    for what, name in _used({"": month}):
        listed, paid = month[what] * _price(what), _beyond_free(what, month[what])
        rows.append(f"| {name} | {_units(month[what])} | {listed:.4f} | {paid:.4f} |")
    listed = sum(n * _price(what) for what, n in month.items())
    paid = sum(_beyond_free(what, n) for what, n in month.items())
    return "\n".join([*rows, f"| **all** | | **{listed:.4f}** | **{paid:.4f}** |"])


def idle_month(measured: Mapping[str, Counts], every: int = 1) -> Counts:
    """Two functions run every minute or seldomer, and Lambda polls the queues all the time."""
    poll, audit = measured["an idle minute"], measured["an idle minute, audit"]
    keys = poll.keys() | audit.keys()
    month = {what: (poll.get(what, 0) + audit.get(what, 0)) * MONTH / every for what in keys}
    month["schedule"] = 2 * MONTH / every + 30
    month["sqs_request"] = _queues() * POLLERS * MONTH * 60 / WAIT
    return _billed(month | {"metric_month": poll["metrics"] + audit["metrics"]})


def _beyond_free(what: str, units: float) -> float:
    free = json.loads(PRICES.read_text())["free_a_month"].get(what, 0)
    return max(0.0, units - float(free)) * _price(what)


def beside() -> str:
    """What you switch on separately, with its price."""
    resources = _resources()
    alarms = sum(
        each["Type"] == "AWS::CloudWatch::Alarm" and each.get("Condition") != "WebhookAlarmsAreOn"
        for each in resources.values()
    )
    rows = [
        (
            "alarms",
            f"{alarms}, the audit side's included",
            alarms * _price("alarm_month"),
            "Alarms",
        ),
        ("dashboard", "1", _price("dashboard_month"), "Dashboard"),
        (
            "traces, of an idle month",
            f"{IDLE_RUNS:,}",
            IDLE_RUNS * _price("trace"),
            "Tracing",
        ),
        ("a key of your own", "1", _price("key_month"), "EncryptionKeyArn"),
        ("a Secrets Manager secret", "1", _price("secret_month"), "OpenAIKeySecretArn"),
    ]
    lines = ["| beside | how many | $ a month | its switch |", "|---|---|---:|---|"]
    lines += [f"| {a} | {b} | {c:,.2f} | `{d}` |" for a, b, c, d in rows]
    return "\n".join(lines)


def _billed(counts: Counts) -> Counts:
    """The counts that cost something, with the logs that they cause."""
    logged = counts.get("lambda_request", 0) * LOG / 1e9
    return {what: n for what, n in {**counts, "log_gb": logged}.items() if what in NAMES and n}


def _table(columns: list[str], scaled: Mapping[str, Counts]) -> str:
    head = "| " + " | ".join(columns) + " |"
    rule = "|---|" + "---:|---:|" * len(scaled)
    rows = [
        _row(name, [(each.get(w, 0), _price(w)) for each in scaled.values()])
        for w, name in _used(scaled)
    ]
    sums = " | ".join(
        f"| **{sum(n * _price(w) for w, n in each.items()):.4f}**" for each in scaled.values()
    )
    return "\n".join([head, rule, *rows, f"| **all** | {sums} |".replace("| |", "| |")])


def _used(scaled: Mapping[str, Counts]) -> Iterator[tuple[str, str]]:
    """Most expensive first."""
    used = [w for w in NAMES if any(each.get(w) for each in scaled.values())]
    used.sort(key=lambda w: -max(each.get(w, 0) * _price(w) for each in scaled.values()))
    return ((w, NAMES[w]) for w in used)


def _row(name: str, cells: list[tuple[float, float]]) -> str:
    columns = " | ".join(f"{_units(n)} | {n * price:.4f}" for n, price in cells)
    return f"| {name} | {columns} |"


def _units(n: float) -> str:
    return f"{n:,.0f}" if n >= 10 or n == 0 else f"{n:.2g}"


def _price(what: str) -> float:
    price, _ = json.loads(PRICES.read_text())["prices"][what]
    return float(price)


def _queues() -> int:
    """Queues that a function listens to."""
    functions = (e for e in _resources().values() if e["Type"] == "AWS::Serverless::Function")
    events = [
        event
        for function in functions
        for event in function["Properties"].get("Events", {}).values()
    ]
    return sum(event["Type"] == "SQS" for event in events)


def _resources() -> Any:
    return read_template()["Resources"]
