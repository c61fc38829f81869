"""Mistakes in what keeps a library in sync."""

from tests.mutations.row import in_file

LIBRARY = "tests/integration/library/"
SYNC = LIBRARY + "test_sync.py " + LIBRARY + "test_replace.py"

ROWS = (
    *in_file(
        "functions/library/reconcile.py",
        SYNC,
        (
            (
                "    if session.library.bound:\n        return []\n",
                "",
                "other people's files are detached from their store",
            ),
            (
                "each.id not in known and _is_old(session, each)",
                "each.id not in known",
                "a File that another run uploads is deleted",
            ),
            (
                "return folder[name][0].identity != known.source.identity",
                "return False",
                "an overwritten document whose event was lost answers for ever",
            ),
            (
                "missing = [each for each in _searchable(session) if each.file_id not in listed]",
                "missing = []",
                "a document that fell out of its store never answers again",
            ),
            (
                'return None if store.status == "expired" else listed',
                "return listed",
                "questions go to a store that has expired",
            ),
        ),
    ),
    *in_file(
        "functions/library/attach.py",
        SYNC,
        (
            (
                "if last and session.now < last + session.edges.settings.library_pace:",
                "if False:",
                "a library takes all calls that OpenAI allows",
            ),
            (
                "    session.put(intents)\n    if batch",
                "    if batch",
                "a lost answer attaches everything twice",
            ),
            (
                "not is_full and session.now < oldest + MAX_WAIT",
                "not is_full",
                "one upload that hangs keeps all documents from the store",
            ),
        ),
    ),
    *in_file(
        "functions/library/indexing.py",
        SYNC,
        (
            (
                'if file is None or file.status == "cancelled" or _failed_before(content, file):',
                "if file is None:",
                "a document that somebody cancelled is never attached again",
            ),
            (
                "    if age > GIVE_UP:\n",
                "    if False:\n",
                "a document that hangs keeps the library from ever being in sync",
            ),
            (
                "batch.file_counts.total < len(contents) or not batch.accounts_for_all",
                "False",
                "a document that OpenAI left out is called searchable",
            ),
            ("elif batch.file_counts.failed:", "elif False:", "a failed document is searchable"),
        ),
    ),
    *in_file(
        "functions/library/upload.py",
        SYNC,
        (
            (
                "for each in absent if each not in late)",
                "for each in absent)",
                "a lost upload is sent a second time",
            ),
            (
                "found.setdefault(file.filename, file.id)",
                "file",
                "a lost upload is never found",
            ),
            (
                "            if isinstance(outcome, TryLater):\n                raise outcome\n",
                "            pass\n",
                "OpenAI that is busy is asked a thousand times",
            ),
        ),
    ),
)
