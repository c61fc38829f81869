"""AWS as the functions reach it, fast: real boto3 clients before moto's own state.

moto answers over HTTP, byte for byte, which would take most of a simulation's time: here a call
goes to moto's DynamoDB and S3 themselves. Queues, topic, bus and key belong to the simulator,
which decides what arrives when. Nothing else is answered, so nothing leaves the machine.
"""

import copy
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError, ResponseStreamingError
from botocore.response import StreamingBody
from botocore.session import Session as CoreSession
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodb.responses import DynamoHandler
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeKey, S3Backend, s3_backends

from tests.support.aws import template
from tests.support.names import DATA, INBOX
from tests.support.sessions import Session

REGION = "us-east-1"
DEFAULT_ACCOUNT_ID = "123456789012"  # moto's
TABLE = "ledger"
KEY = "sk-test-123456"
Parsed = dict[str, Any]
Row = dict[str, Any]


@dataclass
class Status:
    """The little of an HTTP answer that boto3 looks at."""

    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = tuple[Status, Parsed]


class Wire(Protocol):
    """What stands between a function and AWS."""

    def before(self, call: str, what: str = "") -> str: ...

    def after(self, call: str) -> None: ...


class Outlets(Protocol):
    """Where messages and facts go."""

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
        assert self.cloud is not None
        asked = context.get("asked") or json.loads(params["body"])
        return self.cloud.call(f"{model.service_model.service_name}.{model.name}", asked)


def _remember(params: Parsed, context: Parsed, **_: Any) -> None:
    context["asked"] = dict(params)


