"""The small OpenAI's own pages, for tests of real processes: its state and its quirks."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.quirks import QUIRKS

if TYPE_CHECKING:
    from local.openai.http.app import SmallOpenAI


class State:
    def __init__(self, small: "SmallOpenAI") -> None:
        self.small = small

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            ("GET", "/_small/state", "state", self.show),
            ("GET", "/_small/quirks", "list_quirks", self.list_quirks),
            ("POST", "/_small/quirks", "add_quirk", self.add_quirk),
            ("DELETE", "/_small/quirks", "clear_quirks", self.clear_quirks),
        ]

    def show(self, request: SmallRequest) -> Response:
        return json_answer(state(self.small))

    def list_quirks(self, request: SmallRequest) -> Response:
        return json_answer(QUIRKS)

    def add_quirk(self, request: SmallRequest) -> Response:
        body = request.json_body()
        try:
            self.small.misbehave(
                str(body.get("name")), body.get("times", 1), **body.get("where", {})
            )
        except (ValueError, TypeError) as problem:
            raise Refusal(str(problem)) from None
        return json_answer({"waiting": len(self.small.world.quirks.waiting)})

    def clear_quirks(self, request: SmallRequest) -> Response:
        self.small.forgive()
        return json_answer({"waiting": 0})


def state(small: "SmallOpenAI") -> Json:
    """Counts, so that it stays small however much happened."""
    batches = small.batches
    billed = [(batches[batch_id], custom_id) for batch_id, custom_id in small.billed]
    # A batch without a job's name is a job of its own.
    once = Counter((batch.metadata.get("job_id", batch.id), asked) for batch, asked in billed)
    by_part = Counter(_part(batch.metadata) for batch, _ in billed)
    routes = Counter(f"{call.method} {call.route}" for call in small.calls)
    return {
        "now": small.world.now(),
        "billed": {
            "total": len(billed),
            "duplicates": sum(times - 1 for times in once.values()),
            "examples": [list(paid) for paid, times in once.most_common(5) if times > 1],
            "parts": [
                dict(zip(("job_id", "part", "attempt"), part, strict=True)) | {"requests": number}
                for part, number in sorted(by_part.items())
            ],
        },
        "batches": dict(Counter(batch.status for batch in batches.values())),
        "files": dict(Counter(file.purpose for file in small.files.values())),
        "stores": len(small.stores),
        "documents": dict(
            Counter(
                document.status
                for store in small.stores.values()
                for document in store.documents.values()
            )
        ),
        "audit_events": len(small.audit_events),
        "calls": dict(routes),
        "enqueued": dict(small.enqueued),
        "peak_enqueued": dict(small.peak_enqueued),
        "enqueued_limits": dict(small.settings.enqueued_limits),
        "quirks": {
            "waiting": [quirk.name for quirk in small.world.quirks.waiting],
            "taken": dict(small.world.quirks.taken),
        },
    }


def _part(metadata: Json) -> tuple[str, str, str]:
    return (
        str(metadata.get("job_id", "")),
        str(metadata.get("part", "")),
        str(metadata.get("attempt", "")),
    )
