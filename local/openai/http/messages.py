"""What goes over the wire: request bodies, JSON answers, OpenAI's error envelope."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import orjson
from werkzeug.wrappers import Request, Response

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that arrived; status 0 where the connection was dropped instead of an answer."""

    method: str
    path: str
    status: int
    route: str


class ConnectionDropped(Exception):
    """The connection ends here, before or in the middle of an answer."""


class NoAnswer(Exception):
    """No answer ever comes: the connection stays open until the client gives up."""


class Refusal(Exception):
    """An answer in OpenAI's error envelope."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": kind, "param": param, "code": code}
        self.headers: dict[str, str] = {}
        self.detail: Json | None = None

    def with_headers(self, **headers: str) -> "Refusal":
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self

    def with_detail(self) -> "Refusal":
        """Refused uploads say it twice."""
        self.detail = {"message": self.error["message"], "code": self.error["code"]}
        return self

    def response(self) -> Response:
        body: Json = {"error": self.error}
        if self.detail:
            body["detail"] = self.detail
        return json_answer(body, self.status, self.headers)


class SmallRequest(Request):
    """A request whose uploaded files go straight to disk, next to where they will stay."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return tempfile.NamedTemporaryFile(dir=self.environ["small.folder"], prefix="upload-")

    def read_body(self) -> None:
        """Read the body to its end, so that no lock is held while bytes arrive."""
        if self.mimetype == "multipart/form-data":
            _ = self.files
        else:
            self.get_data(cache=True)

    def json_body(self) -> Json:
        """The body as a JSON object; no body is an empty one."""
        data = self.get_data()
        try:
            body = orjson.loads(data) if data.strip() else {}
        except orjson.JSONDecodeError:
            raise Refusal(
                "We could not parse the JSON body of your request. (HINT: This likely means you "
                "aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, "
                "but what was sent was not valid JSON.)"
            ) from None
        if not isinstance(body, dict):
            raise Refusal("Invalid type for the request body: expected an object.")
        return body


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(body), status=status, headers=headers, mimetype="application/json")
