"""Detections of IP allow-lists taken away or opened: D1 and D2."""

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field

from shared.audit.addresses import Network, address_of
from shared.audit.detection import About, Detection, Verdict
from shared.audit.detections.reading import ids_of, named, names_of, target_of
from shared.audit.events import AuditLog
from shared.audit.payloads import Allowlist
from shared.audit.rules import Baseline, Rule
from shared.audit.severity import Severity


def _allowlist_off(event: AuditLog, _: Baseline, __: Rule) -> Verdict:
    lists = event.read(Allowlist)
    done = "switched off" if event.type.endswith("deactivated") else "removed"
    before = (("allowed until now", ", ".join(lists.allowed_ips)),) if lists.allowed_ips else ()
    title = f"IP allow-list {done}: {names_of(lists.configs) or named(event)}"
    return Verdict(Severity.CRITICAL, title, ids_of(lists.configs) or target_of(event), before)


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
            "If nobody can explain it: end the actor's sessions and revoke their keys.",
        ),
        false_positives="A network move, when the old list goes before the new one is switched on.",
    ),
    types=frozenset({"ip_allowlist.deleted", "ip_allowlist.config.deactivated"}),
    evaluate=_allowlist_off,
    rule=Rule(),
)


class WideOpen(Rule):
    widest_v4: Annotated[int, Field(ge=0, le=32)] = 8
    widest_v6: Annotated[int, Field(ge=0, le=128)] = 32


_EVERYTHING = frozenset({"*", "any", "all", "*.*.*.*"})
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_V4_WITHIN_V6 = 96


def _allowlist_open(event: AuditLog, baseline: Baseline, rule: WideOpen) -> Verdict | None:
    if event.type.endswith("activated"):
        lists = event.read(Allowlist).configs
        shown = names_of(lists) or named(event)
        return Verdict(Severity.SIGNAL, f"IP allow-list activated: {shown}", target_of(event))
    allowed = event.read(Allowlist).allowed_ips or ()
    networks = [network for each in allowed for network in _networks_of(each)]
    wide = [network for network in _joined(networks) if _is_wide(network, rule)]
    strange = [network for network in networks if not _is_approved(network, baseline)]
    severity, opened = _how_open(wide, strange, _odd(allowed), event.type)
    title = f"IP allow-list {named(event)} {opened}"
    return Verdict(severity, title, target_of(event), (("allowed now", ", ".join(allowed)),))


def _odd(allowed: Sequence[str]) -> list[str]:
    return [each for each in allowed if not _networks_of(each)]


def _how_open(
    wide: Sequence[Network], strange: Sequence[Network], odd: Sequence[str], type_: str
) -> tuple[Severity, str]:
    if any(network.prefixlen == 0 for network in wide):
        return Severity.CRITICAL, "opened to the whole internet"
    if wide:
        return Severity.HIGH, f"opened to {_listed(wide)}"
    if strange:
        return Severity.HIGH, f"now holds networks that are not approved: {_listed(strange)}"
    if odd:
        return Severity.MEDIUM, f"now holds what is no network: {', '.join(odd)}"
    return Severity.SIGNAL, type_.rpartition(".")[2]


def _listed(networks: Sequence[Network]) -> str:
    return ", ".join(map(str, networks))


def _networks_of(text: str) -> Sequence[Network]:
    """Of a network, an address, a range of addresses, or a word for everything; none: it is odd."""
    if text.strip().lower() in _EVERYTHING:
        return (ipaddress.IPv4Network((0, 0)),)
    first, _, last = text.partition("-")
    with suppress(ValueError, TypeError):  # no two addresses of one kind, or the wrong way round
        ends: Any = address_of(first), address_of(last)
        return tuple(ipaddress.summarize_address_range(*ends))
    network = network_of(text)
    return () if network is None else (network,)


def network_of(text: str) -> Network | None:
    """A network as it works: mapped IPv4 is IPv4, and 0.0.0.0 alone means everything."""
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


def _is_wide(network: Network, rule: WideOpen) -> bool:
    widest = rule.widest_v4 if network.version == 4 else rule.widest_v6
    return network.prefixlen < widest


def _is_approved(network: Network, baseline: Baseline) -> bool:
    """Without a list of approved networks only the width counts."""
    return not baseline.approved_networks or any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
        for each in baseline.approved_networks
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
    types=frozenset(
        {"ip_allowlist.created", "ip_allowlist.updated", "ip_allowlist.config.activated"}
    ),
    evaluate=_allowlist_open,
    rule=WideOpen(),
)


ALLOWLISTS = (D1, D2)
