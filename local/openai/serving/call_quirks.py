"""What quirks do to a call: an answer instead of the work, or another one after it."""

from collections.abc import Mapping

from werkzeug.wrappers import Response

from local.openai.http.auth import missing_scopes
from local.openai.http.messages import ConnectionDropped, NoAnswer, Refusal
from local.openai.quirks import Quirk, Quirks

HTML = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
ERRORS = {
    "500": "The server had an error while processing your request. Sorry about that!",
    "503": "The server is overloaded or not ready yet.",
}
BEFORE = (
    "unauthorized",
    "forbidden",
    "not_found",
    "refused",
    "quota_exhausted",
    "rate_limited",
    "rate_limited_silent",
    "error_500_before",
    "error_502_before",
    "error_503_before",
    "cut_before",
    "silent_before",
)
AFTER = (
    "error_500_after",
    "error_502_after",
    "error_503_after",
    "not_json",
    "cut_after",
    "silent_after",
)


def before(quirks: Quirks, target: Mapping[str, object]) -> Response | None:
    """The answer that a quirk gives instead of the work; a quirk may raise, too."""
    for name in BEFORE:
        if quirk := quirks.take(name, target):
            return _apply(quirk)
    return None


def after(quirks: Quirks, target: Mapping[str, object]) -> Response | None:
    for name in AFTER:
        if quirk := quirks.take(name, target):
            return _apply(quirk)
    return None


def _apply(quirk: Quirk) -> Response:
    if quirk.name.startswith("cut"):
        raise ConnectionDropped
    if quirk.name.startswith("silent"):
        raise NoAnswer
    if quirk.name.startswith("error"):
        return _server_error(quirk.name.split("_")[1])
    if quirk.name == "not_json":
        return Response("upstream says hello", mimetype="application/json")
    if quirk.name == "not_found":
        raise Refusal("The requested resource was not found.", status=404)
    if quirk.name == "refused":
        raise _refused_as_asked(quirk)
    raise _refusal(quirk)


def _server_error(status: str) -> Response:
    if status == "502":
        return Response(HTML, status=502, mimetype="text/html")
    return Refusal(ERRORS[status], status=int(status), kind="server_error").response()


def _refused_as_asked(quirk: Quirk) -> Refusal:
    return Refusal(
        quirk.text("message", "The request is not as it should be."),
        status=int(quirk.number("status", 400)),
        code=quirk.text("code", "invalid_request"),
    )


def _refusal(quirk: Quirk) -> Refusal:
    if quirk.name == "unauthorized":
        return Refusal("Your API key has been revoked.", status=401, code="invalid_api_key")
    if quirk.name == "forbidden":
        audit = quirk.where.get("route") == "list_audit_logs"
        return missing_scopes("api.audit_logs.read" if audit else "api.files.write")
    if quirk.name == "quota_exhausted":
        return Refusal(
            "You exceeded your current quota, please check your plan and billing details.",
            status=429,
            code="insufficient_quota",
            kind="insufficient_quota",
        )
    slow = Refusal(
        "Rate limit reached for requests. Please slow down.",
        status=429,
        code="rate_limit_exceeded",
        kind="requests",
    )
    if quirk.name == "rate_limited":
        slow.with_headers(Retry_After=quirk.text("retry_after", "1"))
    return slow
