"""OpenAI refuses an upload, a batch, or a search: what may pass waits, what can't ends the part."""

import json
from collections.abc import Callable

import httpx
import pytest

from functions.land.retry import MOST_ROUNDS
from functions.poll.sweep import sweep
from shared.jobs.model import JobState
from shared.jobs.part import PartState
from shared.jobs.waiting import MOST_REJECTIONS
from tests.support.batch_files import chats
from tests.support.wires import TwistedWire, named, refused
from tests.support.world import World

Said = Callable[[], httpx.Response]
UPLOAD, CREATE = "POST /v1/files", "POST /v1/batches"
PASSING: dict[str, Said] = {
    "storage full": lambda: refused(400, "You have exceeded your file storage quota."),
    "storage full, 413": lambda: refused(413, "The project is out of storage space"),
    "no route yet": lambda: refused(404, "Not Found"),
    "no route yet, no body": lambda: httpx.Response(404),
    "method": lambda: httpx.Response(405, text="Method Not Allowed"),
    "locked": lambda: refused(423, "Locked"),
    "rate": lambda: refused(429, "Slow down", "rate_limit_exceeded"),
    "spending limit": lambda: refused(400, "Reached.", "billing_hard_limit_reached"),
    "unpaid": lambda: refused(402, "Payment required"),
    "inactive": lambda: refused(403, "Not active.", "billing_not_active"),
    "not ready": lambda: httpx.Response(503, text="<html>not ready</html>"),
    "redirected": lambda: httpx.Response(302, headers={"Location": "https://other.test/v1/files"}),
    "not json": lambda: httpx.Response(200, text="<html>sign in</html>"),
    "error under 200": lambda: httpx.Response(200, json={"error": {"code": "server_error"}}),
}
FINAL: dict[str, Said] = {
    "too large": lambda: httpx.Response(413, text="<html>413 Request Entity Too Large</html>"),
    "invalid": lambda: refused(400, "Invalid file format for Batch API."),
    "not allowed": lambda: refused(422, "Unprocessable."),
    "error under 200": lambda: httpx.Response(200, json={"error": "Not for you."}),
}


def twisted(world: World) -> TwistedWire:
    wire = TwistedWire(world.small.transport())
    world.edges = world.connect(transport=wire)
    return wire


def answer_first(wire: TwistedWire, call: str, said: Said, times: int) -> None:
    left = [said] * times
    wire.before = lambda request: left.pop()() if named(request) == call and left else None


@pytest.mark.parametrize(
    ("call", "how"),
    [
        (call, how)
        for call in (UPLOAD, CREATE)
        for how in PASSING
        if call == UPLOAD or not how.startswith("no route")  # there a 404 means file or model
    ],
)
def test_refusal_that_may_pass_waits_visibly_and_passes(world: World, how: str, call: str) -> None:
    wire = twisted(world)
    answer_first(wire, call, PASSING[how], times=2)
    job = world.drop("a.jsonl", chats(3))

    world.run_functions()
    (part,) = world.parts(job)
    assert part.state is PartState.WAITING
    assert part.reason
    if part.creating_at is None:
        assert [each.used for each in world.edges.ledger.capacities()] == [0]

    world.run_until_over(job)
    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 3


@pytest.mark.parametrize("call", [UPLOAD, CREATE])
@pytest.mark.parametrize("how", FINAL)
def test_refusal_that_cannot_pass_ends_the_part_once(world: World, how: str, call: str) -> None:
    wire = twisted(world)
    answer_first(wire, call, FINAL[how], times=99)
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    (part,) = world.parts(job)
    assert world.job(job).state is JobState.FAILED
    assert part.batch_status == "refused"
    assert wire.count(call) == 1
    assert [each.used for each in world.edges.ledger.capacities()] == [0]
    (error,) = world.report(world.job(job))["errors"]
    assert error["count"] == 3
    assert "HTTP" in error["message"]


