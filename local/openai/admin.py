"""Pages that the real OpenAI does not have: the state and the quirks, for tests over HTTP."""

from collections import Counter
from collections.abc import Callable

from werkzeug.wrappers import Response

from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.organization import Organization
from local.openai.quirks import QUIRKS

PREFIX = "/_small/"


class AdminPages:
    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            ("GET", f"{PREFIX}state", "state", self.show),
            ("GET", f"{PREFIX}quirks", "list_quirks", self.list_quirks),
            ("POST", f"{PREFIX}quirks", "add_quirk", self.add_quirk),
            ("DELETE", f"{PREFIX}quirks", "clear_quirks", self.clear_quirks),
        ]

    def show(self, request: SmallRequest) -> Response:
        return json_answer(state(self.organization))

    def list_quirks(self, request: SmallRequest) -> Response:
        return json_answer(QUIRKS)

    def add_quirk(self, request: SmallRequest) -> Response:
        body = request.json_body()
        try:
            self.organization.misbehave(
                str(body.get("name")), body.get("times", 1), **body.get("where", {})
            )
        except (ValueError, TypeError) as problem:
            raise Refusal(str(problem)) from None
        return json_answer({"waiting": len(self.organization.context.quirks.waiting)})

    def clear_quirks(self, request: SmallRequest) -> Response:
        self.organization.clear_quirks()
        return json_answer({"waiting": 0})


def state(organization: Organization) -> Json:
    """Counts, so that the page stays small however much happened."""
    context = organization.context
    return {
        "now": context.now(),
        "billed": _billed(organization),
        "batches": Counter(batch.status for batch in organization.batches.values()),
        "files": Counter(file.purpose for file in organization.files.values()),
        "stores": len(organization.stores),
        "documents": _documents(organization),
        "audit_events": len(organization.audit_events),
        "calls": Counter(f"{call.method} {call.route}" for call in organization.calls),
        "enqueued": organization.enqueued,
        "peak_enqueued": organization.peak_enqueued,
        "enqueued_limits": dict(context.settings.enqueued_limits),
        "quirks": {
            "waiting": [quirk.name for quirk in context.quirks.waiting],
            "taken": context.quirks.taken,
        },
    }


def _billed(organization: Organization) -> Json:
    batches = organization.batches
    billed = [(batches[batch_id], custom_id) for batch_id, custom_id in organization.billed]
    # A batch without a job's name is a job of its own.
    times = Counter((batch.metadata.get("job_id", batch.id), asked) for batch, asked in billed)
    parts = Counter(_part(batch.metadata) for batch, _ in billed)
    return {
        "total": len(billed),
        "duplicates": sum(paid - 1 for paid in times.values()),
        "examples": [list(request) for request, paid in times.most_common(5) if paid > 1],
        "parts": [
            dict(zip(("job_id", "part", "attempt"), part, strict=True)) | {"requests": number}
            for part, number in sorted(parts.items())
        ],
    }


def _part(metadata: Json) -> tuple[str, str, str]:
    job, part, attempt = (str(metadata.get(name, "")) for name in ("job_id", "part", "attempt"))
    return job, part, attempt


def _documents(organization: Organization) -> Counter[str]:
    return Counter(
        document.status
        for store in organization.stores.values()
        for document in store.documents.values()
    )
