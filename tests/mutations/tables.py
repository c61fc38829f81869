"""Mistakes in tables: reading, templates, columns, writing, and how intake and land use them."""

from tests.mutations.row import in_file

UNIT = "tests/unit/tables"
WHOLE = "tests/unit/tables tests/integration/tables/test_tables.py"
HOSTILE = "tests/integration/tables/test_hostile_tables.py"

ROWS = (
    *in_file(
        "shared/tables/templates.py",
        UNIT,
        (
            ('undefined_behavior="strict"', 'undefined_behavior="lenient"', "a typo asks nothing"),
            (
                "        if value is None:\n",
                "        if False:\n",
                "what is undefined becomes null",
            ),
            (
                "auto_escape_callback = lambda _: False",
                "auto_escape_callback = lambda _: name",
                "a text is escaped as HTML",
            ),
            (
                "keep_trailing_newline = True",
                "keep_trailing_newline = False",
                "the last newline of a template is lost",
            ),
            ('.replace("{", "\\\\u007b")', "", "a brace in a name begins a template"),
        ),
    ),
    *in_file(
        "shared/tables/templates.py",
        HOSTILE,
        (("self._environment.fuel = FUEL", "pass", "a template runs for ever"),),
    ),
    *in_file(
        "shared/tables/columns.py",
        UNIT,
        (
            ("if self._validator and (error", "if None and (error", "an answer misses the schema"),
            ("        return said\n", '        return ""\n', "a failure counts as an answer"),
            ("if not body:", "if body is False:", "no answer is an answer"),
            ("status >= 400", "status >= 600", "HTTP 500 is an answer"),
            ('else "VARCHAR"\n\n\ndef _schema_at', 'else "JSON"\n\n\ndef _schema_at', "odd types"),
        ),
    ),
    *in_file(
        "shared/tables/writing.py",
        WHOLE,
        (
            (
                'FORMULA = ("=",',
                'FORMULA = ("#",',
                "a spreadsheet executes what a model wrote",
            ),
            ("POSITIONAL JOIN", "CROSS JOIN", "each row has every answer"),
            ("while self.rows < row - 1:", "while self.rows < row - 2:", "answers slip by a row"),
            ("while self.rows < rows:", "while False:", "rows at the end are lost"),
        ),
    ),
    *in_file(
        "shared/tables/reading.py",
        HOSTILE,
        (
            ("strict_mode=true", "strict_mode=false", "a broken row loses its end"),
            ("if twice:", "if False:", "two columns of one name are one"),
            ("if empty or not names:", "if False:", "a column without a name is read"),
        ),
    ),
    *in_file(
        "shared/tables/download.py",
        HOSTILE,
        (
            ("if size > room:", "if False:", "a bomb fills the disk"),
            (
                "for magic, what in OTHERS.items():",
                "for magic, what in ():",
                "Excel is read as CSV",
            ),
            (
                "self.is_mixed = 0 < pairs <",
                "self.is_mixed = pairs <",
                "line ends are changed where all are alike",
            ),
        ),
    ),
    *in_file(
        "functions/intake/flow.py",
        "tests/integration/tables/test_tables.py",
        (
            ("< RECIPE_AWAITED:", "< -RECIPE_AWAITED:", "a recipe that comes second is late"),
            ("table=checked.table,", "", "land does not know that it is a table"),
        ),
    ),
    *in_file(
        "functions/land/table_results.py",
        "tests/integration/tables/test_tables.py",
        (
            (
                "return Verdict(Fate.MAY_SUCCEED, INVALID",
                "return Verdict(Fate.FAILED, INVALID",
                "an invalid answer is not asked again",
            ),
            ("self._answers.add(each.number, values)", "pass", "no answer is in the table"),
        ),
    ),
    *in_file(
        "shared/tables/json_rows.py",
        UNIT,
        (
            ("-INT64 <= value < INT64", "True", "a number that is too large breaks the table"),
            (
                "return NUMBER if {known, kind}",
                "return WHOLE if {known, kind}",
                "halves go",
            ),
            ("if is_too_deep(line):", "if False:", "a deep line ends the function"),
            ('if own != b"{" else b""', "", "an empty row comes back broken"),
            ("bytes(raw[name]).decode()", "str(value)", "a number loses its digits"),
        ),
    ),
    *in_file(
        "shared/tables/files_beside.py",
        UNIT,
        (
            ('".." in steps', "False", "a row reads what lies outside its folder"),
            ("if set(marked) != set(range(len(names))):", "if False:", "a broken mark is sent"),
            ("if size > MAX_BYTES:", "if False:", "a request is larger than OpenAI takes"),
            ("if len(content) > MAX_FILE_BYTES:", "if False:", "half of a file is sent"),
            ("if not kind:", "if False:", "a text is sent as an image"),
        ),
    ),
    *in_file(
        "functions/intake/table.py",
        "tests/integration/tables/test_files_beside.py",
        (
            ("islice(made, 1 if self._files_at else AT_ONCE)", "islice(made, AT_ONCE)", "memory"),
            ("if len(waiting) == ROWS_AT_ONCE:", "if False:", "all files are read at once"),
        ),
    ),
    *in_file(
        "functions/intake/flow.py",
        "tests/integration/tables/test_files_beside.py",
        (
            ("    if awaited:\n", "    if False:\n", "an image before its recipe is forgotten"),
            ("            return named\n", "            return False\n", "each image is a job"),
        ),
    ),
    *in_file(
        "functions/poll/sweep.py",
        "tests/integration/tables/test_files_beside.py",
        (
            (
                "return bool(beside.are_named(source))",
                "return False",
                "each day replays all images",
            ),
            (
                "    except Refused:\n        return True",
                "    except OverflowError:\n        return True",
                "a recipe that S3 keeps back stops the sweep",
            ),
        ),
    ),
    *in_file(
        "shared/batchfile/passes.py",
        "tests/integration/jobs/test_hostile_files.py -k remembered",
        (("found.splitter.suspects()", "set()", "an id that is used twice is not seen"),),
    ),
)
