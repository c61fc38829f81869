"""Attempts of calls to AWS that go wrong, each in a way that shows."""

import random
from collections.abc import Callable

from botocore.exceptions import ReadTimeoutError

from tests.simulation.aws_objects import cut_in_the_middle
from tests.simulation.aws_tables import SINGLE_WRITES, Tables, written_by
from tests.simulation.calls import (
    BROKEN,
    CONFLICT,
    FORBIDDEN,
    IN_PROGRESS,
    THROTTLED,
    Answer,
    Call,
    Parsed,
    failure,
    partly_put,
    partly_sent,
    transaction_conflict,
)
from tests.simulation.faults import Fault

ALWAYS = ("throttled", "broken", "forbidden", "unanswered")
LOSES_ANSWERS = frozenset(
    {
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
        "dynamodb.TransactWriteItems",
        "s3.PutObject",
        "s3.CompleteMultipartUpload",
        "sqs.SendMessageBatch",
        "events.PutEvents",
        "sns.Publish",
        "sns.PublishBatch",
    }
)
BATCHES = {"sqs.SendMessageBatch": "Entries", "sns.PublishBatch": "PublishBatchRequestEntries"}
REVISED = ("JOB#", "LIBRARY#", "CURSOR", "INCIDENTS#")  # rows that state which revision they expect
LAGS = (1, 5, 60)  # seconds


class AwsFaults:
    def __init__(self, draw: random.Random, tables: Tables, work: Callable[[Call], Answer]) -> None:
        self._draw = draw
        self._tables = tables
        self._work = work

    def possible(self, call: Call) -> list[str]:
        """The faults that would show in this call."""
        kinds = list(ALWAYS)
        if call.name in LOSES_ANSWERS:
            kinds.append("lost")
        if call.name in BATCHES or call.name == "events.PutEvents":
            kinds += ["not taken"] * 2
        if call.name == "s3.GetObject":
            kinds += ["read cut"] * 3
        return kinds + (self._of_rows(call) if call.service == "dynamodb" else [])

    def _of_rows(self, call: Call) -> list[str]:
        kinds = []
        if call.operation == "TransactWriteItems":
            kinds += ["transaction conflict", "transaction in progress"]
        if call.operation in SINGLE_WRITES:
            kinds.append("transaction conflict")
        if any(self._is_revised(each) for each in _written(call)[:1]):
            kinds.append("row changed")
        if call.operation == "Query":
            kinds += self._of_query(call)
        if len(_asked_keys(call)) > 1:
            kinds += ["keys left over"] * 3
        return kinds

    def _of_query(self, call: Call) -> list[str]:
        kinds = []
        if len(self._tables.call("Query", call.asked)[1].get("Items", [])) > 1:
            kinds += ["short page"] * 3
        if "IndexName" in call.asked and self._tables.stale(call.asked, LAGS[-1]):
            kinds += ["stale index"] * 5
        return kinds

    def _is_revised(self, key: tuple[str, str]) -> bool:
        row = self._tables.row(*key)
        return key[0].startswith(REVISED) and row is not None and "rev" in row

    def attempt(self, call: Call, fault: Fault | None) -> Answer:
        """One attempt, which goes wrong as long as the fault has attempts left."""
        if fault is None or not fault.attempts:
            return self._work(call)
        fault.attempts -= 1
        kind = fault.kind.removeprefix("AWS: ")
        act: Callable[[Call, Fault], Answer] = getattr(self, f"_{kind.replace(' ', '_')}")
        return act(call, fault)

    def _throttled(self, call: Call, fault: Fault) -> Answer:
        fault.happened()
        return failure(THROTTLED[call.service])

    def _broken(self, call: Call, fault: Fault) -> Answer:
        fault.happened()
        return failure(BROKEN[call.service])

    def _piece_refused(self, call: Call, fault: Fault) -> Answer:
        return self._broken(call, fault)

    def _forbidden(self, call: Call, fault: Fault) -> Answer:
        fault.happened()
        return failure(FORBIDDEN[call.service])

    def _unanswered(self, call: Call, fault: Fault) -> Answer:
        fault.happened()
        raise ReadTimeoutError(endpoint_url=call.name)

    def _lost(self, call: Call, fault: Fault) -> Answer:
        """Whatever it answered, nobody hears it."""
        self._work(call)
        fault.happened()
        raise ReadTimeoutError(endpoint_url=call.name)

    def _row_changed(self, call: Call, fault: Fault) -> Answer:
        if self._tables.touch(_written(call)[0]):
            fault.happened()
        fault.attempts = 0
        return self._work(call)

    def _transaction_conflict(self, call: Call, fault: Fault) -> Answer:
        fault.happened()
        if call.operation in SINGLE_WRITES:
            return failure(CONFLICT)
        writes = len(call.asked["TransactItems"])
        return transaction_conflict(writes, self._draw.randrange(writes))

    def _transaction_in_progress(self, call: Call, fault: Fault) -> Answer:
        fault.happened()
        return failure(IN_PROGRESS)

    def _stale_index(self, call: Call, fault: Fault) -> Answer:
        """As far back as it makes a difference, as little as that may be."""
        lags = (self._tables.stale(call.asked, each) for each in LAGS)
        found = next(each for each in lags if each)
        fault.happened()
        return found

    def _short_page(self, call: Call, fault: Fault) -> Answer:
        """Fewer rows than there are, and where to go on: as after each megabyte."""
        rows = len(self._work(call)[1]["Items"])  # which another run may have made fewer
        most = self._draw.randrange(1, max(rows, 2))
        answer = self._tables.call("Query", call.asked | {"Limit": most})
        if "LastEvaluatedKey" in answer[1]:
            fault.happened()
        return answer

    def _keys_left_over(self, call: Call, fault: Fault) -> Answer:
        """Only some of the rows, and which to ask for again."""
        ((table, asked),) = call.asked["RequestItems"].items()
        cut = self._draw.randrange(1, len(asked["Keys"]))
        some, left = ({table: asked | {"Keys": each}} for each in _halves(asked["Keys"], cut))
        status, answer = self._work(Call(call.name, call.asked | {"RequestItems": some}))
        fault.happened()
        return status, answer | {"UnprocessedKeys": left}

    def _not_taken(self, call: Call, fault: Fault) -> Answer:
        """Each entry has its own fate; the first one of all is refused."""
        name = BATCHES.get(call.name, "Entries")
        entries = call.asked[name]
        refused = {n for n in range(len(entries)) if n == 0 or self._draw.random() < 0.5}
        if taken := [each for n, each in enumerate(entries) if n not in refused]:
            self._work(Call(call.name, call.asked | {name: taken}))
        fault.happened()
        answer = partly_put if call.name == "events.PutEvents" else partly_sent
        return answer(entries, refused)

    def _read_cut(self, call: Call, fault: Fault) -> Answer:
        answer = self._work(call)
        if "Body" in answer[1]:
            answer[1]["Body"] = cut_in_the_middle(answer[1]["Body"], fault.happened)
        return answer


def _asked_keys(call: Call) -> list[Parsed]:
    if call.operation != "BatchGetItem":
        return []
    return [key for asked in call.asked["RequestItems"].values() for key in asked["Keys"]]


def _halves(keys: list[Parsed], cut: int) -> tuple[list[Parsed], list[Parsed]]:
    return keys[:cut], keys[cut:]


def _written(call: Call) -> list[tuple[str, str]]:
    """The rows that a call writes."""
    return written_by(call.operation, call.asked) if call.service == "dynamodb" else []
