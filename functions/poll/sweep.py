"""Once a day, what no tick sees: files without a job, leftovers and late batches at OpenAI."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from shared.aws.s3_events import replay_event
from shared.errors import Refused
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.keys import INBOX, is_recipe
from shared.jobs.model import job_id
from shared.jobs.part import Part, PartState
from shared.jobs.recipes import FilesBeside
from shared.jobs.second_batches import report_second_batches
from shared.jobs.uploads import delete_or_leave, uploaded_part
from shared.library.model import SyncRequest
from shared.library.paths import LIBRARIES
from shared.objects import PartRef, Source
from shared.openai.models import File
from shared.telemetry import record

LOOKED_BACK = timedelta(days=3)  # a batch lives for one
SILENT = timedelta(hours=1)  # a file without a job for so long has lost its notification
LEFT_ALONE = timedelta(days=14)  # an older one stays as it is
ORPHANED = timedelta(hours=6)  # an upload this old has its batch, or never will


def sweep(edges: JobEdges) -> dict[str, int]:
    """What was found and repaired. One step that fails does not keep the others from being done."""
    steps: dict[str, Callable[[], int]] = {
        "LibrariesReconciled": lambda: _reconcile_libraries(edges),
        "FilesReplayed": lambda: _replay_silent_files(edges),
        "UploadsDeleted": lambda: _delete_orphans(edges),
        "SecondBatches": lambda: report_second_batches(edges, edges.now() - LOOKED_BACK),
    }
    found: dict[str, int] = {}
    failures: list[Exception] = []
    for name, step in steps.items():
        try:
            found[name] = step()
        except Exception as error:  # noqa: BLE001  # one step's failure; raised with the others
            failures.append(error)
    if failures:
        record(found)
        raise ExceptionGroup("some of the daily sweep was not done", failures)
    return {**found, "SweepsDone": 1}


def _reconcile_libraries(edges: JobEdges) -> int:
    """Each is compared with its folder and its store, even if no event ever came for it."""
    folders = edges.s3.folders(edges.settings.inbox_bucket, LIBRARIES)
    known = (each.name for each in edges.library_table.dirty_flags())
    libraries = sorted({*folders, *known} - {""})  # `libraries//x.md` lies in none
    requests = [SyncRequest(library=name, reconcile=True) for name in libraries]
    edges.library_queue.send([request.model_dump_json() for request in requests])
    return len(requests)


def _replay_silent_files(edges: JobEdges) -> int:
    """Objects that have no job: dropped while S3's notifications did not arrive."""
    now, replayed = edges.now(), 0
    beside = FilesBeside(edges.s3)
    for source, modified in edges.s3.versions(edges.settings.inbox_bucket, INBOX):
        if not SILENT <= now - modified <= LEFT_ALONE or is_recipe(source.key):
            continue  # a good recipe has no job
        if _is_left_to_a_table(beside, source):
            continue
        if edges.ledger.job(job_id(source.bucket, source.key, source.identity)) is None:
            edges.intake_queue.send([replay_event(source)])
            replayed += 1
    return replayed


def _is_left_to_a_table(beside: FilesBeside, source: Source) -> bool:
    """Where the recipe can't be read nobody knows; the next sweep asks again."""
    try:
        return bool(beside.are_named(source))
    except Refused:
        return True


def _delete_orphans(edges: JobEdges) -> int:
    """Uploads of ours whose part is over, or that lost the race to become its batch."""
    files = (file for page in edges.openai.file_pages() for file in page)
    uploads = [(file, ref) for file in files if (ref := uploaded_part(file.filename))]
    listed = {file.id for file, _ in uploads}
    return sum(_delete_if_orphaned(edges, file, ref, listed) for file, ref in uploads)


def _delete_if_orphaned(edges: JobEdges, file: File, ref: PartRef, listed: Collection[str]) -> bool:
    if edges.now() - datetime.fromtimestamp(file.created_at, UTC) < ORPHANED:
        return False
    part = edges.ledger.part(ref.job, ref.part)
    if part is None or _needs(edges, part, file, listed):
        return False  # another stack's, or in use
    if not delete_or_leave(edges, file.id):
        return False
    edges.notifier.publish(notifications.orphan_deleted(part, file))
    return True


def _needs(edges: JobEdges, part: Part, file: File, listed: Collection[str]) -> bool:
    """By its id, or by its name where the list knows files by other ids, as LiteLLM's does."""
    is_its_own = part.file_id == file.id or part.file_id not in listed
    if part.state is not PartState.LANDED:
        return is_its_own
    job = edges.ledger.job(part.job)
    return job is not None and job.options.keep_files and is_its_own
