"""docs/servers.md shows what was seen, and nothing else."""

from tests.compatibility.clients import CLIENTS
from tests.compatibility.peers import PEERS
from tests.compatibility.seen import PAGE, filled, sightings


def test_tables_are_what_was_seen() -> None:
    page = PAGE.read_text()

    assert filled(page) == page


def test_every_client_and_server_was_seen_whole() -> None:
    assert {each.name for each in sightings("clients")} == {each.name for each in CLIENTS}
    assert {each.name for each in sightings("servers")} == {each.name for each in PEERS}
    for each in (*sightings("clients"), *sightings("servers")):
        assert each.answered == each.of, each.name
