"""AWS as the functions reach it, fast: real boto3 clients before moto's own state.

moto answers over HTTP, byte for byte, which would take most of a simulation's time: here a call
goes to moto's DynamoDB and S3 themselves, and what boto3 would do about a failure is done by
botocore's own code. Queues, topic, bus and key belong to the simulator, which decides what arrives
when. Nothing else is answered, so nothing leaves the machine.
"""

import json
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.session import Session as CoreSession
from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.moto_api._internal import mock_random

from tests.simulation.aws_faults import AwsFaults
from tests.simulation.aws_objects import Buckets
from tests.simulation.aws_tables import LEDGER, Tables, written_by
from tests.simulation.calls import Answer, Call, Parsed, Status
from tests.simulation.faults import Fault
from tests.simulation.sdk import Retries
from tests.support.clock import Clock
from tests.support.names import INBOX, KEY
from tests.support.sessions import Session


class Interception(Protocol):
    """What stands between a function and AWS."""

    def before(self, call: str) -> bool:
        """Before each attempt; whether its caller stood still for longer than it waits."""

    def fault(self, call: str, what: str, possible: Callable[[], list[str]]) -> Fault | None:
        """How this call goes wrong, of the ways that would show."""

    def after(self, call: str) -> None:
        """After each attempt."""


class Outputs(Protocol):
    """Where messages and notifications go."""

    def sent(self, queue: str, bodies: list[str]) -> None: ...

    def published(self, kind: str, text: str) -> None: ...

    def put_on_bus(self, kind: str, detail: Parsed) -> None: ...

    def wrote(self, rows: list[tuple[str, str]]) -> None: ...


class CloudSession(Session):
    """Its calls end at the simulated cloud, before anything is signed or sent."""

    def __init__(self) -> None:
        core = CoreSession()
        quick = Config(signature_version=UNSIGNED, parameter_validation=False)
        core.set_default_client_config(quick)
        super().__init__(core)
        self.cloud: Cloud | None = None
        for service in ("s3", "sns"):  # the others say it in their JSON body
            self.events.register_last(f"before-parameter-build.{service}", _remember)
        answering: Any = self._call  # an answer of a handler is the call's answer
        self.events.register_first("before-call", answering)

    def _call(self, model: Any, params: Parsed, context: Parsed, **_: Any) -> Answer:
        if self.cloud is None:
            raise AssertionError(f"{model.name} is called before there is a cloud")
        asked = context.get("asked") or json.loads(params["body"])
        most = context["client_config"].retries["total_max_attempts"]
        call = Call(f"{model.service_model.service_name}.{model.name}", asked)
        return self.cloud.call(call, model, most)


def _remember(params: Parsed, context: Parsed, **_: Any) -> None:
    context["asked"] = dict(params)


class Cloud:
    """One account's S3 and DynamoDB, empty at the start."""

    def __init__(
        self,
        seed: int,
        clock: Clock,
        interception: Interception,
        out: Outputs,
        *,
        tables: Mapping[str, str] = LEDGER,
        key: str = KEY,
    ) -> None:
        mock_random.seed(seed)
        draw = random.Random(f"{seed} cloud")
        self._interception = interception
        self._out = out
        self._retries = Retries(draw, clock.advance)
        dynamodb_backends.reset()  # and those of every other service
        reset_model_data()  # moto remembers every table and item that it ever made
        self._key = key
        self.secrets: dict[str, str] = {}  # by the parameter's name; others hold the key
        self.tables = Tables(clock, tables)
        self.buckets = Buckets(clock)
        self._faults = AwsFaults(draw, self.tables, self._work)

    def drop(self, key: str, content: bytes, options: dict[str, str]) -> str:
        """A user's object in the inbox; its version."""
        return str(self.buckets.put(INBOX, key, content, options).version_id)

    def remove(self, key: str) -> None:
        """A user takes it out of the inbox; its versions stay."""
        self.buckets.s3.delete_object(INBOX, key)

    def call(self, call: Call, model: Any, most: int) -> Answer:
        """What boto3 gets for a call, after its own retries."""
        drawn: list[Fault | None] = []

        def attempt(_: int) -> Answer:
            if self._interception.before(call.name):
                raise ReadTimeoutError(endpoint_url=call.name)
            if not drawn:
                possible = partial(self._faults.possible, call)
                drawn.append(self._interception.fault(call.name, call.what, possible))
            answer = self._faults.attempt(call, drawn[0])
            self._interception.after(call.name)
            return answer

        return self._retries.until_answered(model, most, attempt)

    def _work(self, call: Call) -> Answer:
        """One attempt that does what it should."""
        if call.service == "dynamodb":
            answer = self.tables.call(call.operation, call.asked)
            written = written_by(call.operation, call.asked)
            if answer[0].status_code < 300 and written:
                self._out.wrote(written)
            return answer
        if call.service == "s3":
            return self.buckets.call(call.operation, call.asked)
        work: Callable[[Parsed], Answer] = getattr(self, f"_{call.name.replace('.', '_')}")
        return work(call.asked)

    def _sqs_SendMessageBatch(self, asked: Parsed) -> Answer:
        queue = asked["QueueUrl"].rsplit("/", 1)[-1]
        self._out.sent(queue, [each["MessageBody"] for each in asked["Entries"]])
        return Status(), {"Successful": [{"Id": each["Id"]} for each in asked["Entries"]]}

    def _sns_Publish(self, asked: Parsed) -> Answer:
        kind = asked["MessageAttributes"]["type"]["StringValue"]
        self._out.published(kind, asked["Message"])
        return Status(), {"MessageId": "1"}

    def _sns_PublishBatch(self, asked: Parsed) -> Answer:
        for each in asked["PublishBatchRequestEntries"]:
            self._sns_Publish(each)
        return Status(), {"Successful": [{"MessageId": "1"}], "Failed": []}

    def _events_PutEvents(self, asked: Parsed) -> Answer:
        for each in asked["Entries"]:
            self._out.put_on_bus(each["DetailType"], json.loads(each["Detail"]))
        return Status(), {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    def _ssm_GetParameter(self, asked: Parsed) -> Answer:
        found = self.secrets.get(asked["Name"], self._key)
        return Status(), {"Parameter": {"Name": asked["Name"], "Value": found}}
