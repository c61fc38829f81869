"""Verifies days of the audit log from S3 alone: nothing is missing, altered or added."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from shared.audit.cursor import TENANT, first_second
from shared.audit.evidence import (
    Flaw,
    Held,
    against_listing,
    against_objects,
    held,
    is_of,
)
from shared.audit.manifest import Manifest
from shared.audit.paths import events_folder, manifests_folder
from shared.aws.at_once import THREADS, at_once
from shared.aws.s3 import S3Store


class Day(NamedTuple):
    """A day, what proves it, and what does not fit."""

    day: date
    manifests: Sequence[Manifest]
    flaws: Sequence[Flaw]

    @property
    def events(self) -> int:
        """As OpenAI listed them; a backfill lists what was listed before."""
        return sum(each.count for each in self.manifests if each.stream in _LIVE) or max(
            (each.count for each in self.manifests), default=0
        )

    @property
    def objects(self) -> int:
        return len({each.key for found in self.manifests for each in found.objects})

    @property
    def proofs(self) -> dict[str, str]:
        return {each.stream: each.proof for each in self.manifests}


_LIVE = frozenset({"organization", "tenant"})


def verify(s3: S3Store, first: date, last: date) -> Iterator[Day]:
    """Every day from the first to the last, both included, in order."""
    before = _manifests(s3, first - timedelta(days=1))
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        manifests = _manifests(s3, day)
        yield Day(day, list(manifests.values()), list(_flaws(s3, day, manifests, before)))
        before = manifests


def _flaws(
    s3: S3Store, day: date, manifests: Mapping[str, Manifest], before: Mapping[str, Manifest]
) -> Iterator[Flaw]:
    found = read_day(s3, first_second(day))
    if not manifests:
        text = f"no manifest, and {len(found.objects)} objects of events: the day was never proved"
        yield Flaw("unproved", text)
        return
    proved = {each.key: each for one in manifests.values() for each in one.objects}
    flaws = list(against_objects(proved.values(), found))
    yield from flaws
    explained = {*proved, *(flaw.now for flaw in flaws)}
    for each in found.objects:
        if each.key not in explained:
            yield Flaw("added", f"{each.key} is in no manifest, with {each.events:,} events")
    yield from _against_listings(manifests.values(), found)
    for one in manifests.values():
        yield from _against_chain(one, before.get(one.stream))


def _against_listings(manifests: Iterable[Manifest], found: Held) -> Iterator[Flaw]:
    """What S3 holds is proved by any listing that it fits: each of a day may be of another time."""
    own: dict[bool, list[Manifest]] = {}
    for each in manifests:
        own.setdefault(each.stream.endswith(TENANT), []).append(each)
    for some in own.values():
        stream = some[0].stream
        held_there = found.only({each.key for each in found.objects if is_of(stream, each.key)})
        flaws = [list(against_listing(each, held_there)) for each in some]
        if all(flaws):
            yield from (Flaw(each.kind, f"{stream}: {each.text}") for each in flaws[0])


def _against_chain(one: Manifest, before: Manifest | None) -> Iterator[Flaw]:
    if before is not None and one.previous != before.proof:
        text = f"{one.stream}: the manifest does not follow that of the day before"
        yield Flaw("chain", text if one.previous else f"{text}, of which it says nothing")
    elif before is None and one.previous is not None:
        yield Flaw("chain", f"{one.stream}: the manifest of the day before is gone")


def _manifests(s3: S3Store, day: date) -> dict[str, Manifest]:
    """By stream, those of live streams first."""
    keys = [source.key for source, _ in s3.versions(s3.bucket, manifests_folder(first_second(day)))]
    found = [Manifest.model_validate_json(s3.read(key)) for key in keys]
    found.sort(key=lambda each: (each.stream not in _LIVE, each.stream))
    return {each.stream: each for each in found}


def read_day(s3: S3Store, low: int, stream: str = "", threads: int = THREADS) -> Held:
    """All that S3 holds of a day's events, or as much of it as a stream lists too."""
    listed = (source.key for source, _ in s3.versions(s3.bucket, events_folder(low)))
    keys = [key for key in listed if not stream or is_of(stream, key)]
    contents = at_once([partial(s3.read, key) for key in keys], threads)
    return held(zip(keys, contents, strict=True))
