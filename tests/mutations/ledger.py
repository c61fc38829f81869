"""Mistakes in what holds the state: ledger, tables, queues, topic, S3, and in poll and submit."""

from tests.mutations.row import in_file

JOBS = "tests/integration/jobs/"
DUPLICATE = JOBS + "test_duplicate_file.py"
LOST = f"{JOBS}test_lost_answers.py {JOBS}test_capacity.py -k lost"
POLL = JOBS + "test_poll.py"
SOURCE = JOBS + "test_source_lost.py"
ENDS = JOBS + "test_intake_ends.py"
ODDITIES = "tests/integration/openai/"
S3 = "tests/integration/aws/test_s3.py"

ROWS = (
    *in_file(
        "shared/jobs/ledger.py",
        JOBS + "test_capacity.py " + JOBS + "test_ledger.py",
        (
            (
                'ConditionExpression="attribute_not_exists(#n) OR #n < :most"',
                'ConditionExpression="attribute_not_exists(#n) OR #n < :most OR #n >= :most"',
                "the hourly limit of batches is passed",
            ),
            (
                'ConditionExpression="#t = :t AND (attribute_not_exists(#u) OR #u <= :none)"',
                'ConditionExpression="attribute_exists(pk) OR :t = :t OR #t = #u OR #u <= :none"',
                "a model in use is no longer looked at",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/ledger.py",
        DUPLICATE,
        (
            (
                'Attr("pk").not_exists() | Attr("job").is_in([file.seen or job.id, job.id])',
                'Attr("pk").not_exists() | Attr("pk").exists()',
                "two drops that are checked at once are both paid",
            ),
            (
                'found["expires_at"] > now.timestamp()',
                "True",
                "a file of last year is held while DynamoDB has not deleted its row",
            ),
        ),
    ),
    *in_file(
        "functions/intake/duplicates.py",
        DUPLICATE,
        (
            (
                'if job.approved or options.duplicate_file == "run":',
                'if options.duplicate_file == "run":',
                "an approved job is held again",
            ),
            (
                'if job.approved or options.duplicate_file == "run":',
                "if job.approved:",
                "a file that shall run is held",
            ),
            ("file.seen == job.id", "False", "a job is held for itself"),
            (
                "found.state in HOLDING",
                "found",
                "a file whose job failed can't be dropped again",
            ),
            (
                "found.cancel_requested or found.ending",
                "found.ending",
                "a file whose job is cancelled can't be dropped again",
            ),
            (
                "    edges.notifier.publish(notifications.held(held, other))\n",
                "",
                "nobody hears that a job is held",
            ),
            (
                "(job.source.bucket, job.key, checked.digest)",
                "(job.source.bucket, checked.digest)",
                "the same file under another name is held",
            ),
            (
                ">= edges.settings.held_for",
                ">= 2 * edges.settings.held_for",
                "a held job never ends when it was said",
            ),
        ),
    ),
    *in_file(
        "functions/intake/flow.py",
        ENDS,
        (
            (
                "    if job.ending:\n        return end_as_noted(edges, job)\n",
                "",
                "a file is said to be refused, and then completed",
            ),
        ),
    ),
    *in_file(
        "functions/intake/flow.py",
        ENDS,
        (
            (
                "if job.checks >= attempts.MOST_CHECKS:",
                "if False:",
                "a file that kills intake does so for ever",
            ),
            (
                "return job.cancel_requested is not None or not job.is_being_checked(edges.now())",
                "return not job.is_being_checked(edges.now())",
                "a cancel waits for a check that died",
            ),
            (
                ">= attempts.PATIENCE",
                ">= 99 * attempts.PATIENCE",
                "a file that S3 never gives waits for ever",
            ),
            ("refused=True)", "refused=False)", "a denied file is tried for a day"),
        ),
    ),
    *in_file(
        "functions/intake/attempts.py",
        ENDS,
        (
            (
                "known = isinstance(error, NotFound) or error.details.code in FINAL",
                "known = isinstance(error, NotFound)",
                "an archived file is tried for half an hour",
            ),
            (
                "return known or job.refusals + 1 >= MOST_REFUSALS",
                "return known",
                "a denied file never ends",
            ),
            (
                "return min(FIRST_PAUSE * (1 << min(job.pauses, 10)), LONGEST_PAUSE)",
                "return FIRST_PAUSE * (1 << min(job.pauses, 10))",
                "a busy S3 delays a file by half a day",
            ),
        ),
    ),
    *in_file(
        "functions/intake/check.py",
        JOBS + "test_misplaced.py",
        (
            (
                "if not keys.is_in_inbox(job.key):",
                "if False:",
                "a misplaced file is read without the right to, for ever",
            ),
        ),
    ),
    *in_file(
        "functions/land/requests.py",
        SOURCE,
        (
            (
                "        if part.file_id:\n",
                "        if False:\n",
                "answers that were paid for are lost with the dropped file",
            ),
            (
                "is_wanted = part.batch_id and job.cancel_requested is None",
                "is_wanted = job.cancel_requested is None",
                "a part that was never submitted waits two weeks",
            ),
            (
                "edges.now() - since < (SOURCE_AWAITED if is_wanted else A_MOMENT)",
                "True",
                "a job whose file is gone never ends",
            ),
            ("lost=True", "lost=False", "what can't be named is paid for again"),
        ),
    ),
    *in_file(
        "functions/submit/create.py",
        SOURCE,
        (
            (
                "if edges.now() - accepted >= SOURCE_AWAITED:",
                "if False:",
                "a part whose file stays locked waits for ever",
            ),
            (
                "edges.s3.open_again(part.source)",
                "edges.s3.open(part.source)",
                "a locked file makes dead letters",
            ),
        ),
    ),
    *in_file(
        "functions/submit/split.py",
        SOURCE,
        (
            (
                "edges.s3.chunks_again(part.source)",
                "edges.s3.chunks(part.source)",
                "a part that is to be split and whose file is gone never ends",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/uploads.py",
        JOBS + "test_refused_calls.py -k delete",
        (
            (
                "if not error.is_for_good:",
                "if True:",
                "a refused deletion makes dead letters",
            ),
        ),
    ),
    *in_file(
        "shared/errors.py",
        JOBS + "test_refused_calls.py -k delete",
        (
            (
                "        return self.is_unsupported\n",
                "        return False\n",
                "a server that can't delete makes a dead letter of each job",
            ),
        ),
    ),
    *in_file(
        "functions/submit/lost_batch.py",
        LOST,
        (
            (
                "since=part.creating_at - SKEW",
                "since=part.creating_at",
                "where clocks differ a batch is paid twice",
            ),
            (
                "if batch is None and edges.now() < shown_by:",
                "if False:",
                "a batch that is listed late is made twice",
            ),
            (
                "if part.creating_at is None:\n        return None",
                "return None",
                "a batch whose answer was lost is made twice",
            ),
            (
                "in_order and times and times[-1] < since",
                "times and times[-1] < since",
                "a list in another order hides the batch",
            ),
        ),
    ),
    *in_file(
        "functions/submit/create.py",
        f"{JOBS}test_lost_answers.py {JOBS}test_capacity.py -k lost",
        (
            (
                "(file.filename, file.bytes) == (name, part.source.length)",
                "file.filename == name",
                "half an upload is taken for a whole one",
            ),
            (
                "    edges.ledger.replace_part(part, creating)  # fails",
                "    edges  # fails",
                "an answer that is lost makes a second batch",
            ),
            ("    if part.tries > 1:\n", "    if False:\n", "a lost upload is sent twice"),
        ),
    ),
    *in_file(
        "functions/poll/flow.py",
        POLL,
        (
            (
                "since = [min(job.times.values())",
                "since = [max(job.times.values())",
                "the alarm for the oldest job never fires",
            ),
            (
                "    elif all(part.state is PartState.LANDED for part in parts):\n"
                "        edges.land_queue.send_parts(part.ref for part in parts[:1])\n"
                "    edges",
                "    edges",
                "after a lost message a job never closes",
            ),
            (
                "edges.submit_queue.send_parts(part.ref for part in stuck)",
                "stuck",
                "a part whose submit died is never submitted",
            ),
            (
                "    edges.ledger.replace_part(part, part.postponed(until=edges.now() + PATIENCE))",
                "    part",
                "a landing is asked for each minute while it works",
            ),
            ("if job.state in AT_INTAKE or planned:", "if planned:", "a lost check never resumes"),
        ),
    ),
    *in_file(
        "functions/poll/sweep.py",
        POLL,
        (
            (
                "not SILENT <= now - modified <= LEFT_ALONE",
                "not SILENT <= now - modified",
                "files of years ago are submitted",
            ),
            (
                "not SILENT <= now - modified <= LEFT_ALONE",
                "not now - modified <= LEFT_ALONE",
                "a file whose event is on its way has two",
            ),
            (
                "if edges.now() - datetime.fromtimestamp(file.created_at, UTC) < ORPHANED:",
                "if False:",
                "an upload is deleted before its batch is made",
            ),
            (
                "if (ref := uploaded_part(file.filename))]",
                "if (ref := uploaded_part(file.filename)) or file]",
                "a stranger's file is deleted, or the sweep breaks on it",
            ),
            (
                "        return is_its_own\n",
                "        return False\n",
                "the input of a running batch is deleted",
            ),
            (
                "job.options.keep_files and is_its_own",
                "False",
                "files that a person keeps are deleted",
            ),
            (
                "part.file_id == file.id or part.file_id not in listed",
                "part.file_id in {None, file.id}",
                "behind a gateway the input of a running batch is deleted",
            ),
            (
                "part.file_id == file.id or part.file_id not in listed",
                "True",
                "what lost the race to become a batch is never deleted",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/part.py",
        JOBS + "test_functions.py tests/unit/jobs/test_part.py " + JOBS + "test_poll.py",
        (
            (
                "requested_at=None,\n            past_batches",
                "past_batches",
                "a part waits a quarter of an hour more",
            ),
            ("due=now + lease, tries=", "due=now, tries=", "a claim is taken from who lives"),
            (
                "ended >= job.cancel_requested",
                "True",
                "a batch cancelled by somebody counts as the job's cancel",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/second_batches.py",
        LOST,
        (
            (
                "not known.ended and known.created > other.created",
                "not known.ended and known.created < other.created",
                "of two batches the older one is cancelled",
            ),
            (
                "if all(batch.created < since for batch in page):",
                "if any(batch.created < since for batch in page):",
                "a late second batch is missed",
            ),
            (
                "part.state not in NEEDS_NO_OTHER",
                "False",
                "the batch of a part about to find it is cancelled",
            ),
        ),
    ),
    *in_file(
        "shared/aws/notifier.py",
        "tests/unit/aws tests/integration/jobs/test_published.py",
        (
            (
                'if failed := answer.get("Failed"):',
                'if failed := answer.get("Fail"):',
                "people are not told, and nobody knows",
            ),
            (
                "[self.type, self.about]",
                "[self.type]",
                "two different notifications have one id",
            ),
            (
                '"state": notification.detail.get("state")',
                '"status": notification.detail.get("state")',
                "filters by state match nothing",
            ),
        ),
    ),
    *in_file(
        "shared/aws/sqs.py",
        "tests/unit/aws",
        (
            (
                'if failed := answer.get("Failed"):',
                'if failed := answer.get("Fail"):',
                "a part whose message was not taken waits unasked",
            ),
        ),
    ),
    *in_file(
        "shared/aws/event_bus.py",
        "tests/unit/aws",
        (
            (
                'answer["FailedEntryCount"]',
                "0",
                "systems are not told, and nobody knows",
            ),
        ),
    ),
    *in_file(
        "shared/aws/s3_reader.py",
        S3 + " " + SOURCE,
        (
            ("RETRIES = 3 ", "RETRIES = 0 ", "a connection that breaks fails the run"),
            (
                "if not data and self._end is not None:",
                "if False:",
                "half an object is taken for a whole one",
            ),
            (
                'if "Range" in request and not answer.get("ContentRange"):',
                "if False:",
                "a server without ranges sends the wrong bytes",
            ),
        ),
    ),
    *in_file(
        "shared/aws/s3.py",
        S3,
        (
            (
                "            self._s3.abort_multipart_upload(**upload)\n",
                "",
                "pieces of failed uploads are paid for ever",
            ),
            ('if "=?" not in value:', "if True:", "metadata that is not ASCII is refused"),
        ),
    ),
    *in_file(
        "shared/aws/secrets.py",
        "tests/integration/openai/test_client.py -k key",
        (
            (
                "        self._read_at = None\n\n    def _read",
                "        pass\n\n    def _read",
                "a rotated key is refused for five minutes more",
            ),
        ),
    ),
    *in_file(
        "shared/aws/dynamodb.py",
        JOBS + "test_ledger.py",
        (
            (
                'Attr("rev").eq(rev)',
                'Attr("pk").exists()',
                "two runs overwrite each other",
            ),
        ),
    ),
    *in_file(
        "functions/intake/reading.py",
        JOBS + "test_hostile_files.py -k limits_of_a_part",
        (
            (
                "            limits_of(edges.settings),\n",
                "            Limits(),\n",
                "a smaller limit that was set does not count",
            ),
        ),
    ),
    *in_file(
        "functions/submit/create.py",
        JOBS + "test_capacity.py -k hourly",
        (
            (
                "    if pause := _pause_for_rate(edges):\n",
                "    if pause := None:\n",
                "more batches are created in an hour than OpenAI takes",
            ),
        ),
    ),
    *in_file(
        "functions/poll/flow.py",
        JOBS + "test_races.py -k ticking",
        (
            (
                "        except Conflict:\n            continue",
                "        except ZeroDivisionError:\n            continue",
                "a race makes a tick fail",
            ),
        ),
    ),
    *in_file(
        "shared/aws/s3.py",
        POLL,
        (
            (
                'if each["IsLatest"]:',
                "if True:",
                "replaced files are submitted by the sweep",
            ),
        ),
    ),
    *in_file(
        "shared/aws/s3_reader.py",
        ENDS + " -k rights",
        (("or code_of(error) in OURS", "", "our own expired rights refuse a file for good"),),
    ),
)
