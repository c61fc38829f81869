"""What whoever holds a library's lease has before them: its rows, and how they are moved on."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from shared.aws.notifier import Notifier
from shared.errors import Conflict, NotFound
from shared.library import paths
from shared.library.edges import LibraryEdges
from shared.library.model import Content, DirtyFlag, Document, Library
from shared.library.plan import Plan, View, plan
from shared.library.settings import FILE, LibrarySettings, read_settings
from shared.library.tables import Row
from shared.openai.vector_stores import VectorStores
from shared.problems import Problem

INDEX_TIME = timedelta(hours=1)  # a document that OpenAI indexes for longer is reported as stuck


class SyncSession:
    """Rows as they were read, and as this run moved them since."""

    def __init__(self, edges: LibraryEdges, library: Library, dirty_flag: DirtyFlag) -> None:
        self.edges = edges
        self.library = library
        self.dirty_flag = dirty_flag
        self.began = edges.now()
        documents, contents = edges.library_table.rows(library.name)
        self.documents = {each.name: each for each in documents}
        self.contents = {each.id: each for each in contents}
        self.settings, self.problems = _settings(edges, library.name)

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
    def late(self) -> bool:
        """So that what is begun is done well before this function is cut off."""
        return self.now - self.began > self.edges.settings.lease / 3

    @property
    def store(self) -> str:
        return self.library.store_id or ""

    def view(self) -> View:
        grace = self.edges.settings.library_pace
        return View(self.settings, self.documents, self.contents, self.now, grace)

    def plan(self) -> Plan:
        return plan(self.view())

    def put(self, rows: Iterable[Row]) -> None:
        """Raises Conflict where a document was noted anew since it was read."""
        moved = list(rows)
        self.edges.library_table.move(moved)
        for row in moved:
            if isinstance(row, Document):
                self.documents[row.name] = row
            else:
                self.contents[row.id] = row

    def set(self, **changes: object) -> None:
        self.replace(self.library.with_(**changes))

    def replace(self, new: Library) -> None:
        self.edges.library_table.put_library(self.library, new)
        self.library = new

    def noted(self, found: Iterable[str]) -> None:
        told = list(found)
        if told:
            self.replace(self.library.noting(*told))

    def may_show_up(self, since: datetime | None) -> bool:
        """What was made so lately need not be listed yet."""
        return since is not None and self.now < since + self.edges.settings.lost_answer

    def has_lost(self, content: Content, files: Collection[str]) -> bool:
        """Whether its File is gone from OpenAI, as these are listed."""
        return content.file_id not in files and not self.may_show_up(content.file_at)

    def attached_or_about_to(self) -> list[Content]:
        return [each for each in self.contents.values() if each.file_id]


def hold(edges: LibraryEdges, name: str) -> Library | None:
    """The lease, longer than this function can run; None: somebody else has it."""
    now = edges.now()
    found = edges.library_table.library(name)
    if found and found.held_until and found.held_until > now:
        return None
    held = (found or Library(name=name)).with_(held_until=now + edges.settings.lease)
    try:
        edges.library_table.put_library(found, held)
    except Conflict:
        return None
    return held


def _settings(edges: LibraryEdges, library: str) -> tuple[LibrarySettings, list[Problem]]:
    """Read anew each time: what is not there any more does not count any more."""
    key = paths.folder(library) + FILE
    try:
        source = edges.s3.newest(edges.settings.inbox_bucket, key)
        return read_settings(b"".join(edges.s3.chunks(source)))
    except NotFound:
        return LibrarySettings(), []
