"""Detections of what the organization logs and shows: D5 and D6."""

import hashlib
from collections.abc import Iterator, Sequence

from shared.audit.detection import (
    DAY,
    LONGEST_WHAT,
    About,
    Detection,
    Keyed,
    Match,
    Observation,
    Pattern,
    Verdict,
    without_repeats,
)
from shared.audit.detections.reading import target_of
from shared.audit.events import AuditLog
from shared.audit.payloads import Organization
from shared.audit.rules import Baseline, Comparison, Rule
from shared.audit.severity import Severity

_LOGGING = {
    "disabled": 0,
    "enabled_per_call": 1,
    "enabled_for_selected_projects": 2,
    "enabled_for_all_projects": 3,
}


def _logging_noticed(event: AuditLog, _: Baseline, __: Comparison) -> Sequence[Keyed]:
    asked = event.read(Organization)
    projects = asked.api_call_logging_project_ids
    if asked.api_call_logging is None and projects is None:
        return ()
    organization = target_of(event)
    what = (asked.api_call_logging or "", _ids_text(projects), organization)
    return (Keyed(organization, Observation.of(event, *what)),)


def _logging_turned_down(observations: Sequence[Observation], _: Comparison) -> Iterator[Match]:
    """The event has what was requested, not what it was: that is known from events before.

    A request for `disabled` changes something, so it counts even with nothing known.
    """
    mode, projects = "", ""
    for observation in observations:
        now_mode, now_projects = observation.what[0] or mode, observation.what[1] or projects
        if _is_down(mode, now_mode) or (mode == now_mode and _is_shorter(projects, now_projects)):
            before, after = f"{mode or 'not known'} {projects}", f"{now_mode} {now_projects}"
            context = (("before", before.strip()), ("after", after.strip()))
            title = f"Logging of API calls turned down to {after.strip()}"
            yield Match(
                observation,
                (observation,),
                Verdict(Severity.HIGH, title, observation.what[2], context),
            )
        mode, projects = now_mode, now_projects


def _changes(observations: Sequence[Observation]) -> Sequence[Observation]:
    """What tells the mode and the projects of today is the most important."""
    modes = [each for each in observations if each.what[0]][-1:]
    projects = [each for each in observations if each.what[1]][-1:]
    return [*without_repeats(observations), *projects, *modes]


def _is_down(before: str, after: str) -> bool:
    if before in _LOGGING:
        return _LOGGING.get(after, len(_LOGGING)) < _LOGGING[before]
    return after == "disabled" and not before


def _is_shorter(before: str, after: str) -> bool:
    return not set(_ids(before)) <= set(_ids(after))


def _ids_text(text: str | None) -> str:
    """Of very many ids only digests are kept: they are compared, never looked up."""
    ids = _ids(text)
    joined = ",".join(ids)
    if len(joined) <= LONGEST_WHAT:
        return joined
    return ",".join(hashlib.sha256(each.encode()).hexdigest()[:8] for each in ids)


def _ids(text: str | None) -> list[str]:
    return sorted(filter(None, (each.strip() for each in (text or "").split(","))))


D5 = Pattern(
    About(
        id="D5",
        name="API-call logging turned down",
        attack=("T1685.002",),
        runbook=(
            "Ask whoever acted, over another channel, whether this was them and why.",
            "Turn it up again: Settings, Data controls, API call logging.",
            "Until then calls were not logged: look at usage and cost by key and project instead.",
            "Look at everything this actor did since.",
        ),
        false_positives="A project that is retired, or a change for privacy that was agreed on.",
    ),
    types=frozenset({"organization.updated"}),
    observe=_logging_noticed,
    evaluate=_logging_turned_down,
    rule=Comparison(),
    window=lambda _: 365 * DAY,
    bucket=365 * DAY,
    thin=_changes,
)

_ANYBODY = "ANY_ROLE"


def _visible_to_all(event: AuditLog, _: Baseline, __: Rule) -> Verdict | None:
    asked = event.read(Organization)
    shown = {
        "threads": asked.threads_ui_visibility,
        "the usage dashboard": asked.usage_dashboard_visibility,
    }
    seen = [what for what, by in shown.items() if (by or "").upper() == _ANYBODY]
    if not seen:
        return None
    what = " and ".join(seen)
    return Verdict(Severity.SIGNAL, f"Everybody may now see {what}", f"{target_of(event)}/{what}")


D6 = Detection(
    About(
        id="D6",
        name="Data visibility widened",
        attack=("T1213",),
        runbook=(
            "Ask whoever acted what it was for.",
            "Set it back to owners where people see data of others by it.",
        ),
        false_positives="Usual in small organizations, so it is stored and not sent.",
    ),
    types=frozenset({"organization.updated"}),
    evaluate=_visible_to_all,
    rule=Rule(),
)


ORGANIZATION = (D5, D6)
