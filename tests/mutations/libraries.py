"""Mistakes in what keeps a library in sync."""

from tests.mutations.row import in_file

LIBRARY = "tests/integration/library/"
LOST = LIBRARY + "test_store_lost.py"
POISON = LIBRARY + "test_poison.py"
SETTINGS = LIBRARY + "test_settings_mistakes.py"
GIVEN = LIBRARY + "test_not_given.py"
SYNC = LIBRARY + "test_sync.py " + LIBRARY + "test_replace.py"

ROWS = (
    *in_file(
        "functions/library/reconcile.py",
        f"{SYNC} {LOST}",
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
                "return folder[name][0].identity != known.newest_version",
                "return False",
                "an overwritten document whose event was lost answers for ever",
            ),
            (
                "absent = [each for each in _searchable(session) if each.file_id not in listed]",
                "absent = []",
                "a document that fell out of its store never answers again",
            ),
            (
                "    return list(suspects) if len(gone) == len(asked) else gone\n",
                "    return list(suspects)\n",
                "a list that leaves out what is there has it all uploaded again",
            ),
            (
                "known = {each.file_id for each in session.contents_with_file()} | others",
                "known = {each.file_id for each in session.contents_with_file()}",
                "libraries that share a store take out each other's files",
            ),
        ),
    ),
    *in_file(
        "functions/library/store.py",
        LOST,
        (
            (
                "    if store.status == EXPIRED:\n        _give_up",
                "    if False:\n        _give_up",
                "questions go to a store that has expired",
            ),
            (
                "    elif not session.may_still_appear(since):\n",
                "    else:\n",
                "one 404 gives up a good store",
            ),
            (
                "session.store_lacks = store.file_counts.completed < session.library.counted",
                "pass",
                "questions go to a store that lacks documents",
            ),
            (
                "if library.stores_lost >= MOST_LOST:",
                "if False:",
                "a server that loses stores gets new ones for ever",
            ),
        ),
    ),
    *in_file(
        "functions/library/attach.py",
        f"{SYNC} {POISON}",
        (
            (
                "if last and session.now < last + session.edges.settings.library_pace:",
                "if False:",
                "a library takes all calls that OpenAI allows",
            ),
            (
                "    session.put(intents)\n    try",
                "    try",
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
        f"{SYNC} {POISON}",
        (
            (
                '        case "cancelled":\n',
                '        case "nobody":\n',
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
        f"{SYNC} {GIVEN}",
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
                "if isinstance(outcome, TryLater) and not isinstance(outcome, NotGiven):",
                "if False:",
                "OpenAI that is busy is asked a thousand times",
            ),
        ),
    ),
    *in_file(
        "shared/library/suspects.py",
        f"tests/unit/library/test_suspects.py {POISON}",
        (
            (
                "return group[: max(len(group) // 2, 1)]",
                "return group[:1]",
                "each suspect is asked alone: thousands of calls",
            ),
            (
                "    if not bad:\n        return most\n",
                "    return most\n",
                "a library with many refused documents takes all day",
            ),
        ),
    ),
    *in_file(
        "functions/library/attach.py",
        POISON,
        (
            (
                "        session.put([known.refused(session.now, REFUSED, error.reason)])",
                "        session.put([known.not_attached(session.now)])",
                "a refused document keeps its library indexing for ever",
            ),
            (
                "        session.put(each.left_out(session.now, error.reason) for each in asked)",
                "        pass",
                "behind a server without file batches nothing is ever searchable",
            ),
        ),
    ),
    *in_file(
        "functions/library/changes.py",
        f"{GIVEN} {SETTINGS}",
        (
            (
                "            attributes = base.attributes or {}\n",
                "            attributes = {}\n",
                "a broken sidecar wipes the attributes",
            ),
            (
                "    if paths.is_passed_over(place.name):\n        return {}\n",
                "",
                "a lock file is uploaded at each save",
            ),
            (
                "        return base.updated(**changes | _not_given(base, source, error))",
                "        raise",
                "an object that S3 does not give makes dead letters",
            ),
        ),
    ),
    *in_file(
        "functions/library/session.py",
        SETTINGS,
        (
            (
                'if self.library.on_delete == "retain":',
                "if False:",
                "emptying a folder takes out what its settings retained",
            ),
            (
                "            self.problems = [not_given(error.reason)]",
                "            pass",
                "settings that S3 does not give count as none",
            ),
        ),
    ),
    *in_file(
        "functions/library/swap.py",
        LIBRARY + "test_refused_calls.py",
        (
            (
                "        return content.not_removed(session.now)",
                "        raise",
                "a refused removal blocks all others",
            ),
        ),
    ),
    *in_file(
        "functions/library/sync.py",
        f"{GIVEN} {SETTINGS} {LIBRARY}test_waiting_files.py",
        (
            (
                "    if session.library.finished_until != before:\n        wake_waiters(session)\n",
                "",
                "questions wait for the next tick",
            ),
            (
                "    if outcome.reason and not session.library.waiting_notified:",
                "    if False:",
                "a refused key is told to nobody",
            ),
            (
                "        session.problems = session.problems or store_problems(session)",
                "        pass",
                "a mistyped store gives up the good one",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/libraries.py",
        LOST,
        (
            (
                "        if fault := _fault(edges, library):",
                '        if fault := "":',
                "questions go to a store that is gone",
            ),
        ),
    ),
    *in_file(
        "functions/submit/flow.py",
        LOST,
        (
            (
                "        part = with_current_stores(edges, part)",
                "        pass",
                "questions go out with the id of a store that was lost",
            ),
        ),
    ),
)
