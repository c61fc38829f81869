"""`python -m tests.tools.update_estimates`: how good estimates are, measured, into docs/jobs.md.

Five shapes of load at the small OpenAI: ten jobs that are learnt from, then five that are judged.
"""

import base64
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any, NamedTuple

from moto import mock_aws

from local.openai import SmallSettings
from local.paths import ROOT
from tests.support.batch_files import chat, lines
from tests.support.world import World

PAGE = ROOT / "docs" / "jobs.md"
TABLE = re.compile(r"(?<=<!-- estimates -->\n).*?(?=<!-- /estimates -->)", re.DOTALL)
LEARNT_FROM, JUDGED, REQUESTS = 10, 5, 40
WORDS = (
    "a",
    "cat",
    "sleeps",
    "on",
    "our",
    "warm",
    "roof",
    "while",
    "rain",
    "falls",
    "and",
    "minds",
)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "price": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["new", "used", "rare"]}},
    },
    "required": ["name", "price", "tags"],
    "additionalProperties": False,
}

Request = dict[str, Any]


class Measured(NamedTuple):
    """Of one shape; errors are shares of the actual cost."""

    first: float  # of the first job's estimate
    later: float  # of the judged ones', in the median
    worst_limit: float | None  # the smallest "at most" of all jobs, as a multiple of the actual


def words(dice: random.Random, least: int, most: int) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(dice.randint(least, most)))


def asking(dice: random.Random, n: int, url: str, **body: Any) -> Request:
    return {"custom_id": f"r{n}", "method": "POST", "url": url, "body": body}


def short_chat(dice: random.Random, n: int) -> Request:
    return chat(f"r{n}", words(dice, 5, 60))


def long_context(dice: random.Random, n: int) -> Request:
    text = words(dice, 1_500, 6_000)
    return asking(dice, n, "/v1/responses", model="gpt-5", input=text, max_output_tokens=400)


def extraction(dice: random.Random, n: int) -> Request:
    form = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": SCHEMA}}
    text = words(dice, 40, 300)
    return asking(
        dice, n, "/v1/responses", model="gpt-5-mini", input=text, text=form, max_output_tokens=300
    )


def embeddings(dice: random.Random, n: int) -> Request:
    return asking(
        dice, n, "/v1/embeddings", model="text-embedding-3-small", input=words(dice, 20, 200)
    )


def images(dice: random.Random, n: int) -> Request:
    image = base64.b64encode(b"\x89PNG\r\n\x1a\n" + dice.randbytes(dice.randint(9_000, 40_000)))
    url = f"data:image/png;base64,{image.decode()}"
    content = [
        {"type": "text", "text": words(dice, 5, 15)},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    messages = [{"role": "user", "content": content}]
    return asking(
        dice, n, "/v1/chat/completions", model="gpt-4.1-mini", messages=messages, max_tokens=200
    )


SHAPES: dict[str, Callable[[random.Random, int], Request]] = {
    "short chat": short_chat,
    "long context": long_context,
    "structured extraction": extraction,
    "embeddings": embeddings,
    "images": images,
}


def measured(shape: str) -> Measured:
    errors, limits = list[float](), list[float]()
    for expected, at_most, actual in costs(shape):
        errors.append(abs(expected - actual) / actual)
        if at_most is not None:
            limits.append(at_most / actual)
    is_limited = len(limits) == len(errors)
    return Measured(errors[0], median(errors[LEARNT_FROM:]), min(limits) if is_limited else None)


def costs(shape: str) -> Iterator[tuple[float, float | None, float]]:
    """Of one job after the other: expected, at most and actual dollars."""
    dice = random.Random(shape)
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1), settings={"prices": "openai"})
        for number in range(LEARNT_FROM + JUDGED):
            requests = [SHAPES[shape](dice, n) for n in range(REQUESTS)]
            report = world.report(world.run_job(f"{number}.jsonl", lines(requests)))
            estimate = report["estimate"]
            yield estimate["expected_usd"], estimate["at_most_usd"], report["cost"]["usd"]


def table(found: Mapping[str, Measured]) -> str:
    rows = ["| load | the first job was off by | after ten jobs | “at most” ÷ actual, at least |"]
    rows += ["|---|---:|---:|---:|"]
    for shape, each in found.items():
        limit = "no limit given" if each.worst_limit is None else f"{each.worst_limit:.1f}"
        rows.append(f"| {shape} | {each.first:.0%} | {each.later:.1%} | {limit} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    made = table({shape: measured(shape) for shape in SHAPES})
    PAGE.write_text(TABLE.sub(lambda _: made, PAGE.read_text()))
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
