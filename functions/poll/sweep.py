"""Once a day, what no tick sees: files that never rang, leftovers and late batches at OpenAI."""

import re
from datetime import UTC, datetime, timedelta

from shared.aws.s3_events import replay_event
from shared.jobs import notifications
from shared.jobs.batch_lookup import look_back
from shared.jobs.edges import Edges
from shared.jobs.keys import INBOX
from shared.jobs.model import Part, PartState, job_id, part_number
from shared.library.model import SyncRequest
from shared.library.paths import LIBRARIES
from shared.openai.models import File

OURS = re.compile(r"([0-9a-f]{16})-(\d+)-(\d+)\.jsonl")  # as submit names its uploads
LOOKED_BACK = timedelta(days=3)  # a batch lives for one
SILENT = timedelta(hours=1)  # a file without a job for so long has lost its notification
LEFT_ALONE = timedelta(days=14)  # an older one stays as it is
ORPHANED = timedelta(hours=6)  # an upload this old has its batch, or never will


def sweep(edges: Edges) -> dict[str, int]:
    """What was found and mended."""
    return {
        "LibrariesReconciled": _reconcile_libraries(edges),
        "FilesRung": _ring_for_silent_files(edges),
        "UploadsDeleted": _delete_orphans(edges),
        "BatchesDoubled": look_back(edges, edges.now() - LOOKED_BACK),
    }


def _reconcile_libraries(edges: Edges) -> int:
    """Each is compared with its folder and its store; those that never rang too."""
    folders = edges.s3.folders(edges.settings.inbox_bucket, LIBRARIES)
    libraries = sorted({*folders, *(each.name for each in edges.library_table.dirty_flags())})
    asks = [SyncRequest(library=name, reconcile=True).model_dump_json() for name in libraries]
    edges.library_queue.send(asks)
    return len(asks)


def _ring_for_silent_files(edges: Edges) -> int:
    """Objects that have no job: dropped while the notification was broken."""
    now, rung = edges.now(), 0
    for source, modified in edges.s3.versions(edges.settings.inbox_bucket, INBOX):
        if not SILENT <= now - modified <= LEFT_ALONE:
            continue
        if edges.ledger.job(job_id(source.bucket, source.key, source.identity)) is None:
            edges.intake_queue.send([replay_event(source)])
            rung += 1
    return rung


def _delete_orphans(edges: Edges) -> int:
    """Uploads of ours whose part is over, or that lost the race to become its batch."""
    deleted, after = 0, None
    while True:
        page = edges.openai.file_page(after)
        for file in page.data:
            deleted += _delete_if_orphaned(edges, file)
        after = page.last_id or (page.data[-1].id if page.data else None)
        if not page.has_more or after is None:
            return deleted


def _delete_if_orphaned(edges: Edges, file: File) -> int:
    named = OURS.fullmatch(file.filename)
    age = edges.now() - datetime.fromtimestamp(file.created_at, UTC)
    if named is None or age < ORPHANED:
        return 0
    part = edges.ledger.part(named[1], part_number(int(named[2]), int(named[3])))
    if part is None or _needs(edges, part, file):
        return 0  # another stack's, or in use
    edges.openai.delete_file(file.id)
    edges.notifier.publish(notifications.orphan_deleted(part, file))
    return 1


def _needs(edges: Edges, part: Part, file: File) -> bool:
    if part.state is not PartState.LANDED:
        return part.file_id in {None, file.id}
    job = edges.ledger.job(part.job)
    return job is not None and job.options.keep_files and part.file_id == file.id
