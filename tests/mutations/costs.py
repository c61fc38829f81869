"""Mistakes in estimates, limits and the month's budget."""

from tests.mutations.row import in_file

ESTIMATE = "tests/unit/jobs/test_estimate.py"
REPORTS = "tests/integration/jobs/test_estimates.py -k"
COSTS = "tests/integration/jobs/test_costs.py -k"

ROWS = (
    *in_file(
        "shared/jobs/estimate.py",
        ESTIMATE,
        (
            ("ratio=median(ratios)", "ratio=max(ratios)", "one odd part decides the estimate"),
            ("if enough else MOST_RATIO", "", "one part says what the next uses at most"),
            ("if not unbounded:", "if True:", "answers without a limit have one"),
            ("None in found else", "False else", "what has no limit costs at most nothing"),
            ("cached = round(tokens * learnt.cached)", "cached = 0", "the cache's price is lost"),
        ),
    ),
    *in_file(
        "shared/batchfile/schema.py",
        ESTIMATE,
        (
            (
                "(body.n if type(body.n) is int and body.n > 1 else 1)",
                "1",
                "several answers are priced as one",
            ),
            ("- references * counted", "", "an image by its address costs nothing"),
            ("if url in WITHOUT_OUTPUT:", "if False:", "an embedding has an answer of words"),
        ),
    ),
    *in_file(
        "functions/land/flow.py",
        REPORTS + " learnt",
        (("edges.ledger.note_used(part.kind, used)", "pass", "nothing is learnt"),),
    ),
    *in_file(
        "functions/land/answers.py",
        REPORTS + " stands_beside",
        (
            (
                "    answers.spent.spend(answer, succeeded=succeeded)\n",
                "",
                "nothing that was answered has a cost",
            ),
        ),
    ),
    *in_file(
        "functions/intake/flow.py",
        REPORTS + " a_dry_run_tells",
        (("if checked.options.dry_run:", "if False:", "a dry run is paid"),),
    ),
    *in_file(
        "functions/intake/reading.py",
        REPORTS + " a_dry_run_tells",
        (("and not self.options.dry_run", "", "a dry run leaves parts in S3"),),
    ),
    *in_file(
        "shared/batchfile/repeats.py",
        "tests/unit/batchfile/test_repeats.py",
        (
            ('url.encode() + b"\\0" + ', "", "endpoints are mixed up"),
            ("min(len(tail), LONGEST)", "min(len(line), LONGEST)", "names hide repeats"),
            ("return _encode(_decode_any(body))", "return body", "another spelling is asked again"),
            ("if len(body) > LARGE:", "if False:", "a large body is decoded"),
        ),
    ),
    *in_file(
        "functions/land/placed.py",
        "tests/integration/jobs/test_asked_once.py -k thousand_times",
        (("for_request(line, place.custom_id)", "line", "a repeat lands under another's name"),),
    ),
    *in_file(
        "functions/land/flow.py",
        "tests/integration/jobs/test_asked_once.py -k many",
        (
            (
                "return part.answering(last_line=numbers[-1])",
                "return part",
                "a part forgets whose answers it landed",
            ),
        ),
    ),
    *in_file(
        "functions/intake/reading.py",
        "tests/integration/jobs/test_capacity.py -k lately",
        (('"learnt_tokens": max(tokens, 1)', "", "capacity counts bytes"),),
    ),
    *in_file(
        "functions/intake/costs.py",
        COSTS + " held_and_told",
        (("> cap:", "> 10 * cap:", "a job that is too dear runs"),),
    ),
    *in_file(
        "functions/intake/costs.py",
        COSTS + " lower_of_two",
        (("return min((each", "return max((each", "the higher of two limits counts"),),
    ),
    *in_file(
        "functions/intake/costs.py",
        COSTS + " runs_whatever",
        (("    if job.approved:\n        return None\n", "", "an approved job is held again"),),
    ),
    *in_file(
        "functions/intake/costs.py",
        COSTS + " no_known_price",
        (("if found.unpriced:", "if False:", "what has no price passes every limit"),),
    ),
    *in_file(
        "functions/submit/costs.py",
        COSTS + " dearer",
        (
            ("return bool(course.spent) and", "return False and", "a dear job runs to its end"),
            ("    if job.held_since is None:\n", "    if True:\n", "people hear of it at each try"),
            ("dearer = max(spent / expected, 1.0)", "dearer = max(1.0, 1.0)", "it is noticed late"),
        ),
    ),
    *in_file(
        "functions/poll/flow.py",
        COSTS + " ends_with_what",
        (("        cancel(edges, job.id)  # nobody", "        pass  # nobody", "held for ever"),),
    ),
    *in_file(
        "functions/poll/budget.py",
        COSTS + " each_level",
        (
            ("if level > budget.told:", "if level:", "people hear of the budget at each tick"),
            ("if level > budget.told:", "if level > 80:", "nobody hears of 80 percent"),
        ),
    ),
    *in_file(
        "shared/jobs/ledger.py",
        COSTS + " sent_again",
        (
            (
                "change = new.cost - old.expected + sum(child.expected for child in children)",
                "change = new.cost - old.expected",
                "what is sent again is in no budget",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/ledger.py",
        COSTS + " what_fits",
        (
            (
                "writes.extend(self._settling(landed, landed.cost - landed.expected))",
                "pass",
                "a job of one part never gives back",
            ),
        ),
    ),
    *in_file(
        "shared/jobs/ledger.py",
        COSTS + " gives_back",
        (("if not old.committed:", "if True:", "a refused file keeps what it took"),),
    ),
    *in_file(
        "shared/jobs/ledger.py",
        COSTS + " last_dollar",
        (
            (
                '**({"ConditionExpression": condition} if condition else {}),\n        )\n\n'
                "    def _transact",
                ")\n\n    def _transact",
                "ten jobs take the last dollar",
            ),
        ),
    ),
)