class Cloud:
    """One account's S3 and DynamoDB, empty at the start."""

    def __init__(self, seed: int, now: Callable[[], datetime], wire: Wire, out: Outlets) -> None:
        self.now = now
        self.wire = wire
        self.out = out
        mock_random.seed(seed)
        s3_backends.reset()
        dynamodb_backends.reset()
        for bucket in (INBOX, DATA):
            self.s3.create_bucket(bucket, REGION)
            self.s3.put_bucket_versioning(bucket, "Enabled")
        self._make_table()

    @cached_property
    def s3(self) -> S3Backend:
        backend: S3Backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        return backend

    @property
    def _table(self) -> Any:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table(TABLE)

    def _item(self, pk: str, sk: str) -> Any:
        return self._table.items.get(DynamoType({"S": pk}), {}).get(DynamoType({"S": sk}))

    def row(self, pk: str, sk: str) -> Row | None:
        """A row as the ledger wrote it, without a call."""
        item = self._item(pk, sk)
        return _plain(item) if item else None

    def rows(self) -> Iterator[Row]:
        for partition in self._table.items.values():
            yield from map(_plain, partition.values())

    def touch(self, pk: str, sk: str) -> bool:
        """Another writer was there: the row's revision is a later one."""
        item = self._item(pk, sk)
        if item is None or "rev" not in item.attrs:
            return False
        item.attrs["rev"].value = str(int(item.attrs["rev"].value) + 1)
        return True

    def read(self, key: str, bucket: str = DATA) -> bytes | None:
        found = self.s3.get_object(bucket, key)
        return found.value if found else None

    def keys(self, bucket: str = DATA, prefix: str = "") -> list[str]:
        return [key for key in self.s3.get_bucket(bucket).keys if key.startswith(prefix)]

    def drop(self, key: str, content: bytes, options: dict[str, str]) -> str:
        """A user's object in the inbox; its version."""
        return str(self._put(INBOX, key, content, options).version_id)

    def remove(self, key: str) -> None:
        """A user takes it out of the inbox; its versions stay."""
        self.s3.delete_object(INBOX, key)

    def call(self, name: str, asked: Parsed) -> Answer:
        strike = self.wire.before(name, str(asked.get("Key", "")))
        if refused := REFUSALS.get(strike):
            return failure(*refused)
        if strike == "no answer":
            raise ReadTimeoutError(endpoint_url=name)
        if strike == "changed":
            self._change(name, asked)
        answer = self._work(name, asked)
        if strike == "repeated" and name in {"dynamodb.PutItem", "dynamodb.UpdateItem"}:
            answer = self._work(name, asked)
        if strike == "lost":
            raise ReadTimeoutError(endpoint_url=name)
        if strike == "cut" and name == "s3.GetObject" and "Body" in answer[1]:
            answer[1]["Body"] = _cut_in_the_middle(answer[1]["Body"])
        self.wire.after(name)
        return answer

    def _work(self, name: str, asked: Parsed) -> Answer:
        service, operation = name.split(".")
        if service == "dynamodb":
            return self._ledger(operation, asked)
        work: Callable[[Parsed], Answer] = getattr(self, f"_{service}_{operation}")
        return work(asked)

    def _change(self, name: str, asked: Parsed) -> None:
        rows = _written(name.split(".")[1], asked)
        if rows and rows[0][0].startswith(("JOB#", "LIBRARY#")):
            self.touch(*rows[0])

    def _ledger(self, operation: str, asked: Parsed) -> Answer:
        handler = DynamoHandler()
        handler.body = handler.params = asked
        handler.region, handler.current_account = REGION, DEFAULT_ACCOUNT_ID
        work = getattr(handler, OPERATIONS[operation])
        try:
            result = work().result
        except JsonRESTError as error:
            return _refusal(error)
        if rows := _written(operation, asked):
            self.out.wrote(rows)
        return Status(), json.loads(dynamo_json_dump(result))

    def _s3_PutObject(self, asked: Parsed) -> Answer:
        body = asked["Body"]
        content = body if isinstance(body, bytes) else body.read()
        key = self._put(asked["Bucket"], asked["Key"], content, asked.get("Metadata", {}))
        return Status(), {"VersionId": key.version_id, "ETag": key.etag}

    def _put(self, bucket: str, key: str, content: bytes, metadata: dict[str, str]) -> Any:
        made = self.s3.put_object(bucket, key, content, disable_notification=True)
        made.set_metadata(metadata)
        made.last_modified = self.now().replace(tzinfo=None)
        return made

    def _s3_HeadObject(self, asked: Parsed) -> Answer:
        found = self.s3.get_object(asked["Bucket"], asked["Key"], asked.get("VersionId"))
        if found is None:
            return failure("404", "Not Found", 404)
        metadata = {k: v for k, v in found.metadata.items() if k.lower() != "content-type"}
        head = {"ContentLength": found.size, "Metadata": metadata, "ETag": found.etag}
        head |= {"VersionId": found.version_id, "LastModified": self._modified(found)}
        return Status(), head

    def _s3_GetObject(self, asked: Parsed) -> Answer:
        found = self.s3.get_object(asked["Bucket"], asked["Key"], asked.get("VersionId"))
        if found is None:
            return failure("NoSuchKey", "The specified key does not exist.", 404)
        content, answer = found.value, Parsed()
        if span := asked.get("Range"):
            first, _, last = span.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1, len(content)) if last else len(content)
            answer["ContentRange"] = f"bytes {first}-{end - 1}/{len(content)}"
            content = content[int(first) : end]
        body = StreamingBody(io.BytesIO(content), len(content))
        answer |= {"Body": body, "ContentLength": len(content), "ETag": found.etag}
        return Status(), answer

    def _s3_ListObjectsV2(self, asked: Parsed) -> Answer:
        bucket, prefix = asked["Bucket"], asked.get("Prefix", "")
        found = [self.s3.get_object(bucket, key) for key in sorted(self.keys(bucket, prefix))]
        contents = [
            {"Key": k.name, "Size": k.size, "ETag": k.etag, "LastModified": self._modified(k)}
            for k in found
            if k is not None
        ]
        if asked.get("Delimiter"):
            heads = {str(k["Key"])[len(prefix) :].partition("/") for k in contents}
            folders = sorted(head for head, slash, _ in heads if slash)
            return Status(), {"CommonPrefixes": [{"Prefix": f"{prefix}{f}/"} for f in folders]}
        return Status(), {"Contents": contents, "KeyCount": len(contents), "IsTruncated": False}

    def _s3_ListObjectVersions(self, asked: Parsed) -> Answer:
        bucket, prefix = self.s3.get_bucket(asked["Bucket"]), asked.get("Prefix", "")
        versions = [
            {
                "Key": key.name,
                "VersionId": key.version_id,
                "IsLatest": key is versions[-1],
                "Size": key.size,
                "ETag": key.etag,
                "LastModified": self._modified(key),
            }
            for name, versions in sorted(bucket.keys.iterlists())
            if name.startswith(prefix)
            for key in reversed(versions)
            if isinstance(key, FakeKey)  # the others are marks that it was deleted
        ]
        return Status(), {"Versions": versions, "IsTruncated": False}

    def _modified(self, key: Any) -> datetime:
        return key.last_modified.replace(tzinfo=self.now().tzinfo)  # type: ignore[no-any-return]

    def _sqs_SendMessageBatch(self, asked: Parsed) -> Answer:
        queue = asked["QueueUrl"].rsplit("/", 1)[-1]
        self.out.sent(queue, [each["MessageBody"] for each in asked["Entries"]])
        return Status(), {"Successful": [{"Id": each["Id"]} for each in asked["Entries"]]}

    def _sns_Publish(self, asked: Parsed) -> Answer:
        kind = asked["MessageAttributes"]["type"]["StringValue"]
        self.out.published(kind, asked["Message"])
        return Status(), {"MessageId": "told"}

    def _sns_PublishBatch(self, asked: Parsed) -> Answer:
        for each in asked["PublishBatchRequestEntries"]:
            self._sns_Publish(each)
        return Status(), {"Successful": [{"MessageId": "told"}], "Failed": []}

    def _events_PutEvents(self, asked: Parsed) -> Answer:
        for each in asked["Entries"]:
            self.out.put_on_bus(each["DetailType"], json.loads(each["Detail"]))
        return Status(), {"FailedEntryCount": 0, "Entries": [{"EventId": "told"}]}

    def _ssm_GetParameter(self, asked: Parsed) -> Answer:
        return Status(), {"Parameter": {"Name": asked["Name"], "Value": KEY}}

    def _make_table(self) -> None:
        wanted = template()["Resources"]["Ledger"]["Properties"]
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].create_table(
            TABLE,
            schema=wanted["KeySchema"],
            throughput=None,
            attr=wanted["AttributeDefinitions"],
            global_indexes=wanted["GlobalSecondaryIndexes"],
            indexes=[],
            streams=None,
            billing_mode=wanted["BillingMode"],
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        self._table.__deepcopy__ = lambda _: _copy(self._table)


# moto weighs a whole row with each attribute it sets; ours are small, and a test measures them.
LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]

