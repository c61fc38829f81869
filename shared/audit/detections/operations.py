"""Detections about the watching itself: O1 to O5."""

from shared.audit.detection import About, Detection, R, Verdict
from shared.audit.detections.reading import target_of
from shared.audit.event_types import KNOWN
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Positive, Rule, folded
from shared.audit.severity import Severity


def _without_an_event(about: About, rule: R) -> Detection[R]:
    """Found in how the log is read and kept, not in what it says."""
    return Detection(
        about, types=frozenset(), evaluate=lambda event, baseline, rule: None, rule=rule
    )


class Silence(Rule):
    quiet_hours: Positive = 24


O1 = _without_an_event(  # silence.py finds it
    About(
        id="O1",
        name="Audit source silent or refused",
        attack=("T1685.002",),
        runbook=(
            "Refused: check that the admin key exists, has not expired and may read audit logs.",
            "Refused with 401 though the key is right: is our address on OpenAI's IP allow-list?",
            "Silent: check Settings, Data controls, Audit logging; only OpenAI can switch it off.",
            "Silent: do something small, such as renaming a test project, and see it arrive.",
            "Look at who changed admin keys or allow-lists last.",
        ),
        false_positives="Small organizations on holiday: raise detections.O1.quiet_hours.",
    ),
    Silence(),
)


O3 = _without_an_event(  # losses.py finds it
    About(
        id="O3",
        name="Events or observations could not be kept",
        attack=("T1499",),
        runbook=(
            "Memory full: look at what the actor named did so often; it may hide something.",
            "Memory full: look at this actor's events in S3; older ones are no longer compared.",
            "Set aside: read the event under unreadable/ in the audit bucket; nothing judged it.",
            "Set aside: tell this project's maintainers which event it was.",
        ),
        false_positives="Automation that does the same thing thousands of times.",
    ),
    Rule(suppress_minutes=24 * 60),
)


def _own_or_unknown(event: AuditLog, baseline: Baseline, _: Rule) -> Verdict | None:
    if baseline.poller_key is not None and folded(event.by.key or "") == baseline.poller_key:
        title = f"The key that reads the audit log did something else: {event.type}"
        return Verdict(Severity.CRITICAL, title, target_of(event))
    if event.type in KNOWN:
        return None
    return Verdict(Severity.SIGNAL, f"Unknown event type {event.type}", event.type)


O4 = _without_an_event(  # proof.py finds it
    About(
        id="O4",
        name="Evidence missing, altered or added",
        attack=("T1070",),
        runbook=(
            "Run batchdrop verify for the day: it says which objects do not fit.",
            "List their versions (aws s3api list-object-versions): who wrote or deleted one, when?",
            "CloudTrail's data events, if they are on, say by which role.",
            "Copy the version that was proved back over the altered one.",
            "Altered, though no version is new: OpenAI may list the event differently now.",
        ),
        false_positives="Somebody who moved or re-compressed objects in the audit bucket.",
    ),
    Rule(),
)


O5 = _without_an_event(  # sigma/folder.py finds it
    About(
        id="O5",
        name="A rule of your own can't be used",
        attack=("T1685.002",),
        runbook=(
            "Read what is wrong with it: the alert names the file and the line of each mistake.",
            "Mend it, and try it: batchdrop rules test FOLDER.",
            "Copy it to rules/ in the audit bucket again; it is read within five minutes.",
            "Nobody changed it? List its versions, and see in CloudTrail who did.",
        ),
        false_positives="None: until then an older version of the rule is used, or none.",
    ),
    Rule(suppress_minutes=24 * 60),
)


O2 = Detection(
    About(
        id="O2",
        name="Unknown event type, or the poller's own key at work",
        attack=("T1078.004",),
        runbook=(
            "The poller's key: revoke it at once and make another; someone else has it.",
            "Look at everything done with that key, and at where its secret can be read.",
            "Unknown type: look at the event; it is landed whole, but no detection reads it.",
            "Update this project, or add the type to a detection.",
        ),
        false_positives="OpenAI adds types every few months: stored and not sent.",
    ),
    types=None,
    evaluate=_own_or_unknown,
    rule=Rule(suppress_minutes=24 * 60),
)
