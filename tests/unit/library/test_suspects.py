"""Which documents the next call holds after one was refused: each culprit alone at last."""

import random
from datetime import UTC, datetime

import pytest

from shared.errors import Details
from shared.library import suspects
from shared.library.content import REFUSED, Content, ContentState
from shared.objects import Source

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def uploaded(number: int) -> Content:
    return Content(
        library="l",
        id=f"{number:05}",
        digest=f"{number:05}",
        chunking="auto",
        filename=f"{number}.md",
        source=Source(bucket="b", key="k"),
        state=ContentState.UPLOADED,
        file_id=f"file-{number}",
        due=NOW,
        changed_at=NOW,
    )


def narrowed(number: int, bad: set[int]) -> tuple[int, set[str]]:
    """Calls, and those that failed alone, by the rules that attach follows."""
    rows = {each.id: each for each in map(uploaded, range(number))}
    wrong, calls, failed = {f"{each:05}" for each in bad}, 0, set[str]()
    while ready := [each for each in rows.values() if each.may_be_attached(NOW)]:
        most = suspects.most_in_call(list(rows.values()), len(ready), 2_000)
        call = suspects.next_call(ready, most)
        rest = suspects.rest_of(ready, call)
        calls += 1
        ids = {each.id for each in call}
        if not ids & wrong:
            changed = [each.attaching(NOW, "").attached("vsfb_1") for each in call]
            changed += [each.suspected(NOW, len(rest)) for each in rest]
        elif len(call) == 1:
            changed = [call[0].refused(NOW, REFUSED, "no")]
            changed += [each.suspected(NOW, 0) for each in rest]
            failed |= ids
        else:
            changed = [each.suspected(NOW, len(call)) for each in call]
            changed += [each.suspected(NOW, 0) for each in rest]
        rows |= {each.id: each for each in changed}
    return calls, failed


def test_ten_thousand_documents_with_fifty_refused_ones_take_ten_calls_for_each() -> None:
    bad = set(random.Random(0).sample(range(10_000), 50))

    calls, failed = narrowed(10_000, bad)

    assert failed == {f"{each:05}" for each in bad}
    assert calls <= 5 + 10 * len(bad)


@pytest.mark.parametrize("number", [1, 2, 3, 40])
@pytest.mark.parametrize("bad", [{0}, {0, 1, 2}, set(range(40))])
def test_only_those_at_fault_fail(number: int, bad: set[int]) -> None:
    wrong = {each for each in bad if each < number}

    _, failed = narrowed(number, wrong)

    assert failed == {f"{each:05}" for each in wrong}


@pytest.mark.parametrize(
    ("message", "param", "expected"),
    [
        ("File file-3 has an unsupported type.", "", ["00003"]),
        ("Invalid 'files[2].attributes': no.", "", ["00002"]),
        ("No.", "files[4].chunking_strategy", ["00004"]),
        ("No.", "file_ids.1", ["00001"]),
        ("file-33 is not there", "", []),
        ("Invalid request.", "", []),
    ],
)
def test_document_that_a_refusal_names_is_found(
    message: str, param: str, expected: list[str]
) -> None:
    call = [uploaded(each) for each in range(6)]

    found = suspects.named(Details(status=400, message=message, param=param), call)

    assert [each.id for each in found] == expected
