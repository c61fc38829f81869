"""How attached documents become searchable, or fail, as time passes."""

import heapq
from collections.abc import Sequence
from itertools import count

from local.openai.context import World
from local.openai.files.api import Files
from local.openai.quirks import DOCUMENT_QUIRKS, Quirk
from local.openai.stores.extraction import Unreadable, text_of
from local.openai.stores.models import Chunk, Document
from local.openai.stores.searching import words


class Indexing:
    def __init__(self, world: World, files: Files) -> None:
        self.world = world
        self.files = files
        self._due: list[tuple[float, int, Document, dict[str, Quirk]]] = []
        self._order = count()

    def begin(self, documents: Sequence[Document]) -> None:
        """Documents of one call are read one after the other."""
        settings = self.world.settings
        for place, document in enumerate(documents):
            facts = {"file": document.id, "filename": document.filename, "store": document.store}
            flaws = self.world.quirks.take_all(DOCUMENT_QUIRKS, facts)
            document.from_before_chunking = "chunking_other" in flaws
            if "document_stuck" in flaws:
                continue
            seconds = settings.indexing + settings.per_document * place
            due = document.created_at + self.world.span(seconds)
            heapq.heappush(self._due, (due, next(self._order), document, flaws))

    def settle(self) -> None:
        while self._due and self._due[0][0] <= self.world.now():
            _, _, document, flaws = heapq.heappop(self._due)
            if document.status == "in_progress":
                self._read(document, flaws.get("document_fails"))

    def _read(self, document: Document, failing: Quirk | None) -> None:
        try:
            if failing:
                message = failing.text("message", "An internal error occurred.")
                raise Unreadable(failing.text("code", "server_error"), message)
            document.text = self._text(document)
        except Unreadable as problem:
            document.status = "failed"
            document.last_error = {"code": problem.code, "message": str(problem)}
            return
        chunks = document.chunking.cut(document.text)
        document.chunks = [Chunk(text, words(text)) for text in chunks]
        document.usage_bytes = sum(len(text.encode()) for text in chunks)
        document.status = "completed"

    def _text(self, document: Document) -> str:
        file = self.files.kept.get(document.id)
        if file is None:
            raise Unreadable("server_error", "The file is gone.")
        text = text_of(file.path, document.filename)
        limit = self.world.settings.max_document_tokens
        if len(text) // 4 > limit:
            raise Unreadable("invalid_file", f"The file has more than {limit} tokens.")
        return text
