"""Proves a day at the end of its check: what OpenAI lists, the table and S3 must say the same."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from shared.audit.cursor import DAY, Cursor, run_of
from shared.audit.detection import Finding
from shared.audit.edges import AuditEdges
from shared.audit.evidence import (
    Flaw,
    Held,
    against_listing,
    against_objects,
    proved_objects,
    with_strangers,
)
from shared.audit.manifest import Manifest, manifest
from shared.audit.paths import manifest_key
from shared.audit.rows import row_id
from shared.audit.verify import read_day
from shared.errors import NotFound

JSON = "application/json"
MOST_FLAWS = 20  # told of one kind


def prove(edges: AuditEdges, cursor: Cursor, landing: Collection[str], now: int) -> list[Finding]:
    """Writes the day's manifest; what does not fit is a finding, and stays out of the manifest.

    `landing`: ids that are in S3 already, and not yet in the table.
    """
    stream, run = cursor.stream, run_of(cursor)
    before = _read_manifest(edges, stream, run.low)
    found = read_day(edges.s3, run.low, stream, edges.settings.audit_calls_at_once)
    flaws = list(against_objects(before.objects if before else (), found))
    if found.digest != run.tally.digest:
        found, strange = with_strangers(found, {*landing, *_known(edges, found)})
        flaws += strange
    flaws += [flaw for flaw in against_listing(run.tally, found) if flaw.kind != "added"]
    day = manifest(stream, run, before, proved_objects(before, found), now)
    day = day.model_copy(update={"previous": _proof_of(edges, stream, run.low - DAY)})
    edges.s3.write(manifest_key(stream, run.low), [day.model_dump_json().encode()], JSON)
    return list(_findings(run.low, flaws, now))


def _read_manifest(edges: AuditEdges, stream: str, low: int) -> Manifest | None:
    try:
        return Manifest.model_validate_json(edges.s3.read(manifest_key(stream, low)))
    except NotFound:
        return None


def _proof_of(edges: AuditEdges, stream: str, low: int) -> str | None:
    found = _read_manifest(edges, stream, low)
    return found.proof if found else None


def _known(edges: AuditEdges, found: Held) -> set[str]:
    """Of these events those that ever landed."""
    ids = {row_id(id_): id_ for id_ in found.events}
    return {ids[each] for each in edges.tables.seen(ids)}


def _findings(low: int, flaws: list[Flaw], now: int) -> Iterator[Finding]:
    day = datetime.fromtimestamp(low, UTC).strftime("%Y-%m-%d")
    by_kind: dict[str, list[str]] = defaultdict(list)
    for flaw in flaws:
        by_kind[flaw.kind].append(flaw.text)
    for kind, texts in by_kind.items():
        title = f"Evidence of {day}, {kind}: {'; '.join(texts[:MOST_FLAWS])}"
        yield Finding.about_ourselves("O4", "evidence", f"evidence/{day}/{kind}", now, title)
