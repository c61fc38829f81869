"""The rules of a team's own that are in force: a folder beside detections.yaml, and one in S3.

In S3 a file that is changed into one that can't be used leaves its last version in force that could
be: the bucket keeps versions, so this holds over restarts too.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from shared.audit.catalogue import ABOUT
from shared.audit.config import Own, OwnDetection
from shared.audit.detection import Finding
from shared.audit.engine import LONGEST_TEXT
from shared.audit.sigma.detections import as_detection
from shared.audit.sigma.rule import MOST_BYTES, ReadRule, Unusable, read_rule
from shared.audit.sigma.testing import Tested, run_tests
from shared.aws.s3 import S3Store
from shared.errors import Refused, TryLater
from shared.objects import Source
from shared.text import shorten

PREFIX = "rules/"
MOST_TOLD = 20  # mistakes of a file, in an alert
READ_EVERY = 300  # seconds
MOST_RULES = 500
MOST_VERSIONS = 10  # of a file, in search of one that can be used
SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Unused(NamedTuple):
    """A file that is no rule that can be used, and what is used instead."""

    file: str
    reason: str  # a line for each mistake
    instead: str = "nothing"

    def finding(self, now: int) -> Finding:
        """Told again for other mistakes in it."""
        mistakes = self.reason.split("\n")
        target = f"rule/{self.file}/{hashlib.sha256(self.reason.encode()).hexdigest()[:8]}"
        title = f"{mistakes[0]}; in force instead: {self.instead}"
        found = Finding.about_ourselves("O5", "rules", target, now, shorten(title, LONGEST_TEXT))
        more = tuple((f"mistake {n}", each) for n, each in enumerate(mistakes[1:MOST_TOLD], 2))
        return replace(found, context=more)


class Loaded(NamedTuple):
    """The rules that can be used, by their names, and the files that can't."""

    own: Own
    unused: tuple[Unused, ...]


class Tried(NamedTuple):
    """What became of one file."""

    file: str
    read: ReadRule | None  # None: it is no rule
    tests: tuple[Tested, ...]
    mistakes: tuple[str, ...]  # a line each; none: it can be used


def try_rule(file: str, content: bytes) -> Tried:
    """Reads a rule and runs its tests."""
    name = PurePosixPath(file).name.rpartition(".")[0]
    try:
        read = read_rule(name, _text(file, content, name), file)
    except Unusable as error:
        return Tried(file, None, (), tuple(str(error).split("\n")))
    tests = tuple(run_tests(read))
    failed = [f"{file}: tests: {each.name}: {each.failure}" for each in tests if each.failure]
    return Tried(file, read, tests, tuple(failed))


def _text(file: str, content: bytes, name: str) -> str:
    if not _NAME.fullmatch(name) or name.upper() in ABOUT:
        raise Unusable(
            f"{file}: a rule is named by its file, in letters, digits, -, _ and ., at most 64, "
            "and not as one of the detections that are there already"
        )
    if len(content) > MOST_BYTES:
        raise Unusable(f"{file}: a rule of more than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(f"{file}: not UTF-8: {error.reason}") from error


def try_folder(folder: Path) -> Iterator[Tried]:
    """All rules in a folder and below it."""
    names = set[str]()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        tried = try_rule(str(path.relative_to(folder)), path.read_bytes())
        if path.stem in names:
            again = f"{tried.file}: there is another rule of the name {path.stem}"
            tried = tried._replace(mistakes=(*tried.mistakes, again))
        names.add(path.stem)
        yield tried


def read_folder(folder: Path) -> Loaded:
    """Of those in a folder the rules that can be used."""
    tried = list(try_folder(folder))
    usable = (each.read for each in tried if each.read and not each.mistakes)
    own = {read.name: as_detection(read) for read in usable}
    unused = (Unused(each.file, "\n".join(each.mistakes)) for each in tried if each.mistakes)
    return Loaded(own, tuple(unused))


class RuleBucket:
    """The rules under a prefix of a bucket, read again every few minutes."""

    def __init__(self, s3: S3Store, packaged: Loaded, prefix: str = PREFIX) -> None:
        self._s3 = s3
        self._packaged = packaged
        self._prefix = prefix
        self._known: dict[Source, OwnDetection | Unused] = {}  # each version is read once
        self._loaded: Loaded | None = None
        self._due = 0
        self._was_refused = False  # a file, by S3: the next run asks again

    def read(self, now: int) -> Loaded:
        """What is in force. Where S3 can't be asked now, what was in force before.

        Raises TryLater where nothing was.
        """
        if self._loaded is None or now >= self._due:
            try:
                self._loaded = self._read()
                self._due = now if self._was_refused else now + READ_EVERY
            except TryLater:
                if self._loaded is None:
                    raise
            except Exception as error:  # noqa: BLE001  # told; our own detections go on
                kept = self._loaded or self._packaged
                instead = "what was known" if self._loaded else "none of them"
                reason = Unused(self._prefix, f"the folder can't be read: {error}", instead)
                return Loaded(kept.own, (*self._packaged.unused, reason))
        return self._loaded

    def _read(self) -> Loaded:
        self._was_refused = False
        found = list(islice(self._listed(), MOST_RULES + 1))
        own = dict[str, OwnDetection]()
        unused = list[Unused]()
        if len(found) > MOST_RULES:
            unused.append(Unused(self._prefix, f"more than {MOST_RULES} rules: others wait"))
        for source in found[:MOST_RULES]:
            self._take(source, own, unused)
        return Loaded({**self._packaged.own, **own}, (*self._packaged.unused, *unused))

    def _listed(self) -> Iterator[Source]:
        for source, _ in self._s3.versions(self._s3.bucket, self._prefix):
            if PurePosixPath(source.key).suffix in SUFFIXES:
                yield source

    def _take(self, source: Source, own: dict[str, OwnDetection], unused: list[Unused]) -> None:
        rule = self._version(source)
        if not isinstance(rule, Unused) and rule.about.id in own:
            rule = Unused(source.key, f"there is another rule of the name {rule.about.id}")
        if isinstance(rule, Unused):
            before = self._last_usable(source)
            instead = f"its version {before[0]}" if before else "nothing"
            unused.append(rule._replace(instead=instead))
            if before is None or before[1].about.id in own:
                return
            rule = before[1]
        own[rule.about.id] = rule

    def _last_usable(self, source: Source) -> tuple[str, OwnDetection] | None:
        for older in islice(self._s3.history(source), MOST_VERSIONS):
            rule = self._version(older)
            if not isinstance(rule, Unused):
                return older.identity, rule
        return None

    def _version(self, source: Source) -> OwnDetection | Unused:
        if source not in self._known:
            try:
                content = b"".join(self._s3.chunks_of_theirs(source)) if _is_small(source) else b""
            except Refused as error:
                self._was_refused = True
                return Unused(source.key, f"{source.key}: can't be read: {error}")
            self._known[source] = _tried(source, content)
        return self._known[source]


def _is_small(source: Source) -> bool:
    return source.size <= MOST_BYTES


def _tried(source: Source, content: bytes) -> OwnDetection | Unused:
    if not _is_small(source):
        return Unused(source.key, f"{source.key}: a rule of more than {MOST_BYTES:,} bytes")
    tried = try_rule(source.key, content)
    if tried.read is None or tried.mistakes:
        return Unused(source.key, "\n".join(tried.mistakes))
    return as_detection(tried.read)
