"""The plain values that features and vendors pass on."""

import pytest

from shared.objects import PartRef, Source


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        (Source(bucket="b", key="k", version="v", etag="e", sequencer="s"), "v"),
        (Source(bucket="b", key="k", etag="e", sequencer="s"), "e-s"),
    ],
)
def test_source_without_version_is_identified_by_etag_and_sequencer(
    source: Source, identity: str
) -> None:
    assert source.identity == identity


def test_part_ref_survives_json() -> None:
    ref = PartRef(job="j1", part=100_001)

    assert PartRef.model_validate_json(ref.model_dump_json()) == ref
