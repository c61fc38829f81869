"""Detections of controls taken down: D1 to D9."""

import ipaddress
from collections.abc import Iterator, Sequence

from shared.audit.config import Config, Network
from shared.audit.detection import (
    DAY,
    About,
    Completed,
    Detection,
    Noticed,
    Observation,
    Pattern,
    Verdict,
)
from shared.audit.detections.reading import is_actor, named, target_of
from shared.audit.events import AuditLog
from shared.audit.payloads import Allowlist, Certificates, Organization
from shared.audit.severity import Severity


def _allowlist_off(event: AuditLog, _: Config) -> Verdict:
    lists = event.read(Allowlist)
    names = ", ".join(each.name or each.id or "?" for each in lists.configs) or named(event)
    target = "+".join(sorted(each.id or "?" for each in lists.configs)) or target_of(event)
    done = "switched off" if event.type.endswith("deactivated") else "removed"
    before = (("allowed until now", ", ".join(lists.allowed_ips)),) if lists.allowed_ips else ()
    return Verdict(Severity.CRITICAL, f"IP allow-list {done}: {names}", target, before)


D1 = Detection(
    About(
        id="D1",
        name="IP allow-list removed or switched off",
        attack=("T1686.001",),
        runbook=(
            "Ask whoever acted, over another channel, whether this was them and why.",
            "Put the allow-list back: Settings, Security, IP allowlist.",
            "Look at everything this actor did in the 24 hours before and after.",
            "Look for sessions and keys used from addresses that the list would have refused.",
            "If nobody stands by it: end the actor's sessions and revoke their keys.",
        ),
        false_positives="A network move, when the old list goes before the new one is switched on.",
    ),
    types=frozenset({"ip_allowlist.deleted", "ip_allowlist.config.deactivated"}),
    judge=_allowlist_off,
)

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_V4_WITHIN_V6 = 96


def _allowlist_open(event: AuditLog, config: Config) -> Verdict | None:
    asked = event.read(Allowlist).allowed_ips or ()
    networks = [network for each in asked if (network := network_of(each)) is not None]
    wide = [n for n in _joined(networks) if n.prefixlen < _widest(n, config)]
    strange = [n for n in networks if not _is_approved(n, config.approved_networks)]
    if not wide and not strange:
        return None
    whole = any(network.prefixlen == 0 for network in wide)
    severity = Severity.CRITICAL if whole else Severity.HIGH
    shown = ", ".join(map(str, wide or strange))
    said = "opened to" if wide else "now holds networks that are not approved:"
    title = f"IP allow-list {named(event)} {said} {'the whole internet' if whole else shown}"
    return Verdict(severity, title, target_of(event), (("allowed now", ", ".join(asked)),))


