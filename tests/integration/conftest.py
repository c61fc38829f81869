"""What tests of handlers start from."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from functions.intake import handler as intake
from functions.land import handler as land
from functions.library import handler as library
from functions.poll import handler as poll
from functions.submit import handler as submit
from local.openai import SmallSettings, serving
from tests.support.names import KEY_NAME
from tests.support.world import World


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose functions read their environment and talk to OpenAI over a socket."""
    with mock_aws():
        world = World(SmallSettings(speed=1e6))
        with serving(world.small) as url:
            names = world.config.model_dump(exclude_defaults=True)
            environment = names | {"openai_base_url": url, "openai_key_secret": KEY_NAME}
            for name, value in environment.items():
                monkeypatch.setenv(name.upper(), str(value))
            for function in (intake, submit, poll, land, library):
                function.edges.cache_clear()
            yield world
            for function in (submit, poll, land, library):
                function.edges().close()
