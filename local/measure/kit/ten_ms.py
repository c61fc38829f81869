"""An AWS that takes ten milliseconds for each call and no processor time: it keeps cursors alone.

What moto does of DynamoDB takes ten times as long as what is measured; this shows what is ours.
"""

import json
import time
from collections import Counter
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

WAIT = 0.010  # seconds
BATCH = (
    b"<PublishBatchResponse><PublishBatchResult><Successful/><Failed/></PublishBatchResult>"
    b"</PublishBatchResponse>"
)
ALWAYS = {
    "PublishBatch": BATCH,
    "PutEvents": b'{"FailedEntryCount": 0, "Entries": []}',
    "BatchGetItem": b'{"Responses": {}, "UnprocessedKeys": {}}',
    "GetParameter": b'{"Parameter": {"Value": "sk-admin-any", "Type": "SecureString"}}',
    "ListObjectVersions": b"<R><IsTruncated>false</IsTruncated></R>",
    "PutObject": b"",
    "CreateTopic": (
        b"<CreateTopicResponse><CreateTopicResult><TopicArn>arn:aws:sns:us-east-1:1:t</TopicArn>"
        b"</CreateTopicResult></CreateTopicResponse>"
    ),
}


class TenMs:
    """Answers a session's calls. Nothing was there before: what is looked up is not found."""

    def __init__(self, session: boto3.Session) -> None:
        self.calls: Counter[str] = Counter()
        self._cursors: dict[str, Any] = {}
        session.events.register("before-send", self._answer)

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        time.sleep(WAIT)
        call = event_name.rpartition(".")[2]
        self.calls[call] += 1
        content = self._content(call, request)
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body(content))

    def _content(self, call: str, request: Any) -> bytes:
        match call:
            case "PutItem":
                self._keep(json.loads(request.body)["Item"])
            case "TransactWriteItems" if b'"CURSOR"' in request.body:
                for write in json.loads(request.body)["TransactItems"]:
                    self._keep(write.get("Put", {}).get("Item", {}))
            case "Query":
                asked = json.loads(request.body)["ExpressionAttributeValues"][":pk"]["S"]
                found = list(self._cursors.values()) if asked == "CURSOR" else []
                return json.dumps({"Items": found, "Count": len(found)}).encode()
        return ALWAYS.get(call, b"{}")

    def _keep(self, item: dict[str, Any]) -> None:
        if item.get("pk") == {"S": "CURSOR"}:
            self._cursors[item["sk"]["S"]] = item


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]
