"""A job whose stored answers lack lines is not called complete."""

import pytest
from moto import mock_aws

from shared.jobs.part import PartState
from tests.support.batch_files import chats
from tests.support.names import DATA
from tests.support.world import World


def test_job_whose_stored_answers_were_cut_is_not_closed() -> None:
    with mock_aws():
        world = World(settings={"max_part_requests": 2})
        world.small.misbehave("paused", part=2)
        job = world.drop("a.jsonl", chats(4))
        world.run_functions()
        while world.parts(job)[0].state is not PartState.LANDED:
            world.tick()
        for key in stored(world, job):
            body = world.s3.get_object(Bucket=DATA, Key=key)["Body"].read()
            world.s3.put_object(Bucket=DATA, Key=key, Body=body[: body.index(b"\n") + 1])

        with pytest.raises(ValueError, match="shorter"):
            world.run_until_over(job)

        assert not world.job(job).over
        assert world.subjects() == ["Job Accepted"]


def stored(world: World, job: str) -> list[str]:
    """The answers of the parts that have landed."""
    found = world.s3.list_objects_v2(Bucket=DATA).get("Contents", [])
    return [
        each["Key"]
        for each in found
        if job in each["Key"] and each["Key"].endswith(".results.jsonl")
    ]
