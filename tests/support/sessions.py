"""A session that makes nothing twice."""

from collections.abc import Callable
from typing import Any

import boto3
import botocore.session

from tests.support.published_events import check_events


class Session(boto3.Session):
    """One client of a kind: making one is slow, and its answers come from whatever stands in."""

    def __init__(self, core: botocore.session.Session | None = None) -> None:
        super().__init__("testing", "testing", region_name="us-east-1", botocore_session=core)
        self._made: dict[tuple[str, str, str], Any] = {}
        self.events.register_first("before-parameter-build.events.PutEvents", check_events)

    def client(self, service_name: Any, *_: Any, **options: Any) -> Any:
        return self._once("client", super().client, service_name, options)

    def resource(self, service_name: Any, *_: Any, **options: Any) -> Any:
        return self._once("resource", super().resource, service_name, options)

    def _once(
        self, kind: str, make: Callable[..., Any], service: str, options: dict[str, Any]
    ) -> Any:
        config = options.get("config")  # a resource's client is made with one of its own
        key = (kind, service, repr(config and config._user_provided_options))
        if key not in self._made:
            self._made[key] = make(service, **options)
        return self._made[key]


def session_at(endpoint: str) -> boto3.Session:
    """A session of an AWS that is at another address; the wire is real."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    made = session.client

    def client(service_name: Any, *_: Any, **options: Any) -> Any:
        return made(service_name, endpoint_url=endpoint, **options)

    session.client = client  # type: ignore[method-assign]
    return session
