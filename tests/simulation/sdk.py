"""The AWS SDK's own retries: botocore's code, on the simulation's clock and dice."""

import random
from collections.abc import Callable
from typing import Any

from botocore.exceptions import HTTPClientError
from botocore.retries import quota, standard

from tests.simulation.calls import Answer


class Retries:
    """What boto3 does about an attempt that failed, for the clients of one process."""

    def __init__(self, draw: random.Random, pause: Callable[[float], None]) -> None:
        self._draw = draw
        self._pause = pause
        self._handlers: dict[str, tuple[Any, Any]] = {}

    def until_answered(self, model: Any, most: int, attempt: Callable[[int], Answer]) -> Answer:
        """The last attempt's answer; raises what the last attempt raised."""
        handler, quota_checker = self._handler(model.service_model.service_name, most)
        context: dict[str, Any] = {}
        number = 0
        while True:
            number += 1
            answer: Answer | None = None
            error: Exception | None = None
            try:
                answer = attempt(number)
            except HTTPClientError as caught:
                error = caught
            delay = handler.needs_retry(
                response=answer,
                attempts=number,
                caught_exception=error,
                operation=model,
                request_dict={"context": context},
            )
            if delay is not None:
                self._pause(delay)
            elif answer is not None:
                quota_checker.release_retry_quota(context, answer[0])
                return answer
            elif error is not None:
                raise error

    def _handler(self, service: str, most: int) -> tuple[Any, Any]:
        """As botocore registers it for a client in standard mode."""
        if service not in self._handlers:
            adapter = standard.RetryEventAdapter()
            throttling = standard.ThrottlingErrorDetector(adapter)
            policy = standard.RetryPolicy(
                standard.StandardRetryConditions(max_attempts=most),
                standard.ExponentialBackoff(
                    random=self._draw.random, service_name=service, throttling_detector=throttling
                ),
            )
            quota_checker: Any = standard.RetryQuotaChecker(quota.RetryQuota(), throttling)
            handler: Any = standard.RetryHandler(policy, adapter, quota_checker, service)
            self._handlers[service] = handler, quota_checker
        return self._handlers[service]
