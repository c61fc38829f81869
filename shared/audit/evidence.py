"""What S3 holds of a day, against what was proved of it before and what OpenAI lists of it."""

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from typing import NamedTuple

from shared.audit.cursor import TENANT, Tally
from shared.audit.digests import content_digest, id_digest, total
from shared.audit.events import AuditLog, Unreadable, read_event
from shared.audit.manifest import Manifest, StoredObject


class Flaw(NamedTuple):
    """Something that does not fit, in words for a person."""

    kind: str  # added, altered, missing, moved, chain, unproved
    text: str
    now: str = ""  # the key of what was moved


class Held(NamedTuple):
    """The objects of a day, and the events in them."""

    objects: Sequence[StoredObject]
    events: Mapping[str, int]  # by id: SHA-256 of the content; of copies the smallest
    places: Mapping[str, Set[str]]  # by key: the ids it holds

    def only(self, keys: Collection[str]) -> "Held":
        """As much of it as these objects hold."""
        places = {key: ids for key, ids in self.places.items() if key in keys}
        kept = set().union(*places.values())
        events = {id_: digest for id_, digest in self.events.items() if id_ in kept}
        return Held([each for each in self.objects if each.key in keys], events, places)

    @property
    def digest(self) -> str:
        return total(map(id_digest, self.events))

    @property
    def contents(self) -> str:
        return total(self.events.values())


def held(contents: Iterable[tuple[str, bytes]]) -> Held:
    """Of pairs of a key and its bytes."""
    objects: list[StoredObject] = []
    events: dict[str, int] = {}
    places: dict[str, set[str]] = defaultdict(set)
    for key, content in contents:
        for event in events_in(content):
            digest = content_digest(event.line)
            events[event.id] = min(digest, events.get(event.id, digest))
            places[key].add(event.id)
        sha256 = hashlib.sha256(content).hexdigest()
        objects.append(StoredObject(key=key, sha256=sha256, events=len(places[key])))
    return Held(objects, events, places)


def is_of(stream: str, key: str) -> bool:
    """Whether an object holds events that this stream lists too: the tenant's, or the others."""
    name = key.rpartition("/")[2].rpartition("-")[0]
    return stream.endswith(TENANT) == name.endswith(TENANT)


def against_objects(proved: Iterable[StoredObject], found: Held) -> Iterator[Flaw]:
    """Objects that are not what they were when they were proved."""
    now = {each.key: each.sha256 for each in found.objects}
    places = {each.sha256: each.key for each in found.objects}
    for each in proved:
        if each.key not in now and each.sha256 in places:
            place = places[each.sha256]
            yield Flaw("moved", f"{each.key} is now {place}", place)
        elif each.key not in now:
            yield Flaw("missing", f"{each.key} is gone, with {each.events:,} events")
        elif now[each.key] != each.sha256:
            yield Flaw("altered", f"{each.key} is not what it was when it was proved")


def against_listing(listed: Tally | Manifest, found: Held) -> Iterator[Flaw]:
    """Events that OpenAI lists and S3 does not hold as they were listed."""
    lacking = listed.count - len(found.events)
    if lacking > 0:
        yield Flaw("missing", f"{lacking:,} of {listed.count:,} listed events are not in S3")
    elif lacking or listed.digest != found.digest:
        yield Flaw("added", f"of {len(found.events):,} events in S3 {-lacking:,} were not listed")
    elif listed.contents != found.contents:
        yield Flaw("altered", f"some of {listed.count:,} events are not as they were listed")


def with_strangers(found: Held, known: Collection[str]) -> tuple[Held, list[Flaw]]:
    """Without the objects of events that nobody ever listed, each of which is a flaw."""
    strange = {key for key, ids in found.places.items() if not ids <= set(known)}
    flaws = [Flaw("added", f"{key} holds events that were never listed") for key in strange]
    return found.only({each.key for each in found.objects} - strange), flaws


def proved_objects(before: Manifest | None, found: Held) -> tuple[StoredObject, ...]:
    """Those that were proved before stay as they were then; what is new is added."""
    proved = before.objects if before else ()
    known = {each.key for each in proved}
    return (*proved, *(each for each in found.objects if each.key not in known))


def events_in(content: bytes) -> Iterator[AuditLog]:
    """The events of an object; none of one that is no longer gzip, or no longer whole."""
    lines: list[bytes] = []
    with suppress(OSError, EOFError, zlib.error):
        lines = gzip.decompress(content).splitlines()
    for line in lines:
        with suppress(Unreadable):
            yield read_event(line)
