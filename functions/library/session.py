"""State of one sync run: the library's rows, and how this run changes them."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from shared.aws.notifier import Notifier
from shared.errors import Conflict, NotFound, Refused
from shared.library import paths
from shared.library.content import Content
from shared.library.edges import LibraryEdges
from shared.library.model import DirtyFlag, Document, Library
from shared.library.plan import Plan, View, plan
from shared.library.settings import (
    FILE,
    MAX_BYTES,
    LibrarySettings,
    not_given,
    read_settings,
    too_large,
)
from shared.library.tables import Row
from shared.openai.vector_stores import VectorStores
from shared.problems import Problem

PLAN_LASTS = timedelta(seconds=1)
INDEX_TIMEOUT = timedelta(hours=1)  # a document that OpenAI indexes for longer counts as stuck


class SyncSession:
    """Rows as they were read, with every change that this run has written since."""

    def __init__(self, edges: LibraryEdges, library: Library, dirty_flag: DirtyFlag) -> None:
        self.edges = edges
        self.library = library
        self.dirty_flag = dirty_flag
        self.began = edges.now()
        self.documents: dict[str, Document] = {}
        self.contents: dict[str, Content] = {}
        self.settings = LibrarySettings()
        self.problems: list[Problem] = []  # of library.yaml
        self.has_settings = True
        self.names_culprits = False  # OpenAI's refusals do: no call needs to be small
        self.store_seen = False  # in this run, alive
        self.store_lacks = False  # documents that it counted when it was last in sync
        self.changed = False
        self._plan: Plan | None = None
        self._planned_at = self.began

    def read(self) -> None:
        """The rows and the settings, in each run: what was read before no longer counts."""
        documents, contents = self.edges.library_table.rows(self.library.name)
        self.documents = {each.name: each for each in documents}
        self.contents = {each.id: each for each in contents}
        self._read_settings()

    def _read_settings(self) -> None:
        """A library.yaml that is deleted with its folder does not delete what it retained."""
        try:
            self.settings, self.problems = _settings(self.edges, self.library.name)
        except NotFound:
            self.has_settings = False
            if self.library.on_delete == "retain":
                self.settings = LibrarySettings(on_delete="retain")
        except Refused as error:
            self.problems = [not_given(error.reason)]

    @property
    def now(self) -> datetime:
        return self.edges.now()

    @property
    def bucket(self) -> str:
        return self.edges.settings.inbox_bucket

    @property
    def notifier(self) -> Notifier:
        return self.edges.notifier

    @property
    def vector_stores(self) -> VectorStores:
        return self.edges.vector_stores

    @property
    def out_of_time(self) -> bool:
        """Early enough to finish the current step before Lambda ends this run."""
        return self.now - self.began > self.edges.settings.lease / 3

    @property
    def store(self) -> str:
        return self.library.store_id or ""

    @property
    def is_under_way(self) -> bool:
        """OpenAI has calls of ours whose outcome is not known yet."""
        return any(each.is_under_way for each in self.contents.values())

    def view(self) -> View:
        grace = self.edges.settings.library_pace
        return View(self.settings, self.documents, self.contents, self.now, grace)

    def plan(self) -> Plan:
        """Made anew once a row has changed, or time has passed."""
        if self._plan is None or self.now - self._planned_at > PLAN_LASTS:
            self._planned_at = self.now
            self._plan = plan(self.view())
        return self._plan

    def put(self, rows: Iterable[Row]) -> None:
        """Raises Conflict if a document changed since it was read."""
        written = list(rows)
        written += self._answered_no_more(written)
        self.edges.library_table.put_rows(written)
        for row in written:
            self.take_over(row)

    def _answered_no_more(self, written: Iterable[Row]) -> list[Row]:
        """Documents whose content answered, and fails now that its store was lost: that is told."""
        failing = {each.id for each in written if isinstance(each, Content) and each.has_failed}
        known = {id_ for id_ in failing & self.contents.keys() if not self.contents[id_].has_failed}
        documents = self.documents.values() if known else ()
        return [each.switched_to("") for each in documents if each.answered_by in known]

    def take_over(self, row: Row) -> None:
        """A row that is written already."""
        self._plan = None
        self.changed = True
        if isinstance(row, Document):
            self.documents[row.name] = row
        else:
            self.contents[row.id] = row

    def update_library(self, **changes: object) -> None:
        self._replace_library(self.library.updated(**changes))

    def add_repairs(self, repairs: Iterable[str]) -> None:
        """For the report."""
        new = [each for each in repairs if each not in self.library.repaired[-1:]]
        if new:
            self._replace_library(self.library.with_repairs(*new))

    def may_still_appear(self, since: datetime | None) -> bool:
        """OpenAI may not list yet what was made then."""
        return since is not None and self.now < since + self.edges.settings.lost_answer

    def has_lost_file(self, content: Content, files: Collection[str]) -> bool:
        """`files` are all ids that OpenAI lists."""
        return content.file_id not in files and not self.may_still_appear(content.uploaded_at)

    def contents_with_file(self) -> list[Content]:
        return [each for each in self.contents.values() if each.file_id]

    def _replace_library(self, new: Library) -> None:
        self.edges.library_table.put_library(self.library, new)
        self.library = new


def take_lease(edges: LibraryEdges, name: str) -> Library | None:
    """For longer than this function can run; None if another run has it."""
    now = edges.now()
    found = edges.library_table.library(name)
    if found and found.leased_until and found.leased_until > now:
        return None
    leased = (found or Library(name=name)).updated(leased_until=now + edges.settings.lease)
    try:
        edges.library_table.put_library(found, leased)
    except Conflict:
        return None
    return leased


def _settings(edges: LibraryEdges, library: str) -> tuple[LibrarySettings, list[Problem]]:
    """Raises NotFound, and Refused where S3 does not give it."""
    key = paths.folder(library) + FILE
    source = edges.s3.newest(edges.settings.inbox_bucket, key)
    if source.size > MAX_BYTES:
        return LibrarySettings(), [too_large()]
    return read_settings(b"".join(edges.s3.chunks_of_theirs(source)))
