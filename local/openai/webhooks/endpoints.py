"""A project's webhook endpoints, and the secrets that what goes to them is signed with."""

import base64
import random
from dataclasses import dataclass, field

from local.openai.http.messages import Json

# As the official client 3.54.0 names them for its own requests.
EVENT_TYPES = (
    "batch.completed",
    "batch.failed",
    "batch.expired",
    "batch.cancelled",
    "response.completed",
    "response.failed",
    "response.cancelled",
    "response.incomplete",
    "eval.run.succeeded",
    "eval.run.failed",
    "eval.run.canceled",
    "fine_tuning.job.succeeded",
    "fine_tuning.job.failed",
    "fine_tuning.job.cancelled",
    "realtime.call.incoming",
    "video.completed",
    "video.failed",
    "agent.environment.ready",
    "agent.environment.failed",
    "agent.environment.suspended",
    "agent.environment.expired",
    "agent.session.created",
    "agent.session.action_required",
    "agent.session.in_progress",
    "agent.session.idle",
    "agent.session.failed",
    "safety.alert.created",
)
OLD_SECRET = 86_400.0  # seconds for which it may be kept beside a new one


def new_secret(draw: random.Random) -> str:
    return "whsec_" + base64.b64encode(draw.randbytes(32)).decode()


@dataclass
class Endpoint:
    id: str
    name: str
    url: str
    event_types: tuple[str, ...]
    created_at: float
    secret: str
    updated_at: float = 0.0
    old: list[tuple[str, float]] = field(default_factory=list)  # secrets, and until when

    def secrets(self, now: float) -> list[str]:
        """The newest first."""
        return [self.secret, *(secret for secret, until in self.old if until > now)]

    def rotate(self, secret: str, now: float, kept_until: float) -> None:
        self.old = [(self.secret, kept_until), *self.old] if kept_until > now else []
        self.secret, self.updated_at = secret, now

    def view(self) -> Json:
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "name": self.name,
            "url": self.url,
            "event_types": list(self.event_types),
            "created_at": int(self.created_at),
            "updated_at": int(self.updated_at or self.created_at),
            "signing_secret_hint": f"whsec_…{self.secret[-4:]}",
        }

    def with_secret(self) -> Json:
        return self.view() | {"signing_secret": self.secret}