def network_of(text: str) -> Network | None:
    """A network as it works: IPv4 in IPv6 clothes is IPv4, and 0.0.0.0 alone means everything."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if network.network_address.is_unspecified and "/" not in text:
        return network.supernet(new_prefix=0)
    if isinstance(network, ipaddress.IPv6Network) and network.overlaps(_MAPPED):
        mapped = network.network_address.ipv4_mapped or ipaddress.IPv4Address(0)
        prefix = max(0, network.prefixlen - _V4_WITHIN_V6)
        return ipaddress.IPv4Network((mapped, prefix), strict=False)
    return network


def _joined(networks: Sequence[Network]) -> list[Network]:
    """0.0.0.0/1 and 128.0.0.0/1 are the whole internet as well."""
    v4 = [n for n in networks if isinstance(n, ipaddress.IPv4Network)]
    v6 = [n for n in networks if isinstance(n, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6)]


def _widest(network: Network, config: Config) -> int:
    rule = config.detections.D2
    return rule.widest_v4 if network.version == 4 else rule.widest_v6


def _is_approved(network: Network, approved: Sequence[Network]) -> bool:
    """Without a list of approved networks only the width is judged."""
    return not approved or any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
        for each in approved
    )


D2 = Detection(
    About(
        id="D2",
        name="IP allow-list opened wide",
        attack=("T1686.001",),
        runbook=(
            "Ask whoever acted, over another channel, whether this was them and why.",
            "Take the network off the list: Settings, Security, IP allowlist.",
            "Look for sessions and keys used from addresses the list allowed only since then.",
            "Look at everything this actor did in the 24 hours before and after.",
            "A network that belongs there: add it to approved_networks.",
        ),
        false_positives="A new office or provider whose network is not in approved_networks yet.",
    ),
    types=frozenset({"ip_allowlist.created", "ip_allowlist.updated"}),
    judge=_allowlist_open,
)


def _scim(event: AuditLog, _: Config) -> Verdict:
    if event.type == "scim.enabled":
        return Verdict(Severity.INFO, "SCIM switched on", target_of(event))
    said = "switched off" if event.type == "scim.disabled" else "asked to be deleted"
    return Verdict(Severity.HIGH, f"SCIM {said}: who leaves keeps access", target_of(event))


D3 = Detection(
    About(
        id="D3",
        name="SCIM switched off",
        attack=("T1685", "T1556"),
        runbook=(
            "Ask whoever acted and the identity team whether this was planned.",
            "Switch SCIM on again: Settings, Identity.",
            "Compare the organization's users with the directory; remove who should be gone.",
            "Look at users added or changed by hand since then.",
        ),
        false_positives="A move to another identity provider.",
    ),
    types=frozenset({"scim.disabled", "scim.enabled", "tenant.scim.deletion.requested"}),
    judge=_scim,
)

_MOVED = ("deleted", "migrated")


def _sso(event: AuditLog, _: Config) -> Verdict:
    severity = Severity.CRITICAL if event.type.endswith(_MOVED) else Severity.HIGH
    what = event.type.removeprefix("tenant.").replace("_", " ").replace(".", " ")
    return Verdict(severity, f"Single sign-on: {what} {named(event)}", target_of(event))


D4 = Detection(
    About(
        id="D4",
        name="SSO connection changed or removed",
        attack=("T1484.002",),
        runbook=(
            "Ask the identity team whether this was planned; nobody else should do it.",
            "Compare the connection's issuer, certificate and domains with your provider's.",
            "Undo what nobody stands by, and end all sessions made since then.",
            "Look for users who signed in by password or by the new connection.",
        ),
        false_positives="Certificate rotation, and moves announced by the identity team.",
    ),
    types=frozenset(
        {
            "tenant.sso_connection.created",
            "tenant.sso_connection.updated",
            "tenant.sso_connection.deleted",
            "tenant.sso_connection.setup.started",
            "tenant.sso.migrated",
            "tenant.domains.migrated",
        }
    ),
    judge=_sso,
)

_LOGGING = {
    "disabled": 0,
    "enabled_per_call": 1,
    "enabled_for_selected_projects": 2,
    "enabled_for_all_projects": 3,
}


def _logging_noticed(event: AuditLog, _: Config) -> Sequence[Noticed]:
    asked = event.read(Organization)
    projects = asked.api_call_logging_project_ids
    if asked.api_call_logging is None and projects is None:
        return ()
    organization = target_of(event)
    what = (asked.api_call_logging or "", ",".join(_ids(projects)), organization)
    return (Noticed(organization, Observation.of(event, *what)),)


def _logging_turned_down(observations: Sequence[Observation], _: Config) -> Iterator[Completed]:
    """The event tells what was asked for, not what it was: that is known from events before.

    Who asks for `disabled` changes something, so without anything known it counts.
    """
    mode, projects = "", ""
    for observation in observations:
        now_mode, now_projects = observation.what[0] or mode, observation.what[1] or projects
        if _is_down(mode, now_mode) or (mode == now_mode and _is_shorter(projects, now_projects)):
            before, after = f"{mode or 'not known'} {projects}", f"{now_mode} {now_projects}"
            about = (("before", before.strip()), ("after", after.strip()))
            title = f"Logging of API calls turned down to {after.strip()}"
            yield Completed(
                observation,
                (observation,),
                Verdict(Severity.HIGH, title, observation.what[2], about),
            )
        mode, projects = now_mode, now_projects


def _is_down(before: str, after: str) -> bool:
    if before in _LOGGING:
        return _LOGGING.get(after, len(_LOGGING)) < _LOGGING[before]
    return after == "disabled" and not before


def _is_shorter(before: str, after: str) -> bool:
    return not set(_ids(before)) <= set(_ids(after))


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
            "Treat the time until then as dark: look at usage and cost by key and project instead.",
            "Look at everything this actor did since.",
        ),
        false_positives="A project that is retired, or a change for privacy that was agreed on.",
    ),
    types=frozenset({"organization.updated"}),
    notice=_logging_noticed,
    judge=_logging_turned_down,
    window=lambda _: 365 * DAY,
    bucket=365 * DAY,
)

_ANYBODY = "ANY_ROLE"


def _visible_to_all(event: AuditLog, _: Config) -> Verdict | None:
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
    judge=_visible_to_all,
)


def _certificates_off(event: AuditLog, _: Config) -> Verdict:
    listed = event.read(Certificates).certificates
    severity = Severity.HIGH if len(listed) > 1 else Severity.MEDIUM
    names = ", ".join(each.name or each.id or "?" for each in listed) or named(event)
    target = "+".join(sorted(each.id or "?" for each in listed)) or target_of(event)
    done = "deleted" if event.type.endswith("deleted") else "switched off"
    return Verdict(severity, f"mTLS certificate {done}: {names}", target)


D7 = Detection(
    About(
        id="D7",
        name="mTLS certificates switched off",
        attack=("T1685",),
        runbook=(
            "Ask whoever acted whether a certificate was being replaced.",
            "Check that another certificate is active: without any, a stolen key is enough.",
            "Activate it again where nobody stands by the change.",
        ),
        false_positives="Rotation: the new certificate is activated shortly before.",
    ),
    types=frozenset({"certificates.deactivated", "certificate.deleted"}),
    judge=_certificates_off,
)


def _custody(event: AuditLog, config: Config) -> Verdict | None:
    registered = event.type.endswith("registered")
    if registered and is_actor(event, config.detections.D8.approvers):
        return None
    thing = "key" if event.type.startswith("external_key") else "storage"
    done = "registered by somebody who may not" if registered else "removed"
    return Verdict(Severity.HIGH, f"Customer's {thing} {done}: {named(event)}", target_of(event))


D8 = Detection(
    About(
        id="D8",
        name="Customer key or storage registered or removed",
        attack=("T1486", "T1490"),
        runbook=(
            "Ask the owner of the key or storage, not only whoever acted.",
            "Removed: what was encrypted with the key may be out of reach; keep the key alive.",
            "Registered: whose account does it belong to? A stranger's key holds data to ransom.",
            "Undo it, and look at everything this actor did.",
        ),
        false_positives="Planned rotation by somebody missing from detections.D8.approvers.",
    ),
    types=frozenset(
        {
            "external_key.registered",
            "external_key.removed",
            "external_storage.registered",
            "external_storage.removed",
        }
    ),
    judge=_custody,
)


def _policy(event: AuditLog, _: Config) -> Verdict:
    severity = Severity.HIGH if event.type.endswith("deleted") else Severity.MEDIUM
    what = event.type.removeprefix("tenant.").replace("_", " ").replace(".", " ")
    return Verdict(severity, f"Access policy: {what} {named(event)}", target_of(event))


D9 = Detection(
    About(
        id="D9",
        name="Session, access or third-party-app policy weakened",
        attack=("T1556.009", "T1685"),
        runbook=(
            "Ask whoever acted what was changed; the event does not say it.",
            "Compare the policy with how it should be, and put it back.",
            "Look for long sessions, new apps and new products used since then.",
        ),
        false_positives="Policies made stricter look the same: the payload is not documented.",
    ),
    types=frozenset(
        {
            "tenant.policy.deleted",
            "tenant.policy.detached",
            "tenant.session_policy.updated",
            "tenant.session_policy.deleted",
            "tenant.third_party_app_policy.updated",
            "tenant.product_access_policy.updated",
        }
    ),
    judge=_policy,
)

DEFENCE = (D1, D2, D3, D4, D5, D6, D7, D8, D9)
