"""The names under which parts are uploaded to OpenAI, and which part a name means."""

import re

from shared.jobs.part import Part, part_number
from shared.objects import PartRef

NAME = re.compile(r"([0-9a-f]{16})-(\d+)-(\d+)\.jsonl")  # job, base, attempt


def upload_name(part: Part) -> str:
    return f"{part.job}-{part.base}-{part.attempt}.jsonl"


def uploaded_part(name: str) -> PartRef | None:
    """None: the file is not one of ours."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    return PartRef(job=found[1], part=part_number(int(found[2]), int(found[3])))
