"""Recognises a file of answers that was dropped in place of the requests."""

import msgspec

from shared.batchfile.refusals import UnreadableFile
from shared.batchfile.schema import UNDECODABLE

OF_AN_ANSWER = frozenset({"response", "error"})
OF_A_REQUEST = frozenset({"body", "method", "url"})

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def is_answer(line: bytes) -> bool:
    """Whether a line is in OpenAI's output format, as results.jsonl and errors.jsonl are too."""
    try:
        names = _fields(line).keys()
    except UNDECODABLE:
        return False
    return "custom_id" in names and bool(names & OF_AN_ANSWER) and not names & OF_A_REQUEST


def refuse_answers(data: bytes) -> None:
    """By the first line of a file's first block. Raises UnreadableFile."""
    first = data.lstrip().split(b"\n", 1)[0]
    if is_answer(first):
        raise UnreadableFile(
            "output_file",
            "This file holds a batch's answers (custom_id, response, error), not requests.",
            "drop retry.jsonl, which lies beside errors.jsonl and holds the failed requests as "
            "they were asked; of a batch made elsewhere, drop the requests themselves",
        )
