"""A page's last step, as rows and the writes that make them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from shared.audit.cursor import Cursor
from shared.audit.detection import Observation
from shared.audit.rows import EventRow, observation_key
from shared.audit.state import Row


class Commit(NamedTuple):
    """What was observed, which events are new, and where the walk stands then."""

    observations: Mapping[Row, set[Observation]]
    dropped: Mapping[Row, set[Observation]]
    sizes: Mapping[Row, int]  # bytes that rows hold, by row without a set
    expires_at: Mapping[Row, int]
    events: Sequence[EventRow]
    cursor: Cursor
    rev: int  # of the cursor that is replaced


class RowUpdate(NamedTuple):
    """Adds observations to a row, or deletes some: sets of one key and stretch of time."""

    verb: Literal["ADD", "DELETE"]
    key: tuple[str, str]
    sets: Mapping[str, set[Observation]]
    size: int  # bytes that it may touch
    expires_at: int | None = None

    @property
    def item(self) -> dict[str, Any]:
        names = {f"#{n}": name for n, name in enumerate(self.sets)}
        values: dict[str, Any] = {
            f":{n}": {each.text for each in some} for n, some in enumerate(self.sets.values())
        }
        clauses = ", ".join(f"#{n} :{n}" for n in range(len(self.sets)))
        expression = f"{self.verb} {clauses}"
        if self.expires_at is not None:
            expression, values = (
                f"{expression} SET expires_at = :e",
                values | {":e": self.expires_at},
            )
        return {
            "Key": {"pk": self.key[0], "sk": self.key[1]},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }


def additions(commit: Commit) -> list[RowUpdate]:
    return [
        RowUpdate(
            "ADD",
            key,
            sets,
            _size(commit, rows, sets),
            max(commit.expires_at[row] for row in rows),
        )
        for key, rows, sets in _by_key(commit.observations)
    ]


def deletions(commit: Commit) -> list[RowUpdate]:
    return [
        RowUpdate("DELETE", key, sets, _size(commit, rows, sets))
        for key, rows, sets in _by_key(commit.dropped)
    ]


def _size(commit: Commit, rows: Sequence[Row], sets: Mapping[str, set[Observation]]) -> int:
    held = commit.sizes.get(rows[0].whole, 0)
    return held + sum(each.size for some in sets.values() for each in some)


def _by_key(
    observations: Mapping[Row, set[Observation]],
) -> Iterator[tuple[tuple[str, str], list[Row], dict[str, set[Observation]]]]:
    """Rows of the table, each with the sets that change in it."""
    keyed: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row, some in observations.items():
        if some:
            keyed[observation_key(row)].append(row)
    for key, rows in keyed.items():
        yield key, rows, {row.set: observations[row] for row in rows}