OPERATIONS = {
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
REFUSALS = {
    "throttled": ("ThrottlingException", "Rate exceeded", 400),
    "broken": ("InternalServerError", "Internal server error", 500),
    "forbidden": ("AccessDeniedException", "Not authorized, for a moment", 400),
}


def failure(code: str, message: str, status: int = 400) -> Answer:
    return Status(status), {"Error": {"Code": code, "Message": message}}


def _refusal(error: JsonRESTError) -> Answer:
    body = json.loads(error.description)
    code = body.get("__type", "").rsplit("#", 1)[-1]
    status, parsed = failure(code, body.get("message", body.get("Message", "")))
    return status, parsed | {"CancellationReasons": body.get("CancellationReasons", [])}


def _written(operation: str, asked: Parsed) -> list[tuple[str, str]]:
    """The keys of the rows a call writes."""
    if operation == "TransactWriteItems":
        writes = [next(iter(each.values())) for each in asked["TransactItems"]]
    elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        writes = [asked]
    else:
        return []
    keys = [each.get("Item") or each["Key"] for each in writes]
    return [(each["pk"]["S"], each["sk"]["S"]) for each in keys]


def _plain(item: Any) -> Row:
    return {name: _value(each) for name, each in item.attrs.items()}


def _value(each: Any) -> Any:
    """A row's value; of a list or map only that it is there."""
    if each.type == "N":
        return int(each.value)
    return each.value


def _copy(table: Any) -> Any:
    """What moto goes back to when a transaction fails; only rows without a revision are updated in
    place, the others are replaced."""
    kept = copy.copy(table)
    kept.items = defaultdict(dict)
    for pk, partition in table.items.items():
        kept.items[pk] = {
            sk: item if "rev" in item.attrs else copy.deepcopy(item)
            for sk, item in partition.items()
        }
    return kept


class _Cut(io.BytesIO):
    """A body whose connection breaks once it is read to its half."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = len(content) // 2

    def read(self, size: int | None = -1, /) -> bytes:
        if self._left <= 0:
            raise ResponseStreamingError(error="the connection broke")
        some = super().read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(some)
        return some


def _cut_in_the_middle(body: StreamingBody) -> StreamingBody:
    content = body.read()
    return StreamingBody(_Cut(content), content_length=None)  # type: ignore[arg-type]
