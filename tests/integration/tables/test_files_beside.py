"""Images and PDFs below a table's folder: rows name them, and they are no jobs of their own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from functions.intake.table import ROWS_AT_ONCE, Lines
from functions.poll.sweep import sweep
from local.openai import SmallSettings
from shared.jobs.model import JobState, job_id
from shared.problems import Problems
from shared.tables.files_beside import data_url
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates
from tests.support.batch_files import chats
from tests.support.images import PDF, PNG
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.table_files import DESCRIBED, TEXT, put
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1))
        world.clock.moment = datetime.now(UTC)  # S3 says when an object was written
        yield world


def dropped(world: World, key: str, content: bytes = PNG) -> str:
    """With its notification; the id of the job that it would be."""
    version = world.s3.put_object(Bucket=INBOX, Key=key, Body=content)["VersionId"]
    world.notify(key, version, len(content))
    return job_id(INBOX, key, version)


def asked(world: World, job: str) -> list[str]:
    """The images of the requests, in order."""
    lines = world.read(f"parts/{job}/table.jsonl").splitlines()
    return [json.loads(line)["body"]["input"][0]["content"][1]["image_url"] for line in lines]


def delayed(world: World) -> int:
    found = world.sqs.get_queue_attributes(
        QueueUrl=world.queues["intake"], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessagesDelayed"])


def test_rows_send_the_files_that_they_name(world: World) -> None:
    put(world, "inbox/shop/recipe.yaml", DESCRIBED)
    many = [PNG + bytes([n]) for n in range(30)]
    images = [
        dropped(world, f"inbox/shop/a/pictures/{n} é.png", each) for n, each in enumerate(many)
    ]
    rows = "".join(f"n{n},pictures/{n} é.png\n" for n in range(30))

    job = world.run_job("shop/a/t.csv", f"name,image\n{rows}".encode())

    assert job.state is JobState.COMPLETED, world.report(job)
    assert asked(world, job.id) == [data_url("", each).decode() for each in many]
    assert all(world.edges.ledger.job(each) is None for each in images)
    assert "Job Rejected" not in " ".join(world.subjects())


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("b.png", "there is no 'b.png' in inbox/shop/"),
        ("../outside.png", "no path below the table's folder"),
        ("", "names no file"),
        ("text.png", "no PNG, JPEG, GIF, WebP or PDF"),
    ],
)
def test_a_file_that_can_not_be_sent_is_the_rows_problem(
    world: World, image: str, reason: str
) -> None:
    put(world, "inbox/shop/recipe.yaml", DESCRIBED)
    put(world, "inbox/shop/a.png", PNG)
    put(world, "inbox/outside.png", PNG)
    put(world, "inbox/shop/text.png", b"text")
    rows = f"name,image\nx,a.png\ny,{image}\nz,a.png\n".encode()

    refused = world.run_job("shop/t.csv", rows)
    kept = world.run_job("shop/u.csv", rows, bad_lines="skip")

    (problem,) = world.report(refused)["problems"]
    assert (problem["code"], problem["line"]) == ("unfilled_template", 2)
    assert problem["param"] == "request.body.input[0].content[1].image_url"
    assert reason in problem["message"]
    assert (kept.state, kept.requests, kept.skipped) == (JobState.COMPLETED, 2, 1)


def test_a_file_that_s3_keeps_back_is_the_rows_problem(world: World) -> None:
    put(world, "inbox/recipe.yaml", DESCRIBED)
    put(world, "inbox/a.png", PNG)
    refusal = Refusal(403, "InvalidObjectState", "archived")
    session = RefusingSession(refusal, "GetObject", while_=lambda: True, within="a.png")
    world.edges = world.connect(session)

    job = world.run_job("t.csv", b"name,image\nx,a.png\n")

    (problem,) = world.report(job)["problems"]
    assert "InvalidObjectState" in problem["message"]


def test_what_comes_before_its_recipe_is_looked_at_again(world: World) -> None:
    image = dropped(world, "inbox/shop/a.png")
    world.run_functions()
    assert (delayed(world), world.edges.ledger.job(image)) == (1, None)

    put(world, "inbox/shop/recipe.yaml", DESCRIBED)
    world.clock.advance(minutes=5)
    again(world, "inbox/shop/a.png")

    assert world.edges.ledger.job(image) is None
    assert world.keys("rejected/") == []


def again(world: World, key: str) -> None:
    """The second look: moto keeps a message back by the real clock."""
    world.notify(key, world.s3.head_object(Bucket=INBOX, Key=key)["VersionId"])
    world.run_functions()


@pytest.mark.parametrize("recipe", [None, TEXT])
def test_an_image_that_no_recipe_asks_for_is_rejected(world: World, recipe: bytes | None) -> None:
    """With a recipe at once; without one after five minutes."""
    if recipe:
        put(world, "inbox/shop/recipe.yaml", recipe)
    image = dropped(world, "inbox/shop/a.png")
    world.run_functions()
    if recipe is None:
        world.clock.advance(minutes=5, seconds=1)
        again(world, "inbox/shop/a.png")

    assert world.job(image).state is JobState.REJECTED
    (problem,) = world.report(world.job(image))["problems"]
    assert problem["code"] == "unsupported_suffix"
    assert "file(" in problem["remedy"]


def test_a_recipe_that_s3_keeps_back_does_not_stop_the_sweep(world: World) -> None:
    """What lies beside it is left for the next one."""
    put(world, "inbox/shop/recipe.yaml", DESCRIBED)
    put(world, "inbox/shop/a.png", PNG)
    put(world, "inbox/silent.jsonl", chats(1))
    world.clock.advance(hours=2)
    refusal = Refusal(403, "AccessDenied")
    session = RefusingSession(refusal, "GetObject", while_=lambda: True, within="recipe.yaml")

    found = sweep(world.connect(session))

    assert found["FilesReplayed"] == 1
    world.run_functions()
    (job,) = world.all_jobs("silent.jsonl")
    assert world.job(job).state is JobState.ACCEPTED


def test_the_sweep_leaves_alone_what_rows_name_and_finds_what_nobody_asks_for(
    world: World,
) -> None:
    put(world, "inbox/shop/recipe.yaml", DESCRIBED)
    for number in range(3):
        put(world, f"inbox/shop/{number}.pdf", PDF)
    put(world, "inbox/nowhere.png", PNG)
    world.clock.advance(hours=2)

    found = sweep(world.edges)
    world.run_functions()

    assert found["FilesReplayed"] == 1
    (version,) = world.s3.list_object_versions(Bucket=INBOX, Prefix="inbox/nowhere.png")["Versions"]
    lost = world.job(job_id(INBOX, "inbox/nowhere.png", version["VersionId"]))
    assert lost.state is JobState.REJECTED


def test_only_a_few_rows_files_are_read_ahead() -> None:
    """Each may have 50 MB."""
    read = list[str]()

    def reading(name: str) -> bytes:
        read.append(name)
        return PNG

    recipe, _ = read_recipe(DESCRIBED)
    assert recipe is not None
    lines = Lines(Templates(recipe), ["name", "image"], reading)
    rows = [["x", f"{n}.png"] for n in range(100)]

    for number, piece in enumerate(lines.of(rows, Problems(), skip=False), 1):
        assert json.loads(piece)["custom_id"] == f"row-{number}"
        assert len(read) <= number + ROWS_AT_ONCE

    assert sorted(read) == sorted(name for _, name in rows)
