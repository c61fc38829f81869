"""A page's last step, as rows and the writes that make them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared.audit.cursor import Cursor
from shared.audit.detection import Observation
from shared.audit.rows import EventRow, observation_key
from shared.audit.state import Row

FULL = 380_000  # bytes of a row; DynamoDB takes 400 KB, and a flood that fills it was alerted on


class Commit(NamedTuple):
    """What was observed, which events are new, and where the walk stands then."""

    observations: Mapping[Row, set[Observation]]
    known: Mapping[Row, set[Observation]]
    expires_at: Mapping[Row, int]
    events: Sequence[EventRow]
    cursor: Cursor
    rev: int  # of the cursor that is replaced


class ObservationRow(NamedTuple):
    """A row that a page adds observations to: what patterns remember of one key and time."""

    key: dict[str, str]
    rows: list[Row]
    observations: int
    size: int  # bytes, with what is to be added

    @property
    def is_full(self) -> bool:
        return self.size > FULL

    def update(self, commit: Commit) -> dict[str, Any]:
        names = {f"#{n}": row.set for n, row in enumerate(self.rows)}
        sets = {
            f":{n}": {f.text for f in commit.observations[row]} for n, row in enumerate(self.rows)
        }
        adding = ", ".join(f"#{n} :{n}" for n in range(len(self.rows)))
        return {
            "Key": self.key,
            "UpdateExpression": f"ADD {adding} SET expires_at = :e",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                **sets,
                ":e": max(commit.expires_at[row] for row in self.rows),
            },
        }


def observation_rows(commit: Commit) -> list[ObservationRow]:
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in commit.observations:
        rows[observation_key(row)].append(row)
    sizes: Counter[tuple[str, str]] = Counter()
    for observations in (commit.observations, commit.known):
        for row in observations:
            key = observation_key(row)
            if key in rows:
                sizes[key] += sum(len(observation.text) for observation in observations[row])
    return [
        ObservationRow(
            key={"pk": key[0], "sk": key[1]},
            rows=some,
            observations=sum(len(commit.observations[row]) for row in some),
            size=sizes[key],
        )
        for key, some in rows.items()
    ]
