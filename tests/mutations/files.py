"""Mistakes in the file of requests: lines, splitting, duplicates, results, reports."""

from tests.mutations.row import in_file

BATCHFILE = "tests/unit/batchfile"
RESULTS = "tests/unit/jobs/test_results.py tests/unit/jobs/test_answer.py"
LAND = "tests/unit/land tests/integration/jobs/test_functions.py"

ROWS = (
    *in_file(
        "shared/batchfile/open_parts.py",
        BATCHFILE,
        (
            (
                "have.requests + requests <= limits.requests",
                "have.requests <= limits.requests",
                "a part has more requests than OpenAI takes",
            ),
            (
                "have.size + size <= limits.bytes",
                "have.size <= limits.bytes",
                "a part has more bytes than OpenAI takes",
            ),
            (
                "have.inputs + inputs <= limits.inputs",
                "have.inputs <= limits.inputs",
                "a part has more embedding inputs than OpenAI takes",
            ),
            (
                "have.requests + requests == 1  #",
                "False  #",
                "an estimate refuses a request that OpenAI would take",
            ),
            (
                "if self._popped > self._limits.parts:",
                "if False:",
                "a file makes more parts than the ledger reads",
            ),
            (
                "len(self._groups) >= self._limits.groups",
                "False",
                "a thousand models fill the disk",
            ),
            (
                "            if not discard:\n",
                "            if True:\n",
                "a refused file is submitted",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/part_builder.py",
        BATCHFILE,
        (
            (
                "is_next = lines.offset == self.end and",
                "is_next = lines.offset is not None and",
                "a part holds lines of another",
            ),
            (
                "        if requests:\n            for chunk",
                "        if False:\n            for chunk",
                "a part that becomes a copy loses its first lines",
            ),
            (
                "        self.copied_numbers.extend(lines.numbers)\n",
                "",
                "answers land at the wrong lines",
            ),
            ("self.size - self.uncounted", "self.size", "an image counts by its bytes"),
        ),
    ),
    *in_file(
        "shared/batchfile/splitter.py",
        BATCHFILE,
        (
            (
                "        if self._first_uses.concern(custom_ids):\n            return False\n",
                "",
                "two requests of one custom_id are both paid, and one answer is lost",
            ),
            (
                "return bool(self.problems) and not self._skip",
                "return bool(self.problems)",
                "bad-lines=skip refuses the file",
            ),
            (
                "        if self._too_many_suspects:\n",
                "        if False:\n",
                "a doubled file is reported in part only",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/hash_groups.py",
        BATCHFILE,
        (
            (
                "hashes.fromfile(self._disk, count)",
                "hashes",
                "a duplicate far away in a large file is paid twice",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/duplicates.py",
        BATCHFILE,
        (
            ("if times > 1", "if times > 2", "a custom_id that is used twice is not found"),
            (
                "hashlib.sha256(custom_id.encode()).digest() if long",
                "custom_id[:KEPT_WHOLE] if long",
                "long custom_ids that begin alike are called duplicates",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/validation.py",
        BATCHFILE,
        (
            ("if stream is True:", "if False:", "OpenAI refuses the batch for one streaming line"),
            (
                "elif model.strip() != model:",
                "elif False:",
                "OpenAI refuses the batch for a padded name",
            ),
            ("elif not messages:", "elif False:", "OpenAI refuses the batch for an empty list"),
            ('elif method != "POST":', "elif False:", "OpenAI refuses the batch for a GET"),
            (
                "if (at := misencoded_at(line)) is not None:",
                "if (at := None) is not None:",
                "a line that is no UTF-8 is not said to be",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/results.py",
        RESULTS + " tests/integration/jobs/test_bodies.py",
        (
            (
                "has_error or status in FAILED or",
                "has_error or",
                "an answer that says failed counts as succeeded",
            ),
            (
                "return status in {0, 408, 429} or status >= 500",
                "return status in {408, 429} or status >= 500",
                "a request that never ran is final",
            ),
            (
                "return status in {0, 408, 429} or status >= 500",
                "return status in {0, 400, 408, 429} or status >= 500",
                "a bad request is paid for three times",
            ),
            (
                "return SUCCEEDED if is_answer else _failed(_said(text), NO_ANSWER)",
                "return SUCCEEDED",
                "an empty body counts as an answer",
            ),
            (
                "if choice.finish_reason in UNUSUAL:",
                "if False:",
                "nobody learns that answers are cut short",
            ),
        ),
    ),
    *in_file(
        "functions/land/merge.py",
        LAND,
        (
            ("if landed.number != last:", "if True:", "a retried request has two lines"),
            ("key=itemgetter(0, 1)", "key=itemgetter(0)", "the first attempt's failure wins"),
            (
                "(part for part in parts if not part.replaced)",
                "(part for part in parts)",
                "a part that was split is asked for its answers",
            ),
            (
                "if _last_line(c[-1]) < part.first_line",
                "if _last_line(c[-1]) <= part.first_line",
                "answers of parts that overlap come in the wrong order",
            ),
        ),
    ),
    *in_file(
        "functions/land/answers.py",
        LAND + " tests/integration/jobs/test_bodies.py tests/integration/openai",
        (
            ("TRIES = 5", "TRIES = 1", "a download that breaks starts again for ever"),
            (
                "                if got and not download.resumed:\n",
                "                if False:\n",
                "a download without ranges is put behind its own beginning",
            ),
            (
                "if disk.tell() - start == size or not size:",
                "if True:",
                "half a file of answers is taken for a whole one: asked and paid again",
            ),
            (
                "offset = lines.seek(start + len(UTF8_MARK) if marked else start)",
                "offset = lines.seek(start)",
                "a byte order mark stands in the middle of the results",
            ),
        ),
    ),
    *in_file(
        "functions/land/close.py",
        LAND
        + " tests/integration/jobs/test_source_lost.py tests/integration/jobs/test_retry_file.py",
        (
            (
                "        _check_complete(job, counts)\n",
                "",
                "results that lack lines are called complete",
            ),
            (
                "isinstance(error, NotGiven) and edges.now() - (since or edges.now()) < A_MOMENT",
                "isinstance(error, NotGiven)",
                "a job whose file is locked never closes",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/outcome.py",
        "tests/unit/jobs/test_outcome.py",
        (
            (
                "return JobState.COMPLETED_WITH_FAILURES if counts.failed else JobState.COMPLETED",
                "return JobState.COMPLETED",
                "a job of failures is green",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/options.py",
        "tests/unit/jobs/test_options.py tests/unit/jobs/test_outcome.py",
        (
            ("return failed * 100 >", "return failed * 100 >=", "a job at its limit fails"),
            ("<= CLOSE for ours in HOW", "< 0 for ours in HOW", "a misspelt option does nothing"),
        ),
    ),
    *in_file(
        "shared/text.py",
        "tests/unit/test_text.py",
        (
            (
                '"_" if each in {".", ".."} else each',
                "each",
                "a file's name leads out of its folder",
            ),
        ),
    ),
    *in_file(
        "shared/aws/s3_events.py",
        "tests/unit/aws tests/integration/jobs/test_misplaced.py",
        (
            (
                'key=unquote_plus(entity["key"])',
                'key=entity["key"]',
                "a file with a space in its name is not found",
            ),
            (
                'if message.get("detail-type") == "Object Created":',
                "if False:",
                "a misplaced file is met with silence",
            ),
            (
                "quote_plus(source.key)",
                "source.key",
                "a replayed file with a plus in its name is not found",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/splitter.py",
        "tests/integration/jobs/test_intake_ends.py -k hopeless",
        (
            (
                "return refused and self.problems.bad_lines >= refusals.MOST_BAD_LINES",
                "return False",
                "a hopeless file is read to its end",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/splitter.py",
        "tests/integration/jobs/test_retry_file.py",
        (
            (
                "refuse_answers(block.data)",
                "block",
                "a file of answers is told line by line",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/splitter.py",
        "tests/unit/test_nesting.py tests/integration/jobs/test_hostile_files.py",
        (
            (
                "return None if has_too_deep_line(data) else _Read(requests, tails)",
                "return _Read(requests, tails)",
                "a line that is nested too deep is accepted",
            ),
        ),
    ),
)
