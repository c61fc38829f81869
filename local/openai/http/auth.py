"""Which key may call what: admin keys the organization's paths, project keys all others."""

from local.openai.http.messages import Refusal, SmallRequest

ADMIN = "/v1/organization"


def authenticate(request: SmallRequest) -> None:
    """Refuse a key that is missing, unknown, or of the wrong kind for this path."""
    key = _key(request)
    if not key.startswith("sk-"):
        raise Refusal(
            f"Incorrect API key provided: {_masked(key)}. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            status=401,
            code="invalid_api_key",
        )
    admin = key.startswith("sk-admin-")
    if request.path.startswith(ADMIN) and not admin:
        raise missing_scopes("api.audit_logs.read")
    if admin and not request.path.startswith(ADMIN):
        raise Refusal(
            "Admin API keys cannot be used for non-administration endpoints.",
            status=401,
            code="invalid_api_key",
        )


def missing_scopes(scopes: str) -> Refusal:
    return Refusal(
        f"You have insufficient permissions for this operation. Missing scopes: {scopes}. Check "
        "that you have the correct role in your organization, and if you're using a restricted "
        "API key, that it has the necessary scopes.",
        status=403,
        code="missing_scope",
    )


def _key(request: SmallRequest) -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refusal(
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            status=401,
        )
    return key.strip()


def _masked(key: str) -> str:
    return f"{key[:2]}{'*' * 8}{key[-2:]}" if len(key) > 6 else "*" * 8
