"""Makes attached documents searchable, or fails them, as time passes."""

import heapq
from collections.abc import Sequence
from itertools import count

from local.openai.context import Context
from local.openai.files.api import Files
from local.openai.quirks import DOCUMENT_QUIRKS, Quirk
from local.openai.stores.extraction import ExtractionError, extract_text
from local.openai.stores.models import Chunk, Document
from local.openai.stores.searching import words


class Indexing:
    def __init__(self, context: Context, files: Files) -> None:
        self.context = context
        self.files = files
        self._due: list[tuple[float, int, Document, dict[str, Quirk]]] = []
        self._order = count()

    def begin(self, documents: Sequence[Document]) -> None:
        """Documents of one call are read one after the other."""
        settings = self.context.settings
        for place, document in enumerate(documents):
            target = {"file": document.id, "filename": document.filename, "store": document.store}
            quirks = self.context.quirks.take_all(DOCUMENT_QUIRKS, target)
            document.chunking_unknown = "chunking_other" in quirks
            if "document_stuck" in quirks:
                continue
            seconds = settings.indexing + settings.per_document * place
            due = document.created_at + self.context.clock_seconds(seconds)
            heapq.heappush(self._due, (due, next(self._order), document, quirks))

    def advance(self) -> None:
        while self._due and self._due[0][0] <= self.context.now():
            _, _, document, quirks = heapq.heappop(self._due)
            if document.status == "in_progress":
                self._read(document, quirks.get("document_fails"))

    def _read(self, document: Document, failing: Quirk | None) -> None:
        try:
            if failing:
                message = failing.text("message", "An internal error occurred.")
                raise ExtractionError(failing.text("code", "server_error"), message)
            document.text = self._text(document)
        except ExtractionError as problem:
            document.status = "failed"
            document.last_error = {"code": problem.code, "message": str(problem)}
            return
        chunks = document.chunking.split(document.text)
        document.chunks = [Chunk(text, words(text)) for text in chunks]
        document.usage_bytes = sum(len(text.encode()) for text in chunks)
        document.status = "completed"

    def _text(self, document: Document) -> str:
        file = self.files.by_id.get(document.id)
        if file is None:
            raise ExtractionError("server_error", "The file is gone.")
        text = extract_text(file.path, document.filename)
        limit = self.context.settings.max_document_tokens
        if len(text) // 4 > limit:
            raise ExtractionError("invalid_file", f"The file has more than {limit} tokens.")
        return text
