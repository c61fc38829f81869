"""The parts of a file that are still growing: one for each endpoint and model."""

from collections.abc import Iterable, Iterator

from shared.batchfile import refusals, schema
from shared.batchfile.part_builder import (
    EMPTY,
    Copying,
    GoodLines,
    PartBuilder,
    without_carriage_returns,
)
from shared.batchfile.schema import Limits

Group = tuple[str, str]  # endpoint and model


class OpenParts:
    """Adds lines to parts; a part that can take no more is full and can be popped."""

    def __init__(self, limits: Limits, copying: Copying) -> None:
        self._limits = limits
        self._copying = copying
        self._open: dict[Group, PartBuilder] = {}
        self._groups: set[Group] = set()
        self._full: list[PartBuilder] = []
        self._popped = 0

    def fits(self, group: Group, requests: int, size: int, inputs: int) -> bool:
        """Whether the group's part can take as much more; a new part is empty."""
        limits, have = self._limits, self._open.get(group, EMPTY)
        return (
            have.requests + requests <= limits.requests
            and have.size + size <= limits.bytes
            and have.inputs + inputs <= limits.inputs
            and (
                have.requests + requests == 1  # an estimate refuses nothing
                or schema.tokens_of(have.size + size) <= limits.tokens
            )
        )

    def may_search(self, group: Group, libraries: frozenset[str]) -> bool:
        """Whether the group's part has space for these names too."""
        part = self._open.get(group)
        if part is None or not libraries:
            return True
        return _length(part.libraries | libraries) <= self._limits.library_names

    def add(self, group: Group, lines: GoodLines, inputs: int, *, hold: bool = True) -> PartBuilder:
        """Lines that fit; without `hold` they are only counted. Raises UnreadableFile."""
        part = self._open.get(group) or self._begin(group, lines)
        data = without_carriage_returns(lines.data)
        part.inputs += inputs
        part.count(lines, data)
        if hold:
            part.hold(lines, data, self._copying)
        return part

    def close(self, group: Group) -> None:
        self._full.append(self._open.pop(group))

    def close_all(self) -> None:
        self._full.extend(self._open.values())
        self._open.clear()

    def pop_full(self, *, discard: bool = False) -> Iterator[PartBuilder]:
        """Each is gone when the next one comes. Raises UnreadableFile."""
        full, self._full = self._full, []
        for part in full:
            if not discard:
                self._popped += 1
                if self._popped > self._limits.parts:
                    raise refusals.too_many_parts(self._limits.parts)
                yield part
            if part.spool:
                part.spool.close()

    def _begin(self, group: Group, lines: GoodLines) -> PartBuilder:
        if group not in self._groups and len(self._groups) >= self._limits.groups:
            raise refusals.too_many_models(self._limits.groups)
        self._groups.add(group)
        part = self._open[group] = PartBuilder.begun(*group, lines, self._copying)
        return part


def _length(names: Iterable[str]) -> int:
    return sum(len(name.encode()) for name in names)
