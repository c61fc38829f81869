"""What tests of handlers start from."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from functions.audit import handler as audit
from functions.intake import handler as intake
from functions.land import handler as land
from functions.library import handler as library
from functions.poll import handler as poll
from functions.submit import handler as submit
from functions.webhook import handler as webhook
from local.openai import SmallSettings, serving
from tests.support.audit_world import AuditWorld, audit_aws
from tests.support.names import KEY_NAME
from tests.support.world import World


@pytest.fixture
def deployed_audit(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuditWorld]:
    """A function that reads its environment, the real clock, and talks to OpenAI over a socket."""
    with audit_aws():
        world = AuditWorld(settings={"audit_first_days": 1, "audit_tenant": True})
        world.clock.moment = datetime.now(UTC)
        with serving(world.small) as url:
            names = world.function_settings.model_dump(exclude_defaults=True)
            for name, value in (names | {"openai_base_url": url}).items():
                monkeypatch.setenv(name.upper(), str(value))
            audit.edges.cache_clear()
            yield world
            audit.edges().close()
            audit.edges.cache_clear()


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
            webhook.receiver.cache_clear()
            yield world
            for function in (submit, poll, land, library):
                function.edges().close()
