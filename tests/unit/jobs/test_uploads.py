"""The names of uploaded parts are read back as the parts they mean."""

import pytest

from shared.jobs.uploads import upload_name, uploaded_part
from shared.objects import PartRef
from tests.support.records import part

JOB = "0123456789abcdef"


@pytest.mark.parametrize(("number", "attempt"), [(1, 1), (99_999, 1), (300_007, 4)])
def test_upload_name_is_read_back_as_its_part(number: int, attempt: int) -> None:
    uploaded = part(job=JOB, number=number, attempt=attempt)

    assert uploaded_part(upload_name(uploaded)) == PartRef(job=JOB, part=number)


@pytest.mark.parametrize(
    "name", ["", "notes.jsonl", f"{JOB}-1.jsonl", f"{JOB}-1-1.jsonl.gz", f"x{JOB}-1-1.jsonl"]
)
def test_other_file_name_means_no_part(name: str) -> None:
    assert uploaded_part(name) is None
