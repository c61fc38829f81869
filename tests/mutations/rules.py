"""Mistakes in rules of one's own: what they select, when, how many, and how a bad one ends."""

from tests.mutations.row import in_file

S = "shared/audit/sigma/"
RULES = "tests/unit/audit/sigma"
BUCKET = "tests/integration/audit/test_rules.py"

ROWS = (
    *in_file(
        S + "matching.py",
        RULES,
        (
            (
                'combine = all if "all" in modifiers.flags else any\n    wanted',
                "combine = any\n    wanted",
                "of a list with all one value is enough",
            ),
            ("re.DOTALL | re.IGNORECASE", "re.DOTALL", "a rule misses what is written in capitals"),
            (
                '    "lte": lambda value, limit: value <= limit',
                '    "lte": lambda value, limit: value < limit',
                "lte is lt",
            ),
            ("(?>.*?{each})", "(?:.*?{each})", "stars make a text take for ever"),
            (
                "return lambda found: bool(found) is value",
                "return lambda found: bool(found)",
                "exists: false means true",
            ),
        ),
    ),
    *in_file(
        S + "condition.py",
        RULES,
        (
            ('if not each.startswith("_")', "if each", "them takes what is hidden"),
            ("return lambda holds: not negated(holds)", "return negated", "a filter selects"),
            (
                'combine = all if quantity == "all" else any',
                "combine = any",
                "all of them is one of them",
            ),
            (
                "negated = self.one(level + 1)",
                "negated = self.one(level)",
                "a condition may be nested without end",
            ),
        ),
    ),
    *in_file(
        S + "hours.py",
        RULES,
        (
            ("before = (day - 1) % len(DAYS)", "before = day", "a night ends on the day it began"),
            ("ZoneInfo(self.timezone))", 'ZoneInfo("UTC"))', "business hours are Greenwich's"),
            ("is bool(self.within)", "is True", "outside is within"),
        ),
    ),
    *in_file(
        S + "detections.py",
        RULES,
        (
            ("if not is_one_actor:", "if False:", "a burst is as many alerts as people were in it"),
            (
                "window=lambda _: rule.window,",
                "window=lambda _: 0,",
                "a burst over an hour is not seen",
            ),
            ("if len(observations) <= FLOOD:", "if True:", "a flood fills the memory"),
            ("version=version,\n", "", "a changed rule counts what its old form saw"),
            ("hours.hold(event.time) and fits(event)", "fits(event)", "a rule looks at any hour"),
        ),
    ),
    *in_file(
        S + "rule.py",
        RULES,
        (
            ("cutoff=0.75", "cutoff=1.1", "a slip of a field's name is taken for a note"),
            ("if product.lower() != PRODUCT:", "if False:", "another product's rules are used"),
            (
                "found += [Mistake(_steps(each.path), _said(each)) for each in mistakes(error)]",
                "pass",
                "fields of a wrong type are no mistake",
            ),
        ),
    ),
    *in_file(
        S + "testing.py",
        RULES,
        (
            (
                "if len(alerts) == test.alerts:",
                "if alerts:",
                "a test that makes too many alerts passes",
            ),
        ),
    ),
    *in_file(
        S + "folder.py",
        BUCKET,
        (
            (
                "            if not isinstance(rule, Unused):\n                return older",
                "            if False:\n                return older",
                "a broken change takes the old rule away",
            ),
            (
                "                if self._loaded is None:\n                    raise\n",
                "                self._loaded = self._loaded or self._packaged\n",
                "what S3 can't say for the moment blinds the rules",
            ),
            ("{**self._packaged.own, **own}", "own", "packaged rules are forgotten"),
            ("now >= self._due:", "False:", "a new rule waits for the next start"),
            (
                "self._due = now if self._was_refused else now + READ_EVERY",
                "self._due = now + READ_EVERY",
                "a rule that was refused once is missed for minutes",
            ),
        ),
    ),
    *in_file(
        "functions/audit/flow.py",
        BUCKET,
        (
            (
                "findings = [each.finding(now) for each in unused]",
                "findings = []",
                "a broken rule is told to nobody",
            ),
        ),
    ),
    *in_file(
        "shared/safe_yaml.py",
        RULES,
        (
            (
                "if key.value in seen:",
                "if False:",
                "of a name that is written twice the last counts",
            ),
        ),
    ),
)
