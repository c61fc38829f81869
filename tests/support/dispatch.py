"""What each queue's function does with a message: the one way from a queue to a flow."""

import json
from collections.abc import Callable, Mapping

from functions.intake.flow import take_dropped
from functions.land.flow import land
from functions.land.look import asked_look, look
from functions.library.flow import keep_in_sync
from functions.submit.flow import submit
from shared.aws.s3_events import dropped
from shared.jobs.edges import JobEdges
from shared.objects import PartRef


def _land(edges: JobEdges, body: str) -> str:
    ref = asked_look(body)
    return look(edges, ref) if ref else land(edges, PartRef.model_validate_json(body))


FUNCTIONS: Mapping[str, Callable[[JobEdges, str], object]] = {
    "intake": lambda edges, body: [take_dropped(edges, each) for each in dropped(body)],
    "submit": lambda edges, body: submit(edges, PartRef.model_validate_json(body)),
    "land": _land,
    "library": lambda edges, body: keep_in_sync(edges, json.loads(body)),
}