def test_refused_upload_of_one_job_leaves_the_capacity_to_others(world: World) -> None:
    world.config = world.config.model_copy(update={"enqueued_limits": "*=400"})
    wire = twisted(world)

    def before(request: httpx.Request) -> httpx.Response | None:
        poison = named(request) == UPLOAD and b"poison" in request.content
        return PASSING["storage full"]() if poison else None

    wire.before = before
    first = world.drop("poison.jsonl", chats(4).replace(b"Say", b"poison"))
    second = world.drop("fine.jsonl", chats(4))

    world.run_until_over(second)

    assert world.job(second).state is JobState.COMPLETED
    assert not world.job(first).over


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
@pytest.mark.parametrize("listed", ["GET /v1/batches", "GET /v1/files"])
def test_search_that_is_refused_is_not_known_and_pays_nothing_twice(
    world: World, listed: str, status: int
) -> None:
    wire = twisted(world)
    lost = CREATE if listed.endswith("batches") else UPLOAD
    refusals = [1] * 3

    def before(request: httpx.Request) -> httpx.Response | None:
        refuses = named(request) == listed and world.clock() < until and refusals
        return refused(status, "No list here.") if refuses else None

    def after(request: httpx.Request, _: httpx.Response) -> httpx.Response | None:
        if named(request) == lost and wire.count(lost) == 0:
            return httpx.Response(502, text="lost")
        return None

    wire.before, wire.after = before, after
    until = world.clock() + 3 * world.config.lost_answer
    job = world.drop("a.jsonl", chats(3))
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 3
    assert wire.count(CREATE) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("invalid_request", "Cannot find file file-abc, or organization org-x has no access."),
        ("server_error", "The server had an error while processing the batch."),
        ("internal_error", "Internal error."),
        ("rate_limit_exceeded", "Too many batches."),
        ("billing_hard_limit_reached", "Billing hard limit has been reached."),
        (None, "Cannot find file file-abc."),
    ],
)
@pytest.mark.parametrize("times", [1, 3])
def test_failed_validation_that_may_pass_is_tried_again(
    world: World, code: str | None, message: str, times: int
) -> None:
    world.small.misbehave("validation_fails", times=times, code=code, message=message)
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 3
    assert len(world.small.batches) == times + 1


def test_failed_validation_is_not_tried_again_for_ever(world: World) -> None:
    world.small.misbehave("validation_fails", code="server_error", message="Sorry.")
    world.small.misbehave("validation_fails", times=None, code="server_error", message="Sorry.")
    job = world.drop("a.jsonl", chats(3))
    started = world.clock()

    world.run_until_over(job)

    assert world.job(job).state is JobState.FAILED
    assert "Sorry." in world.job(job).reason
    assert len(world.small.batches) == MOST_REJECTIONS + 1
    assert (world.clock() - started).total_seconds() > 3_600


@pytest.mark.parametrize("bad_lines", ["reject", "skip"])
@pytest.mark.parametrize("attempts", ["1", "3"])
def test_batch_refused_for_a_line_goes_again_without_it(
    world: World, bad_lines: str, attempts: str
) -> None:
    world.small.misbehave("validation_fails", code="odd", message="Line 2 is odd.", line=2)
    job = world.drop("a.jsonl", chats(5), bad_lines=bad_lines, max_attempts=attempts)

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED_WITH_FAILURES
    assert len(world.small.billed) == 4
    results = world.results(world.job(job))
    assert [bool(each["error"]) for each in results] == [False, True, False, False, False]
    assert "Line 2 is odd." in results[1]["error"]["message"]
    retried = world.parts(job)[1]
    assert (retried.requests, retried.counted_attempts) == (4, 1)


def test_batch_refused_for_ever_other_lines_ends(world: World) -> None:
    world.small.misbehave(
        "validation_fails", times=None, code="odd", message="This line is odd.", line=2
    )
    job = world.drop("a.jsonl", chats(9))

    world.run_until_over(job)

    assert world.job(job).state is JobState.FAILED
    assert len(world.small.batches) == MOST_ROUNDS + 1
    errors = [each["error"]["message"] for each in world.results(world.job(job))]
    assert sum(each == "This line is odd." for each in errors) == MOST_ROUNDS + 1
    assert sum("that this request was in" in each for each in errors) == 9 - (MOST_ROUNDS + 1)


