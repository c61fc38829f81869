"""How a single request ends: answered, or as its own text asks by name."""

import re
from dataclasses import dataclass

from local.openai.http.messages import Json
from local.openai.inference import spoiling

NAMED = re.compile(r"small-openai:([a-z0-9-]+)")
UNTIL = re.compile(r"(.+)-until-attempt-(\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`answered`, `spoiled`: in the output file; `http`, `code`, `no_status`: in the error file."""

    kind: str
    status: int = 200
    message: str = ""
    code: str | None = None
    param: str | None = None
    type: str = "invalid_request_error"

    @property
    def failed(self) -> bool:
        """Counted as failed by request_counts; `missing` and `no_status` count as completed."""
        return self.kind in ("http", "code")

    @property
    def billed(self) -> bool:
        return self.kind == "answered" or self.code in spoiling.ANSWERED


ANSWERED = Outcome("answered")
NO_STATUS = Outcome("no_status", 0)
MISSING = Outcome("missing")
EXPIRED = Outcome(
    "code",
    code="batch_expired",
    message="This request could not be executed before the completion window expired.",
)
CANCELLED = Outcome(
    "code",
    code="batch_cancelled",
    message="This request could not be executed because the batch was cancelled.",
)

OUTCOMES: dict[str, Outcome] = {
    "400": Outcome("http", 400, "This request is invalid, as it asked to be."),
    "404": Outcome("http", 404, "The model does not exist.", "model_not_found", "model"),
    "429": Outcome(
        "http", 429, "Rate limit reached. Please try again.", "rate_limit_exceeded", type="requests"
    ),
    "500": Outcome("http", 500, "The server had an error.", "server_error", type="server_error"),
    "503": Outcome("http", 503, "The engine is overloaded.", type="server_error"),
    "timeout": Outcome("code", code="request_timeout", message="This request timed out."),
    "expired": EXPIRED,
    "cancelled": CANCELLED,
    "status0": NO_STATUS,
    "missing": MISSING,
    "unknown-code": Outcome("code", code="undocumented_code", message="This code is undocumented."),
    **{name: Outcome("spoiled", code=name) for name in spoiling.SPOILED},
}


def requested_outcome(body: Json, attempt: int) -> Outcome | None:
    """What `small-openai:NAME`, `NAME-once` or `NAME-until-attempt-N` in the body asks for."""
    for text in _instructions(body):
        for name in NAMED.findall(text):
            if outcome := _named(name, attempt):
                return outcome
    return None


def _named(name: str, attempt: int) -> Outcome | None:
    if name.endswith("-once"):
        name = name.removesuffix("-once") + "-until-attempt-2"
    if until := UNTIL.fullmatch(name):
        return OUTCOMES.get(until[1]) if attempt < int(until[2]) else None
    return OUTCOMES.get(name)


def _instructions(body: Json) -> list[str]:
    """Where a request may ask: its metadata, its user, its last user message."""
    metadata = body.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return [*(f"{key} {value}" for key, value in pairs), str(body.get("user", "")), last_text(body)]


def last_text(body: Json) -> str:
    """The text to answer, whatever its endpoint calls it."""
    turns = body.get("messages", body.get("input", body.get("prompt")))
    if isinstance(turns, list):
        by_user = [turn for turn in turns if not isinstance(turn, dict) or _by_user(turn)]
        turns = by_user[-1] if by_user else ""
    return _text(turns)


def _by_user(turn: Json) -> bool:
    return bool(turn.get("role", "user") == "user")


def _text(turn: object) -> str:
    match turn:
        case str():
            return turn
        case {"text": str(text)}:
            return text
        case {"content": content}:
            return _text(content)
        case list():
            return " ".join(_text(part) for part in turn)
        case _:
            return ""
