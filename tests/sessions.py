"""Sessions that make nothing twice."""

from typing import Any

import boto3


class Session(boto3.Session):
    """One client of a kind: they are slow to make, and moto answers whichever asks."""

    def __init__(self) -> None:
        super().__init__(region_name="us-east-1")
        self._made: dict[tuple[str, str, bool], Any] = {}

    def client(self, service_name: Any, **options: Any) -> Any:
        key = ("client", service_name, "config" in options)
        if key not in self._made:
            self._made[key] = super().client(service_name, **options)
        return self._made[key]

    def resource(self, service_name: Any, **options: Any) -> Any:
        key = ("resource", service_name, "config" in options)
        if key not in self._made:
            self._made[key] = super().resource(service_name, **options)
        return self._made[key]
