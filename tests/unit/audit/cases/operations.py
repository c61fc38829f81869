"""Timelines of the watching itself: what fires, and near misses."""

from tests.unit.audit.cases.case import Case
from tests.unit.audit.timelines import Raised, at, key

FIRES = [
    Case(
        "O2",
        "unknown type",
        [at(0, "tenant.teleporter.installed", {"id": "tp_1"})],
        [Raised(0, "signal", "O2|user-owner|tenant.teleporter.installed")],
    ),
    Case(
        "O2",
        "the poller's key at work",
        [at(0, "project.created", {"id": "proj_1"}, key("key_poller"))],
        [Raised(0, "critical", "O2|sa_ci/key_poller|proj_1")],
        {"poller_key": "key_poller"},
    ),
]

NEAR_MISSES = [
    Case("O2", "known", [at(0, "tenant.user.looked_up", {"id": "u"})], []),
    Case("O2", "another key", [at(0, "project.created", {}, key())], [], {"poller_key": "key_p"}),
]
