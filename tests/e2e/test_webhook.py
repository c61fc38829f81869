"""The real template with webhooks, on the laptop's AWS: OpenAI says that a batch has ended."""

import json
import time
from collections.abc import Callable, Iterator
from statistics import median

import boto3
import httpx
import pytest

from local.ops.webhooks import main
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import clear
from shared.jobs.model import Job, job_id
from shared.jobs.part import Part
from tests.support.batch_files import chats
from tests.support.sessions import session_at

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("webhook")]
SECRET = "/batchdrop/webhook-secret"
PATIENCE = 120  # seconds
Hook = Callable[[str], int]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Poll ticks every 15 minutes: what lands sooner does so because of a webhook."""
    home = tmp_path_factory.mktemp("webhook")
    parameters = {"Webhook": "on", "PollEveryMinutes": "15", "WebhookConcurrency": "0"}
    options = WorldOptions(parameters=parameters, openai=("--speed", "10"))
    try:
        yield make_world(home, options, lambda _: None)
    finally:
        clear(home)


@pytest.fixture(scope="module")
def session(world: World) -> boto3.Session:
    return session_at(world.endpoint)


@pytest.fixture
def hook(world: World, session: boto3.Session) -> Hook:
    return lambda action: main(action, world.stack, session)


def stored(world: World) -> str:
    found = world.client("ssm").get_parameter(Name=SECRET, WithDecryption=True)
    return str(found["Parameter"]["Value"])


def drop(world: World, name: str) -> str:
    bucket = world.outputs["InboxBucketName"]
    key = f"inbox/{name}"
    put = world.client("s3").put_object(Bucket=bucket, Key=key, Body=chats(3))
    return job_id(bucket, key, put["VersionId"])


def landed(world: World, job: str) -> tuple[Job, Part]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = world.ledger.job(job)
        if found and found.over:
            return found, world.ledger.parts(job)[0]
        time.sleep(0.1)
    raise AssertionError(f"{job} is not over: {found}")


def completed_at(world: World, part: Part) -> float:
    headers = {"Authorization": "Bearer sk-look"}
    found = httpx.get(f"{world.openai}/batches/{part.batch_id}", headers=headers).json()
    return float(found["completed_at"])


def test_results_lie_in_s3_within_seconds_of_a_batchs_end(
    world: World, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook("off")
    assert hook("on") == 0
    assert "from now on" in capsys.readouterr().out
    took = []
    for number in range(7):
        job, part = landed(world, drop(world, f"{number}.jsonl"))
        assert job.state == "completed"
        took.append(job.times["completed"].timestamp() - completed_at(world, part))

    print(f"median {median(took):.1f} s of {sorted(took)}")
    assert median(took) <= 5, took


def test_the_command_does_no_harm_twice_and_tests_what_it_set_up(
    world: World, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook("on")
    before = stored(world)

    assert hook("on") == 0
    assert hook("test") == 0

    assert stored(world) == before
    assert "the webhook works" in capsys.readouterr().out


def test_a_secret_that_got_lost_is_made_anew(
    world: World, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook("on")
    before = stored(world)
    world.client("ssm").delete_parameter(Name=SECRET)

    assert hook("on") == 0

    assert stored(world) != before
    assert "made anew" in capsys.readouterr().out


def test_a_rotated_secret_counts_and_so_does_the_old_one_for_a_day(
    world: World, hook: Hook
) -> None:
    hook("on")
    before = stored(world)

    assert hook("rotate") == 0

    assert stored(world) != before
    assert hook("test") == 0
    job, _ = landed(world, drop(world, "rotated.jsonl"))
    assert job.state == "completed"


def test_a_stranger_gets_401_and_no_word(world: World, hook: Hook) -> None:
    hook("on")
    url = world.outputs["WebhookUrl"]
    name = httpx.URL(url).host.partition(".")[0]
    here = f"{world.endpoint}/_aws/lambda-url/{name}/"
    body = json.dumps({"type": "batch.completed", "data": {"id": "batch_1"}})
    headers = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}

    answers = [
        httpx.post(here, content=body),
        httpx.post(here, content=body, headers=headers),
        httpx.get(here),
    ]

    assert [(each.status_code, each.content) for each in answers] == [(401, b"")] * 3


def test_off_ends_it_and_what_is_not_there_is_said(
    world: World, hook: Hook, session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    hook("on")
    capsys.readouterr()

    assert hook("off") == 0
    assert hook("test") == 1
    assert hook("rotate") == 1
    assert main("on", "nowhere", session) == 2

    said = capsys.readouterr()
    assert "poll looks by itself" in said.out
    assert said.err.count("batchdrop webhook on") == 2
    assert "make deploy STACK=nowhere" in said.err