def test_batch_of_which_every_line_is_refused_is_not_made_again(world: World) -> None:
    world.small.misbehave("validation_fails", times=None, code="odd", message="Odd.", line=1)
    job = world.drop("a.jsonl", chats(1))

    world.run_until_over(job)

    assert len(world.small.batches) == 1


def useless(world: World, *, deletable: bool) -> list[str]:
    """The first upload is listed and can't be found; the uploads as they come."""
    wire, uploads = twisted(world), list[str]()

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if named(request) == UPLOAD:
            uploads.append(response.json()["id"])
        return None

    def before(request: httpx.Request) -> httpx.Response | None:
        if request.method == "DELETE" and not deletable and request.url.path.endswith(uploads[0]):
            return refused(400, "Not this one.")
        if named(request) == CREATE and json.loads(request.content)["input_file_id"] == uploads[0]:
            return refused(400, f"Cannot find file {uploads[0]}, or the project has no access.")
        return None

    wire.after, wire.before = after, before
    return uploads


@pytest.mark.parametrize("deletable", [True, False])
def test_upload_that_is_listed_and_of_no_use_is_replaced(world: World, *, deletable: bool) -> None:
    uploads = useless(world, deletable=deletable)
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert len(uploads) == 2
    assert (uploads[0] in world.small.files) is not deletable


def test_upload_of_no_use_to_a_batch_is_replaced(world: World) -> None:
    world.small.misbehave("validation_fails", message="Cannot find file file-x, or …")
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    files = {batch.input_file_id for batch in world.small.batches.values()}
    assert len(files) == 2


def test_file_that_openai_never_finds_ends_the_part_in_its_words(world: World) -> None:
    wire = twisted(world)
    answer_first(wire, CREATE, lambda: refused(400, "Cannot find file f, or …"), times=999)
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state is JobState.FAILED
    assert "Cannot find file" in world.job(job).reason
    assert wire.count(UPLOAD) <= MOST_REJECTIONS


def test_batch_that_failed_is_not_taken_for_a_lost_one_by_an_old_view(world: World) -> None:
    wire, made = twisted(world), list[str]()
    world.small.misbehave("validation_fails", code="server_error", message="Sorry.")

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if named(request) == CREATE and not response.is_error:
            made.append(response.json()["id"])
            return httpx.Response(502, text="lost") if len(made) == 2 else None
        if named(request) == "GET /v1/batches" and len(made) > 1:
            body = response.json()
            body["data"].sort(key=lambda each: each["id"] != made[0])
            body["data"][0]["status"] = "validating"  # as it was a while ago
            return httpx.Response(200, json=body)
        return None

    wire.after = after
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert len(made) == 2
    assert len(world.small.billed) == 3


@pytest.mark.parametrize("how", [*FINAL, "method"])
def test_job_ends_though_openai_refuses_to_delete_its_files(world: World, how: str) -> None:
    said = (PASSING | FINAL)[how]
    wire = twisted(world)

    def before(request: httpx.Request) -> httpx.Response | None:
        return said() if request.method == "DELETE" else None

    wire.before = before
    job = world.drop("a.jsonl", chats(3))
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


def test_upload_that_cannot_be_deleted_keeps_no_other_from_it(world: World) -> None:
    wire = twisted(world)
    jobs = [world.drop(f"{n}.jsonl", chats(2)) for n in range(3)]
    world.run_functions()
    orphans = [world.upload(f"{job}-1-9.jsonl") for job in jobs]
    orphan = world.upload(f"{jobs[0]}-1-1.jsonl")
    world.run_until_over(*jobs)
    world.clock.advance(seconds=86_400)
    wire.before = lambda request: (
        FINAL["not allowed"]() if named(request) == f"DELETE /v1/files/{orphan}" else None
    )
    assert orphans

    sweep(world.edges)

    assert set(world.small.files) == {orphan, *orphans}
