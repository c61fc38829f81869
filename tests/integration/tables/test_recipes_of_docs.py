"""Every recipe of docs/tables.md works on the reviews that lie beside it."""

import csv
import io

import pytest
from moto import mock_aws

from local.openai import SmallSettings
from local.paths import ROOT
from shared.jobs.model import JobState
from tests.support.images import PNG
from tests.support.table_files import csv_of, put
from tests.support.world import World
from tests.unit.docs.pages import fences

RECIPES = [each.text for each in fences(ROOT / "docs" / "tables.md") if each.language == "yaml"]
REVIEWS = (ROOT / "events" / "reviews.csv").read_bytes()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda text: text.splitlines()[-2].strip()[:30])
def test_a_recipe_of_the_page_brings_the_table_back(recipe: str) -> None:
    assert bring_back(recipe.encode()) == 200


def test_the_recipe_beside_the_reviews_does_too() -> None:
    assert bring_back((ROOT / "events" / "recipe.yaml").read_bytes()) == 200


def with_images() -> bytes:
    """The reviews, each with a photo."""
    rows = list(csv.reader(io.StringIO(REVIEWS.decode(), newline="")))
    return csv_of([[*rows[0], "image"], *([*row, "photos/1.png"] for row in rows[1:])])


def bring_back(recipe: bytes) -> int:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1))
        put(world, "inbox/recipe.yaml", recipe)
        put(world, "inbox/photos/1.png", PNG)
        job = world.run_job("reviews.csv", with_images())
        assert job.state is JobState.COMPLETED, world.report(job)
        (key,) = [
            each
            for each in world.keys(job.results_prefix)
            if "/results." in each and (not each.endswith(".jsonl"))
        ]
        if key.endswith(".parquet"):
            return len(world.results(job))
        rows = list(csv.DictReader(io.StringIO(world.read(key).decode())))
        assert {row["_error"] for row in rows} == {""}
        return len(rows)
