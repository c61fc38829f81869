"""OpenAI's audit log over HTTP; reading is repeated here a few times."""

from collections.abc import Callable

import httpx  # noqa: TID251  # the admin endpoint's own edge: it alone holds the admin key

from shared.audit.reading import Page, read_page
from shared.aws.secrets import Secret
from shared.errors import EdgeError, Refused, TryLater
from shared.openai.client import refusal
from shared.openai.refusals import Meaning
from shared.openai.retry import with_retries

PATH = "/organization/audit_logs"
LONGEST_WAIT = 10.0  # seconds of Retry-After waited for here; longer is left to the next tick
REMEDY = (
    "The audit log needs an admin key that an organization owner made, with the "
    "permission Audit Logs: Read (scope api.audit_logs.read), not expired; and, where the "
    "organization has an IP allow-list, this function's address on it."
)


class CursorRefused(Refused):
    """OpenAI does not know the event to go on after."""


class AuditApi:
    """Lists events: closed windows and `after` alone, as is documented."""

    def __init__(self, http: httpx.Client, key: Secret, pause: Callable[[float], None]) -> None:
        self._http = http
        self._key = key
        self._pause = pause

    def page(
        self, low: int, high: int, after: str | None, *, limit: int, tenant_only: bool
    ) -> Page:
        """Raises CursorRefused, ActionRequired with what to do about it, TryLater."""
        query = {
            "limit": str(limit),
            "effective_at[gte]": str(low),
            "effective_at[lte]": str(high),
            **({"after": after} if after else {}),
            **({"tenant_only": "true"} if tenant_only else {}),
        }
        body = with_retries(lambda: self._once(query), self._pause, LONGEST_WAIT)
        try:
            return read_page(body)
        except ValueError as error:
            raise TryLater(f"GET {PATH}: the answer can't be read: {error}") from error

    def close(self) -> None:
        self._http.close()

    def _once(self, query: dict[str, str]) -> bytes:
        headers = {"Authorization": f"Bearer {self._key()}"}
        try:
            response = self._http.get(PATH, params=query, headers=headers)
        except httpx.HTTPError as error:
            raise TryLater(f"GET {PATH}: {type(error).__name__}") from None
        if not response.is_success:
            raise self._failure(response, query)
        return response.content

    def _failure(self, response: httpx.Response, query: dict[str, str]) -> EdgeError:
        found = refusal(response)
        if found.meaning is Meaning.KEY:
            self._key.forget()
        if found.details.status in {400, 404} and "after" in query:
            return CursorRefused(found.reason, found.details)
        return found.as_error(REMEDY)
