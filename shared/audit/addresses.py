"""Addresses, networks and browsers, so that one that is the same is seen to be the same."""

import ipaddress
import re
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOSTS = 64  # bits of an IPv6 address that are one subscriber's network
_V4_NEAR = 24
# https://github.com/FoxIO-LLC/ja4: protocol, TLS version, SNI, ciphers, extensions, ALPN; hashes
_JA4 = re.compile(r"[tqd](\w{2})\w(\d{2})\d{2}\w{2}_(\w+)_\w+", re.ASCII)
_VERSIONS = re.compile(r"[\d._]+")


@lru_cache(maxsize=10_000)
def address_of(text: str) -> Address | None:
    """IPv4 written as IPv6 is IPv4; a zone says nothing outside its host."""
    try:
        found = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


@lru_cache(maxsize=10_000)
def canonical(text: str) -> str:
    """One spelling of an address; what is none stays as it is."""
    found = address_of(text)
    return text.strip() if found is None else str(found)


@lru_cache(maxsize=10_000)
def host_of(text: str) -> str:
    """An IPv4 address, or the /64 that a subscriber has of IPv6."""
    found = address_of(text)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, _HOSTS), strict=False))
    return canonical(text)


@lru_cache(maxsize=10_000)
def near_of(text: str) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 address."""
    found = address_of(text)
    if isinstance(found, ipaddress.IPv4Address):
        return str(ipaddress.IPv4Network((found, _V4_NEAR), strict=False))
    return host_of(text)


def bare_asn(asn: str) -> str:
    """AS64500 and 64500 are the same network."""
    return asn.strip().upper().removeprefix("AS").strip()


@lru_cache(maxsize=10_000)
def browser_of(ja4: str) -> str:
    """What of a JA4 stays when a session is resumed, and is the same over TCP and QUIC.

    The extensions' number and hash change on resumption, the first letter and ALPN with QUIC.
    """
    found = _JA4.fullmatch(ja4.strip().lower())
    return f"{found[1]}{found[2]}_{found[3]}" if found else ja4.strip().lower()


@lru_cache(maxsize=10_000)
def program_of(user_agent: str) -> str:
    """A user agent without its versions, which change every few weeks."""
    return _VERSIONS.sub("", user_agent).strip().lower()
