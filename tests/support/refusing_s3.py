"""An S3 that refuses a call as the real one does, as often as a test says."""

from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.config import Config

from tests.support.sessions import Session


class Refusal(NamedTuple):
    status: int
    code: str
    message: str = "no"


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: Any) -> list[bytes]:
        return [self._data]

    def read(self, *_: Any, **__: Any) -> bytes:
        data, self._data = self._data, b""
        return data


class RefusingSession(Session):
    """A session of one process whose S3 refuses the calls named, while it shall."""

    def __init__(
        self, refusal: Refusal, *calls: str, while_: Callable[[], bool], within: str = ""
    ) -> None:
        """within: only what is asked of addresses that hold it, such as a bucket's."""
        super().__init__()
        self.refused = 0
        self._within = within
        for call in calls:
            answer: Any = self._answer(refusal, while_)
            self.events.register_first(f"before-send.s3.{call}", answer)

    def client(self, service_name: Any, *_: Any, **options: Any) -> Any:
        """It does not sleep between botocore's own tries."""
        once = Config(retries={"total_max_attempts": 1})
        config = options.get("config")
        options["config"] = config.merge(once) if config else once
        return super().client(service_name, **options)

    def _answer(self, refusal: Refusal, while_: Callable[[], bool]) -> Callable[..., object]:
        def answer(request: Any, **_: Any) -> AWSResponse | None:
            if self._within not in request.url or not while_():
                return None
            self.refused += 1
            text = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
            body = b"" if request.method == "HEAD" else text.encode()
            headers: Any = {}
            raw: Any = _Body(body)
            return AWSResponse(request.url, refusal.status, headers, raw)

        return answer
