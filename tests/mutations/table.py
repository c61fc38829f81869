"""Deliberate mistakes: each would break a promise, and the tests beside it have to notice.

A text has to stand exactly once in its file, so that a row never means another place.
"""

from typing import NamedTuple

CAPACITY = "tests/integration/jobs/test_capacity.py"
CALLS = "tests/integration/jobs/test_refused_calls.py"
PATIENCE = "tests/integration/jobs/test_patience.py"
ATTEMPTS = "tests/integration/jobs/test_attempts.py"
SERVERS = "tests/integration/openai/test_odd_servers.py"
KEYS = "tests/integration/openai/test_keys_stay_secret.py"
READING = "tests/unit/openai/test_reading.py"
REFUSALS = "tests/unit/openai/test_refusals.py"


class Row(NamedTuple):
    """One mistake, and what would happen."""

    file: str
    old: str
    new: str
    what: str
    tests: str


ROWS = (
    # What OpenAI's answers mean.
    Row(
        "shared/openai/refusals.py",
        "    Rule(Meaning.PERSON, ANY_STATUS, codes=UNPAID),\n",
        "",
        "a spending limit under HTTP 400 fails the job for good",
        REFUSALS,
    ),
    Row(
        "shared/openai/refusals.py",
        "    Rule(Meaning.PERSON, range(500), wording=SAYS_STORAGE_FULL),\n",
        "",
        "a full storage fails the job for good",
        REFUSALS,
    ),
    Row(
        "shared/openai/refusals.py",
        "    Rule(Meaning.CAPACITY, ANY_STATUS, wording=SAYS_FULL),\n",
        "",
        "a limit of requests fails the job",
        REFUSALS,
    ),
    Row(
        "shared/openai/refusals.py",
        "    Rule(Meaning.PASSING, {IN_BATCH}, codes=FAILED_THEMSELVES),\n",
        "",
        "OpenAI's own error at validation fails the job",
        REFUSALS,
    ),
    Row(
        "shared/openai/refusals.py",
        "    Rule(Meaning.OUTCOME_UNKNOWN, OK, codes=FAILED_THEMSELVES),\n",
        "",
        "an error under HTTP 200 is final, though the work may be done",
        SERVERS,
    ),
    Row(
        "shared/openai/refusals.py",
        'unit: Unit = "requests" if word.lower() == "request" else "tokens"',
        'unit: Unit = "tokens"',
        "a number of requests is learned as tokens",
        REFUSALS,
    ),
    Row(
        "shared/openai/refusals.py",
        "if not capacity and any(each.line for each in errors):",
        "if False:",
        "a batch refused for a line is made again for ever",
        REFUSALS,
    ),
    Row(
        "shared/openai/client.py",
        'answer.get("error") and "id" not in answer',
        "False",
        "an error under HTTP 200 is taken for an answer",
        SERVERS,
    ),
    Row(
        "shared/openai/client.py",
        "return same_origin and request.method == onward.method",
        "return request.method == onward.method",
        "the key goes to another origin",
        SERVERS,
    ),
    Row(
        "shared/openai/client.py",
        "return same_origin and request.method == onward.method",
        "return same_origin",
        "a redirect turns creating into reading",
        SERVERS,
    ),
    Row(
        "shared/openai/client.py",
        "raise TryLater(error.reason, details=error.details) from error\n\n    def _sent",
        "raise\n\n    def _sent",
        "a refused list means that nothing is there: paid twice, or a crash",
        CALLS,
    ),
    Row(
        "shared/openai/lists.py",
        "if page.has_more and page.after in met:",
        "if page.has_more and page.after is None:",
        "a list that ignores `after` is walked for ever",
        READING + " -k advance",
    ),
    Row(
        "shared/openai/reading.py",
        "if field.is_required() or info.field_name in cls.DECIDES:",
        "if True:",
        "one odd Batch stops all polling",
        READING,
    ),
    Row(
        "shared/openai/reading.py",
        "if field.is_required() or info.field_name in cls.DECIDES:",
        "if field.is_required():",
        "a create answer with an odd status is taken as it is",
        READING,
    ),
    Row(
        "shared/openai/reading.py",
        "seconds / 1_000 if seconds > IN_MILLISECONDS else seconds",
        "seconds",
        "milliseconds are seconds: a list seems out of order",
        READING,
    ),
    Row(
        "shared/openai/retry.py",
        'SECONDS = re.compile(r"[0-9]{1,9}")',
        'SECONDS = re.compile(r"\\d+")',
        "`Retry-After: ²` or twenty digits crash submit",
        SERVERS,
    ),
    Row(
        "shared/openai/retry.py",
        "return min(timedelta(seconds=int(text)), LONGEST_ASKED)",
        "return timedelta(seconds=int(text))",
        "a part waits for thirty years",
        SERVERS,
    ),
    # Keys.
    Row(
        "shared/errors.py",
        "self.reason = masked(reason)",
        "self.reason = reason",
        "a key that a server quotes is mailed to everybody",
        KEYS,
    ),
    Row(
        "shared/aws/secrets.py",
        "        keep_secret(stored)\n",
        "",
        "a key that does not look like one is not masked",
        KEYS,
    ),
    Row(
        "shared/aws/secrets.py",
        "        for mistake, what in MISTAKES:\n",
        "        for mistake, what in ():\n",
        "a key with a line end inside ends up in an exception's text",
        KEYS,
    ),
    Row(
        "shared/text.py",
        "    for key in SECRETS:\n        text = _without(text, key)\n",
        "",
        "pieces of a key are shown",
        KEYS + " tests/unit/test_text.py",
    ),
    # Refused uploads and batches.
    Row(
        "functions/submit/create.py",
        "    except Refused as error:  # by the upload",
        "    except ZeroDivisionError as error:  # by the upload",
        "a refused upload crashes submit for ever",
        CALLS,
    ),
    Row(
        "functions/submit/create.py",
        "        file.id not in part.unusable\n",
        "        True\n",
        "an upload of no use is found by its name each time",
        CALLS + " -k of_no_use",
    ),
    Row(
        "functions/submit/create.py",
        "if part.rejections >= MOST_REJECTIONS:",
        "if False:",
        "a file that OpenAI never finds is uploaded for ever",
        CALLS + " -k never_finds",
    ),
    Row(
        "shared/jobs/observe.py",
        "isinstance(error, TryLater | NotYet) and part.rejections < MOST_REJECTIONS",
        "isinstance(error, TryLater | NotYet)",
        "a batch that always fails is made for ever",
        CALLS + " -k for_ever",
    ),
    Row(
        "shared/jobs/observe.py",
        "        part = give_up_upload(edges, part)\n",
        "        pass\n",
        "a batch is made again of an upload that can't be found",
        CALLS + " -k of_no_use",
    ),
    Row(
        "shared/jobs/part.py",
        "        if batch.id in self.past_batches:\n            return False\n",
        "",
        "a failed batch is taken for a lost one: paid twice",
        CALLS + " -k old_view",
    ),
    Row(
        "functions/land/retry.py",
        "return part.without_refused >= MOST_ROUNDS",
        "return True",
        "one refused line fails all others",
        CALLS + " -k refused_for",
    ),
    Row(
        "functions/land/retry.py",
        "return part.without_refused >= MOST_ROUNDS",
        "return False",
        "a batch refused for ever other lines never ends",
        CALLS + " -k refused_for",
    ),
    # Patience.
    Row(
        "shared/jobs/observe.py",
        "since = part.missing_since or now\n    if now - since",
        "since = part.times[PartState.SUBMITTED.value]\n    if now - since",
        "one 404 hours after the creation pays everything twice",
        PATIENCE,
    ),
    Row(
        "shared/jobs/part.py",
        '                "missing_since": None,\n',
        "",
        "a 404 now and then adds up to a loss",
        PATIENCE,
    ),
    Row(
        "shared/jobs/batch_lookup.py",
        "        lookup.calls, lookup.after = SINGLE_CALLS, None\n",
        "        raise\n",
        "a list that is refused stops polling",
        PATIENCE,
    ),
    Row(
        "shared/jobs/batch_lookup.py",
        "lookup.turn = int(edges.now().timestamp()) // TURN",
        "lookup.turn = 0",
        "without a list the same batches are read at each tick",
        PATIENCE,
    ),
    Row(
        "functions/land/answers.py",
        "< PATIENCE:",
        "< -PATIENCE:",
        "answers that are refused for a moment are given up and paid again",
        PATIENCE,
    ),
    Row(
        "functions/land/answers.py",
        "            answers.unread = error.reason\n",
        "",
        "nobody hears why answers are missing",
        PATIENCE,
    ),
    Row(
        "shared/jobs/cancel.py",
        ">= CANCEL_DEADLINE:",
        ">= CANCEL_DEADLINE * 1000:",
        "a cancelled job never ends",
        PATIENCE,
    ),
    Row(
        "shared/jobs/cancel.py",
        "    edges.ledger.release_capacity(part, cancelled)\n",
        "    edges.ledger.replace_part(part, cancelled)\n",
        "a cancelled part keeps its capacity for ever",
        PATIENCE,
    ),
    # Attempts.
    Row(
        "functions/land/retry.py",
        "first * GROWTH ** (part.counted_attempts - 1)",
        "first",
        "three attempts are used up in minutes",
        ATTEMPTS,
    ),
    Row(
        "functions/land/retry.py",
        "zlib.crc32(part.name.encode()) % 1_000",
        "0",
        "parts that failed together come back together",
        ATTEMPTS,
    ),
    Row(
        "functions/land/retry.py",
        "reason, free=True)\n    first",
        "reason)\n    first",
        "want of money uses up the attempts",
        ATTEMPTS,
    ),
    Row(
        "functions/land/retry.py",
        ">= MONEY_AWAITED",
        ">= MONEY_AWAITED * 1000",
        "a job that nobody pays never ends",
        ATTEMPTS,
    ),
    Row(
        "functions/land/retry.py",
        " or (answers.names_nothing and part.names_nothing)",
        "",
        "answers that name no request are paid for three times",
        ATTEMPTS,
    ),
    Row(
        "functions/land/answers.py",
        "        _place_unreadable(answers, wanted, line, place)\n",
        "        answers.extras.append(place)\n",
        "an answer that can't be read is paid for again",
        ATTEMPTS,
    ),
    Row(
        "functions/land/answers.py",
        "or (succeeded and custom_id in self.failed)",
        "",
        "a failed line hides the answer that was paid for",
        ATTEMPTS,
    ),
    # Capacity.
    Row(
        "shared/jobs/capacity.py",
        "return self.used <= 0 and self.used_requests <= 0",
        "return False",
        "one large request waits for ever",
        CAPACITY + " -k alone",
    ),
    Row(
        "shared/jobs/capacity.py",
        "requests is None or part.requests <= requests",
        "True",
        "a limit of requests is passed",
        CAPACITY + " -k limit_of_requests",
    ),
    Row(
        "shared/jobs/capacity.py",
        "return part.requests > 1 and self._exceeds(part)",
        "return False",
        "a part larger than the limit is never split",
        CAPACITY + " -k limit_of_requests",
    ),
    Row(
        "functions/submit/split.py",
        "and made < MAX_SLICES ",
        "",
        "a split beyond a transaction's rows never goes on",
        CAPACITY + " -k pieces",
    ),
    Row(
        "functions/poll/flow.py",
        " and not _has_waiting(edges, stored.model)",
        "",
        "parts that wait for days are forgotten",
        CAPACITY + " -k days",
    ),
    Row(
        "functions/poll/flow.py",
        "stored.is_idle(now)",
        "False",
        "every model that ever was costs a query at each tick",
        CAPACITY + " -k idle",
    ),
    Row(
        "shared/jobs/ledger.py",
        " and not self._still_admits(old, capacity)",
        "",
        "a limit that changed is called lack of capacity",
        CAPACITY + " -k conflict",
    ),
    Row(
        "shared/batchfile/schema.py",
        "return sum(size for size in sizes if size > 0)",
        "return 0",
        "an image by value counts by its bytes",
        CAPACITY + " -k by_value",
    ),
)
