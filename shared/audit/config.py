"""The one YAML file in which a team sets up its detections, checked as a whole."""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, PrivateAttr, ValidationError, create_model, model_validator

from shared.audit.catalogue import ABOUT, ALL
from shared.audit.detection import About, Detection, Pattern
from shared.audit.rules import Baseline, Rule
from shared.audit.severity import Severity
from shared.model import FrozenModel, mistakes
from shared.safe_yaml import read_yaml

R = TypeVar("R", bound=Rule)
OwnDetection = Detection[Rule] | Pattern[Rule]  # of a team's own
Own = Mapping[str, OwnDetection]  # by their names


class Misconfigured(ValueError):
    """Everything that is wrong with the file, a line each."""


class _Rules(FrozenModel):
    """Every detection's rule, by its id."""

    @model_validator(mode="before")
    @classmethod
    def _keep_the_rest(cls, given: Any) -> Any:
        """A threshold that is set leaves the detection's other defaults as they are."""
        if not isinstance(given, dict):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {name: _completed(settings, defaults.get(name)) for name, settings in given.items()}


def _completed(settings: Any, defaults: Rule | None) -> Any:
    if defaults is None or not isinstance(settings, dict):
        return settings
    return {**defaults.model_dump(), **settings}


if TYPE_CHECKING:
    Detections = _Rules
else:
    _defaults = {each.about.id: (type(each.rule), each.rule) for each in ALL}
    Detections = create_model("Detections", __base__=_Rules, **_defaults)


def _get(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None


def _joined(*asns: Any) -> list[Any]:
    if not all(isinstance(each or [], list) for each in asns):
        raise ValueError("trusted_asns and detections.A5.vpn_asns are lists, such as [9009]")
    return [asn for each in asns for asn in each or ()]


def ordered(value: Any) -> Any:
    """The same whatever order sets came in, which differs from process to process."""
    if isinstance(value, dict):
        return {name: ordered(each) for name, each in value.items()}
    return sorted(map(ordered, value), key=json.dumps) if isinstance(value, list) else value


class Config(Baseline):
    """The whole file. Every default is safe: the file may be empty."""

    notify_from: Severity = Severity.MEDIUM  # quieter alerts are stored and not sent
    ocsf: bool = False  # write events as OCSF too
    bus: Literal["events", "alerts"] = "events"  # alerts: nothing but alerts on the bus
    detections: Detections = Detections()
    _own: Own = PrivateAttr(default={})

    def with_own(self, own: Own) -> Self:
        """These settings, with these detections of the team's own, and no others."""
        config = self.model_copy()
        config._own = dict(own)
        return config

    @property
    def own(self) -> Own:
        return self._own

    @model_validator(mode="before")
    @classmethod
    def _vpns_in_one_place(cls, given: Any) -> Any:
        """`detections.A5.vpn_asns`, as it was once written, silences A4 and A6 too."""
        travel = _get(_get(given, "detections"), "A5")
        if not isinstance(travel, dict) or "vpn_asns" not in travel:
            return given
        kept = {name: each for name, each in travel.items() if name != "vpn_asns"}
        asns = _joined(given.get("trusted_asns"), travel["vpn_asns"])
        return {**given, "trusted_asns": asns, "detections": {**given["detections"], "A5": kept}}

    @property
    def digest(self) -> str:
        """Short, and the same for the same settings; sets have no order of their own."""
        own = {name: each.version for name, each in self._own.items()}
        settings = {**self.model_dump(mode="json"), **({"own": own} if own else {})}
        text = json.dumps(ordered(settings), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def rule(self, detection: str) -> Rule:
        if detection in ABOUT:
            rule: Rule = getattr(self.detections, detection)
            return rule
        return self._own[detection].rule if detection in self._own else Rule()

    def about(self, detection: str) -> About:
        """Of one of the team's own that is gone since, no more than its name."""
        if detection in ABOUT:
            return ABOUT[detection]
        known = detection in self._own
        return self._own[detection].about if known else About(detection, detection, (), (), "")

    def rule_of(self, detection: Detection[R] | Pattern[R]) -> R:
        rule: R = getattr(self.detections, detection.about.id)
        return rule


def read_config(text: str) -> Config:
    """Raises Misconfigured with every problem."""
    try:
        return Config.model_validate(read_yaml(text) or {})
    except yaml.YAMLError as error:
        raise Misconfigured(f"not YAML: {error}") from error
    except ValidationError as error:
        raise Misconfigured("\n".join(_problems(error))) from error


def _problems(error: ValidationError) -> Iterator[str]:
    for each in mistakes(error):
        path = ".".join(each.path) or "the file"
        if each.kind == "extra_forbidden":
            yield f"{path}: there is no such setting{_meant(each.path)}"
        else:
            yield f"{path}: {each.message} (is {each.value!r:.80})"


def _meant(path: tuple[str, ...]) -> str:
    model: object = Config()
    for name in path[:-1]:
        model = getattr(model, name)
    known = type(model).model_fields if isinstance(model, BaseModel) else {}
    close = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"
