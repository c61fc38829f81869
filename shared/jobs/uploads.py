"""The names under which parts are uploaded to OpenAI, and which part a name means."""

import re

from shared.errors import EdgeError
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part, part_number
from shared.objects import PartRef
from shared.telemetry import log_wait

NAME = re.compile(r"([0-9a-f]{16})-(\d+)-(\d+)\.jsonl")  # job, base, attempt


def upload_name(part: Part) -> str:
    return f"{part.job}-{part.base}-{part.attempt}.jsonl"


def uploaded_part(name: str) -> PartRef | None:
    """None: the file is not one of ours."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    return PartRef(job=found[1], part=part_number(int(found[2]), int(found[3])))


def delete_or_leave(edges: JobEdges, file_id: str) -> bool:
    """False if the server refuses, or can't do it: the file expires at OpenAI after 30 days."""
    try:
        edges.openai.delete_file(file_id)
    except EdgeError as error:
        if not error.is_for_good:
            raise
        log_wait(error, file=file_id)
        return False
    return True
