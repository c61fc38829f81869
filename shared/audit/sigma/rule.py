"""A rule of a team's own: a Sigma rule, with what Sigma leaves to others.

Beside Sigma's fields (https://sigmahq.io/docs/basics/rules.html) it may have a threshold with a
window, hours, whom to leave alone, a runbook, and events to test it with. All of that is checked
before it is used, and a mistake is named with its line.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, Self

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from shared.audit.rules import Allow
from shared.audit.severity import Severity
from shared.audit.sigma.hours import Hours
from shared.audit.sigma.mistakes import Mistake, Mistaken
from shared.audit.sigma.search import Search, compiled, listed
from shared.model import FrozenModel, mistakes
from shared.model import Mistake as FieldMistake
from shared.safe_yaml import LineOf, read_yaml_with_lines

PRODUCT = "openai"
MOST_BYTES = 100_000  # of a file
MOST_EVENTS = 100  # that a threshold may ask for
MOST_DISTINCT = 30  # of different values: each is remembered where it shows
LONGEST_WINDOW = 7 * 86_400  # seconds
MOST_STEPS, MOST_FIELDS, LONGEST_TITLE = 6, 10, 300
MOST_GROUPS = 4  # fields: with their values they are a key of DynamoDB, which has an end
LEVELS = {"informational": Severity.SIGNAL, "low": Severity.INFO}  # Sigma's other words are ours
# What Sigma says for people and tools that read many rules; nothing here depends on it.
FOR_OTHERS = frozenset(
    {"id", "name", "related", "taxonomy", "status", "license", "author", "references", "date"}
    | {"modified", "scope", "description"}
)
_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


def _seconds(value: Any) -> Any:
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a time as a number and s, m, h or d, such as 30m")
    return int(found[1]) * _SECONDS[found[2]]


def _level(value: Any) -> Any:
    return LEVELS.get(value, value) if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=1_000)]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]
Fields = Annotated[tuple[FieldName, ...], BeforeValidator(listed)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(listed)]
Duration = Annotated[int, BeforeValidator(_seconds), Field(ge=1, le=LONGEST_WINDOW)]


class Test(FrozenModel):
    """Events, and how many alerts the rule makes of them."""

    name: str = ""
    events: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=1_000)]
    alerts: Annotated[int, Field(ge=0)] = 1

    @model_validator(mode="before")
    @classmethod
    def _one_event(cls, given: Any) -> Any:
        if isinstance(given, dict) and "event" in given and "events" not in given:
            return {**{k: v for k, v in given.items() if k != "event"}, "events": [given["event"]]}
        return given

    @field_validator("alerts", mode="before")
    @classmethod
    def _yes_or_no(cls, value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value


class LogSource(FrozenModel):
    """Which logs a rule is for. What is not named fits."""

    product: str = PRODUCT
    category: str | None = None
    service: str | None = None
    definition: str | None = None

    @field_validator("product")
    @classmethod
    def _openai(cls, product: str) -> str:
        if product.lower() != PRODUCT:
            raise ValueError(f"only events of {PRODUCT} come by here, none of {product}")
        return product


class RuleFile(FrozenModel):
    """As it is written, but for what is there for others alone."""

    title: Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE)]
    logsource: LogSource = LogSource()
    detection: dict[str, Any]
    level: Annotated[Severity, BeforeValidator(_level)] = Severity.MEDIUM
    tags: Texts = ()
    fields: Annotated[Fields, Field(max_length=MOST_FIELDS)] = ()
    falsepositives: Texts = ()
    threshold: Annotated[int, Field(ge=1, le=MOST_EVENTS)] = 1
    window: Duration = 0
    group_by: Annotated[Fields, Field(alias="group-by", max_length=MOST_GROUPS)] = ()
    distinct: FieldName | None = None  # a field: so many different values, not so many events
    hours: Hours | None = None
    allow: Allow = Allow()
    suppress: Annotated[Duration, Field(ge=60)] = 3_600
    runbook: Annotated[Texts, Field(max_length=MOST_STEPS)] = ()
    enabled: bool = True
    tests: tuple[Test, ...] = ()

    @model_validator(mode="after")
    def _window_or_none(self) -> Self:
        if (self.threshold > 1) is not (self.window > 0):
            raise ValueError("threshold and window go together: 5 within 30m")
        if self.distinct and self.threshold > MOST_DISTINCT:
            raise ValueError(f"of distinct values a threshold is {MOST_DISTINCT} at most")
        if self.threshold == 1 and (self.group_by or self.distinct):
            raise ValueError("group-by and distinct say nothing without threshold and window")
        return self

    @property
    def techniques(self) -> tuple[str, ...]:
        """Of ATT&CK."""
        return tuple(found[1].upper() for tag in self.tags if (found := _TECHNIQUE.fullmatch(tag)))


class ReadRule(NamedTuple):
    """A rule whose every part can be used."""

    name: str  # the file's, without .yaml: an alert's detection
    rule: RuleFile
    fits: Search


class Unusable(ValueError):
    """Every mistake of a rule, a line each: file, line, field, and what to do."""


def read_rule(name: str, text: str, file: str = "") -> ReadRule:
    """Raises Unusable."""
    found: list[Mistake] = []
    line_of: LineOf = lambda _: 1  # noqa: E731
    file = file or f"{name}.yaml"
    try:
        given, line_of = read_yaml_with_lines(text)
        rule, fits = _read(given, found)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise Unusable(f"{file}:{mark.line + 1 if mark else 1}: not YAML: {reason}") from error
    if found or rule is None or fits is None:
        lines = sorted({(line_of(each.path), _place(each), each.message) for each in found})
        raise Unusable("\n".join(f"{file}:{line}: {at}{says}" for line, at, says in lines))
    return ReadRule(name, rule, fits)


def _place(mistake: Mistake) -> str:
    path = ".".join(map(str, mistake.path))
    return f"{path}: " if path else ""


def _read(given: Any, found: list[Mistake]) -> tuple[RuleFile | None, Search | None]:
    if not isinstance(given, dict):
        found.append(Mistake((), "a rule has at least title and detection"))
        return None, None
    if "correlation" in given:
        remedy = "correlations are not read: write threshold, window and group-by into the rule"
        found.append(Mistake(("correlation",), remedy))
    known = _known()
    found += _unknown(given, known)
    rule, fits = None, None
    try:
        rule = RuleFile.model_validate({k: v for k, v in given.items() if k in known})
    except ValidationError as error:
        found += [Mistake(_steps(each.path), _said(each)) for each in mistakes(error)]
    section = given.get("detection")
    if isinstance(section, dict):
        try:
            fits = compiled(section)
        except Mistaken as mistake:
            found.append(Mistake(("detection", *mistake.path), mistake.message))
    return rule, fits


def _known() -> set[str]:
    return {field.alias or name for name, field in RuleFile.model_fields.items()}


def _unknown(given: dict[str, Any], known: set[str]) -> Iterator[Mistake]:
    """Sigma lets people add fields of their own; one that looks like a slip is one."""
    for name in given.keys() - known - FOR_OTHERS:
        close = difflib.get_close_matches(name, known | FOR_OTHERS, n=1, cutoff=0.75)
        if close:
            message = f"there is no such field; did you mean {close[0]}?"
            yield Mistake((name,), message)


def _said(mistake: FieldMistake) -> str:
    return "there is no such field" if mistake.kind == "extra_forbidden" else mistake.message


def _steps(path: tuple[str, ...]) -> tuple[str | int, ...]:
    return tuple(int(each) if each.isdecimal() else each for each in path)
