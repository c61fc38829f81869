import pytest

from tests.support.libraries import Folder
from tests.support.world import World


@pytest.fixture
def folder(world: World) -> Folder:
    return Folder(world)
