"""All detections over an event, reached by its type."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address

from shared.audit.config import Allow, Config, Rule
from shared.audit.detection import Detection, Finding, Noticed, Observation, Pattern, Verdict
from shared.audit.detections.access import PASSWORDS
from shared.audit.detections.defence import DEFENCE
from shared.audit.detections.keys import KEYS
from shared.audit.detections.operations import O1, O2
from shared.audit.detections.privilege import PRIVILEGE
from shared.audit.detections.reading import domain_of, is_within
from shared.audit.detections.sessions import SESSIONS
from shared.audit.detections.sharing import S2_BESIDE_KEYS, SHARING
from shared.audit.event_types import KNOWN
from shared.audit.events import AuditLog

ALL: tuple[Detection | Pattern, ...] = (
    *DEFENCE,
    *PRIVILEGE,
    *KEYS,
    *PASSWORDS,
    *SESSIONS,
    *SHARING,
    O2,
)
ECHOES = {"S2+": S2_BESIDE_KEYS}
ABOUT = {about.id: about for about in (*(each.about for each in ALL), O1)}
LONGEST_TEXT = 400  # characters
MOST_IDS = 100  # of the events in an alert: a message stays below 64 KB

Singles = tuple[tuple[Detection, Rule], ...]
Notice = Callable[[AuditLog, Config], Sequence[Noticed]]
Patterns = tuple[tuple[str, Notice, Allow], ...]
Set = tuple[str, str]  # a pattern's id, and the key its observations are kept under


class Engine:
    """The detections that are switched on, by the types they look at."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.patterns = {each.about.id: each for each in ALL if isinstance(each, Pattern)} | {
            name: echo.pattern for name, echo in ECHOES.items()
        }
        self._by_type = {type_: self._looking_at(type_) for type_ in KNOWN}
        self._at_any = self._looking_at("")

    def look(self, event: AuditLog) -> tuple[list[Finding], list[tuple[Set, Observation]]]:
        """What the event is by itself, and the observations to keep of it."""
        findings: list[Finding] = []
        observations: list[tuple[Set, Observation]] = []
        detections, patterns = self._by_type.get(event.type, self._at_any)
        for each, rule in detections:
            verdict = each.judge(event, self.config)
            if verdict is not None and not is_allowed(event, rule.allow):
                findings.append(_found(each, Observation.of(event), (event.id,), verdict, rule))
        for id_, notice, allow in patterns:
            for key, observation in notice(event, self.config):
                if not is_allowed(event, allow):
                    observations.append(((id_, key), observation))
        return findings, observations

    def judge(self, pattern: Pattern, observations: Sequence[Observation]) -> Iterable[Finding]:
        """Facts of one key, in order."""
        rule = self.config.rule(pattern.about.id)
        for by, proof, verdict in pattern.judge(observations, self.config):
            ids = tuple(dict.fromkeys(observation.id for observation in proof))[-MOST_IDS:]
            yield _found(pattern, by, ids, verdict, rule)

    def derive(self, findings: Iterable[Finding]) -> list[tuple[Set, Observation]]:
        """The observations to keep of findings."""
        noticed = (
            (name, echo.notice(finding))
            for finding in findings
            for name, echo in ECHOES.items()
            if finding.detection in echo.of
        )
        return [((name, key), observation) for name, (key, observation) in noticed]

    def _looking_at(self, type_: str) -> tuple[Singles, Patterns]:
        rules = ((each, self.config.rule(each.about.id)) for each in ALL)
        looking = [
            (each, rule)
            for each, rule in rules
            if rule.enabled and (each.types is None or type_ in each.types)
        ]
        return (
            tuple((each, rule) for each, rule in looking if isinstance(each, Detection)),
            tuple(
                (each.about.id, each.notice, rule.allow)
                for each, rule in looking
                if isinstance(each, Pattern)
            ),
        )


def is_allowed(event: AuditLog, allow: Allow) -> bool:
    """Whether a detection was told to leave this event alone."""
    if allow.empty:
        return False
    actors = {event.by.id, event.by.user.id, event.by.email}
    return (
        not allow.actors.isdisjoint(actors)
        or event.by.key in allow.keys
        or event.project.id in allow.projects
        or (event.by.email is not None and is_within(domain_of(event.by.email), allow.domains))
        or (event.by.ip is not None and _is_in(event.by.ip, allow))
        or allow.at_hour(event.time // 3_600 % 24)
    )


def _is_in(ip: str, allow: Allow) -> bool:
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in network for network in allow.networks)


def _found(
    each: Detection | Pattern, by: Observation, ids: tuple[str, ...], verdict: Verdict, rule: Rule
) -> Finding:
    level = rule.severity or verdict.severity
    return Finding(
        detection=each.about.id,
        time=by.time,
        severity=rule.severity or verdict.raised or verdict.severity,
        level=level,
        title=_short(verdict.title),
        actor=by.actor,
        target=_short(verdict.target),
        who=_short(by.who),
        where=_short(by.where),
        event_ids=ids,
        about=tuple((name, _short(text)) for name, text in verdict.about),
    )


def _short(text: str) -> str:
    """Somebody's text in ours: on one line, and an alert stays far below 64 KB."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
