"""A session that makes nothing twice."""

from typing import Any

import boto3
import botocore.session


class Session(boto3.Session):
    """One client of a kind: making one is slow, and its answers come from whatever stands in."""

    def __init__(self, core: botocore.session.Session | None = None) -> None:
        super().__init__(region_name="us-east-1", botocore_session=core)
        self._made: dict[tuple[str, str, bool], Any] = {}

    def client(self, service_name: Any, *_: Any, **options: Any) -> Any:
        key = ("client", service_name, "config" in options)
        if key not in self._made:
            self._made[key] = super().client(service_name, **options)
        return self._made[key]

    def resource(self, service_name: Any, *_: Any, **options: Any) -> Any:
        key = ("resource", service_name, "config" in options)
        if key not in self._made:
            self._made[key] = super().resource(service_name, **options)
        return self._made[key]
