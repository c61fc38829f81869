"""Mistakes in what reads the audit log, judges it and tells of it."""

from tests.mutations.row import in_file

UNIT, WHOLE = "tests/unit/audit/", "tests/integration/audit/"
CASES = UNIT + "test_detections.py"
WEEKS = UNIT + "test_weeks.py"
EVENTS = f"{UNIT}test_events.py {WHOLE}test_never_blind.py {CASES}"
BLIND = WHOLE + "test_never_blind.py"
FUNCTION = WHOLE + "test_function.py"
EVIDENCE = WHOLE + "test_evidence.py"
CURSOR = UNIT + "test_cursor.py " + BLIND
D = "shared/audit/detections/"

ROWS = (
    *in_file(
        "shared/audit/addresses.py",
        CASES,
        (
            ("_HOSTS = 64", "_HOSTS = 128", "a spray from one IPv6 network is many hosts"),
            (
                "    return mapped or found\n",
                "    return found\n",
                "IPv4 in IPv6 is another",
            ),
            (
                'return f"{found[1]}{found[2]}_{found[3]}" if found else ja4.strip().lower()',
                "return ja4.strip().lower()",
                "a session that is resumed is another browser",
            ),
            (
                'return _VERSIONS.sub("", user_agent).strip().lower()',
                'return "any"',
                "another program at work in another network is no stranger",
            ),
        ),
    ),
    *in_file(
        "shared/audit/events.py",
        EVENTS,
        (
            (
                "        if given > LAST_SECOND:\n",
                "        if False:\n",
                "no time in ms",
            ),
            (
                "if by.id == NOBODY and",
                "if False and",
                "leavers of the directory have no name",
            ),
        ),
    ),
    *in_file(
        "shared/audit/reading.py",
        UNIT + "test_reading.py " + BLIND,
        (
            (
                '    more = str(document.get("has_more")).lower() == "true"\n',
                '    more = bool(document.get("has_more"))\n',
                '"false" promises more, and the walk is stuck',
            ),
            (
                "        return [_shallow(body)]\n",
                "        raise ValueError(TOO_DEEP)\n",
                "one entry that is too deep stops the log",
            ),
        ),
    ),
    *in_file(
        "shared/audit/windows.py",
        CURSOR,
        (
            (
                "    if page.last_id in {run.after, run.mark}:\n",
                "    if page.last_id == run.after:\n",
                "a walk in a circle never ends",
            ),
            (
                "    return pages & (pages - 1) == 0\n",
                "    return True\n",
                "a circle goes on",
            ),
            (
                "    first = cursor.since // DAY * DAY\n",
                "    first = cursor.begun // DAY * DAY\n",
                "what the first reading missed stays missed",
            ),
        ),
    ),
    *in_file(
        "shared/audit/rows.py",
        f"{UNIT}test_paths.py {BLIND}",
        (
            (
                "    return fitting(id_, LONGEST_ID)\n",
                "    return id_\n",
                "a long id stops the log",
            ),
            (
                "        email=_fitting(event.by.email),\n",
                "        email=event.by.email,\n",
                "a long address stops the log",
            ),
            (
                "        type=fitting(event.type, LONGEST_VALUE),\n",
                "        type=event.type,\n",
                "a long type stops the log",
            ),
        ),
    ),
    *in_file(
        "shared/audit/tables.py",
        f"{BLIND} {FUNCTION}",
        (
            (
                "for write in [*told, *writes])",
                "for write in [*writes, *told])",
                "who dies between two writes leaves an incident untold",
            ),
            (
                "        set_aside(refused)\n",
                "",
                "nobody hears of an event that no table takes",
            ),
            (
                "        with suppress(NotTaken):\n"
                "            call(lambda: self._dynamodb.put_item("
                "TableName=self._events, Item=outline))\n",
                "",
                "an event that no table takes is met again at each tick",
            ),
        ),
    ),
    *in_file(
        "functions/audit/evaluate.py",
        BLIND,
        (
            (
                "            set_aside.append(event)\n",
                "",
                "an event that no detection could read is not set aside",
            ),
            (
                "            findings.append(losses.set_aside(event, type(error).__name__, now))\n",
                "",
                "nobody hears of an event that no detection could read",
            ),
        ),
    ),
    *in_file(
        "functions/audit/backfill.py",
        BLIND,
        (
            (
                '    return f"{name}#{config.digest}"\n',
                "    return name\n",
                "a dry backfill with other detections does nothing",
            ),
        ),
    ),
    *in_file(
        "functions/audit/archive.py",
        BLIND,
        (
            (
                "held = before.known(edges, hour) if",
                "held = {} if",
                "an audit that is switched on again lands all twice",
            ),
        ),
    ),
    *in_file(
        "shared/audit/evidence.py",
        EVIDENCE,
        (
            (
                "(*proved, *(each for each in found.objects if each.key not in known))",
                "tuple(found.objects)",
                "an altered object becomes the proof at the next check",
            ),
            (
                "    return found.only({each.key for each in found.objects} - strange), flaws\n",
                "    return found, flaws\n",
                "a forged object is proved at the next check",
            ),
            (
                "    elif listed.contents != found.contents:\n",
                "    elif False:\n",
                "what is altered before the first proof is never found",
            ),
            (
                "    return stream.endswith(TENANT) == name.endswith(TENANT)\n",
                "    return True\n",
                "the tenant's events are strangers among the organization's",
            ),
        ),
    ),
    *in_file(
        "functions/audit/proof.py",
        EVIDENCE,
        (
            (
                '{"previous": _proof_of(edges, stream, run.low - DAY)}',
                '{"previous": None}',
                "no day is tied to the one before",
            ),
        ),
    ),
    *in_file(
        "shared/audit/verify.py",
        EVIDENCE,
        (
            (
                "        if all(flaws):\n",
                "        if any(flaws):\n",
                "an event that was late makes a day look forged",
            ),
            (
                "        if each.key not in explained:\n",
                "        if False:\n",
                "an object that was added is not found",
            ),
        ),
    ),
    *in_file(
        "shared/audit/investigate.py",
        WHOLE + "test_investigate.py",
        (
            (
                '    return ("actor", "key", "target", "type")\n',
                '    return ("actor", "key", "type")\n',
                "who made a key is not found by the key",
            ),
            (
                "            return browser_of(value)\n",
                "            return value\n",
                "a session that was resumed is not found by its JA4",
            ),
        ),
    ),
    *in_file(
        "functions/audit/walk.py",
        FUNCTION,
        (
            (
                "    again = cursor.is_backfill or bool(listed.unjudged)\n",
                "    again = False\n",
                "a dry run takes the alerts of what remembers",
            ),
            (
                "    return [*listed.new, *chain.from_iterable(listed.unjudged.values())]\n",
                "    return listed.new\n",
                "a backfill without alerts blinds the stream that has them",
            ),
        ),
    ),
    *in_file(
        "functions/audit/notify.py",
        FUNCTION,
        (
            (
                "        if incident.told is None or worst.severity.rank > incident.told.rank:\n",
                "        if incident.told is None:\n",
                "an incident that gets worse is told no more",
            ),
            (
                "if audience.hears(each.alert.time)]\n",
                "]\n",
                "alerts of a year ago are sent to people",
            ),
            (
                "_Audience(lambda _: True, archived), ours)",
                "_Audience(lambda time: is_live(cursor, time), archived), ours)",
                "a backfill that is refused says nothing",
            ),
        ),
    ),
    *in_file(
        "shared/audit/incidents.py",
        UNIT + "test_incidents.py",
        (
            (
                "each.time - reach > QUIET or",
                "False or",
                "all that an actor ever does is one incident",
            ),
            (
                " or each.time - cluster[0].time > LONGEST",
                "",
                "what never ends hides whatever comes",
            ),
            (
                "        if not cluster or louder or not is_loud:\n",
                "        if True:\n",
                "quiet alerts keep an incident open",
            ),
            (
                "        name = names.get(n) or _new_name(actor, cluster[0], known)\n",
                "        name = _new_name(actor, cluster[0], known)\n",
                "an incident has another id when an earlier alert comes late",
            ),
            (
                "max((each.told for each in before if each.told), key=_rank, default=None)",
                "None",
                "an incident is told anew with each alert",
            ),
            (
                "name if name not in {each.id for each in known} else _id(name, first)",
                "name",
                "two incidents have one id, and one of them is not told",
            ),
        ),
    ),
    *in_file(
        D + "reading.py",
        CASES,
        (
            (
                "    if not power or not _DENIED.isdisjoint(words[: power[-1]]):\n",
                "    if not power:\n",
                "a non-admin is an admin",
            ),
            (
                "    return power[-1] == len(words) - 1 or set(words) <= _POWER | _PLAIN\n",
                "    return True\n",
                "the reader of a product's owner owns it",
            ),
            (
                "    return _words(role)[-1:] in ([each] for each in _PLAIN_ROLE)\n",
                "    return False\n",
                "whoever joins has given themselves power",
            ),
        ),
    ),
    *in_file(
        D + "privilege.py",
        CASES,
        (
            (
                '        "tenant.user.updated",\n        "tenant.user.invited",\n',
                '        "tenant.user.invited",\n',
                "an owner made by the tenant is not seen",
            ),
            (
                "    if assignment.resource_type:\n        return any(word",
                "    if False:\n        return any(word",
                "an administrator of one project is one of all",
            ),
        ),
    ),
    *in_file(
        D + "side_doors.py",
        CASES,
        (
            (
                "            for joined in members.values():\n"
                "                yield _joined(joined, each, by=each)\n",
                "",
                "a group that gets a role gives it to nobody",
            ),
            (
                "            if roles or name:\n",
                "            if name:\n",
                "joining a group that holds a role is not seen",
            ),
            (
                "            roles.pop(what, None)\n",
                "            pass\n",
                "a role that was taken from a group is still given by it",
            ),
            (
                "            members.pop(what, None)\n",
                "            pass\n",
                "who left a group gains what it gets",
            ),
            (
                "if 0 <= removal.time - each.time <= within]",
                "if False]",
                "ownership that moves is not seen",
            ),
        ),
    ),
    *in_file(
        D + "access.py",
        CASES,
        (
            (
                "    return len(window.counts) + max(window.counts[NOBODY_NAMED] - 1, 0)\n",
                "    return len(window.counts)\n",
                "two hundred attempts that name nobody are no spray",
            ),
            (
                " or _is_theirs(observation, came_in):\n",
                ":\n",
                "people who mistype are a spray",
            ),
            (
                '    pools += [f"JA4 {browser_of(ja4)}"] if ja4 else []\n',
                "",
                "a spray from everywhere by one program is not seen",
            ),
            (
                '    pools = [f"AS{bare_asn(asn)}"] if asn else []\n',
                "    pools: list[str] = []\n",
                "a spray from one provider's many addresses is not seen",
            ),
            (
                "Observation.of(event, event.by.host)),) if user and event.by.host",
                "Observation.of(event, event.by.ip)),) if user and event.by.ip",
                "one host whose addresses change is many",
            ),
        ),
    ),
    *in_file(
        D + "habits.py",
        f"{CASES} {WEEKS}",
        (
            (
                "        if new and new != [_JA4] and life.has_habits(observation):\n",
                "        if new and life.has_habits(observation):\n",
                "each new version of a browser is news",
            ),
            (
                "if 0 <= f.time - observation.time <= within][:1]",
                "if 0 < f.time - observation.time <= within][:1]",
                "a stranger whose first act is the sensitive one is less bad",
            ),
            (
                "    return Severity.MEDIUM if is_followed and not is_trip else None\n",
                "    return Severity.MEDIUM\n",
                "each hotel is news",
            ),
            (
                "session is None or baseline.trusts(event.by.ip, place.asn):",
                "session is None:",
                "the organization's own VPN is a stranger",
            ),
        ),
    ),
    *in_file(
        D + "sessions.py",
        f"{CASES} {WEEKS}",
        (
            (
                " or _is_one_address(here, there):",
                ":",
                "an address that is looked up anew has travelled",
            ),
            (
                "    if person is None or baseline.trusts(event.by.ip, event.by.place.asn):\n",
                "    if person is None:\n",
                "whoever switches a VPN on has travelled",
            ),
            (
                "        if browser and host and country:\n",
                "        if country:\n",
                "the same browser over a VPN is in two hands",
            ),
            (
                "        elif browser and host and network and program:\n",
                "        elif False:\n",
                "a stolen session in the same country is not seen",
            ),
        ),
    ),
    *in_file(
        D + "unusual.py",
        f"{UNIT}test_unusual.py {CASES} {WEEKS}",
        (
            (
                "        if others <= most_others and",
                "        if True and",
                "thirty people with a new VPN are thirty thefts",
            ),
            (
                "(own_days is None or own < own_days)",
                "True",
                "automation that does the same each night is told each night",
            ),
            (
                "        person != own and max(",
                "        max(",
                "what one did before makes it usual for all",
            ),
        ),
    ),
    *in_file(
        D + "sequences.py",
        CASES,
        (
            (
                "    return 0 <= later <= within or",
                "    return",
                "a limit that goes down before a key is made is no worse",
            ),
            (
                'CONTROLS = frozenset({"D2", "D3", "D5", "D6", "D7", "D9", "S2"})',
                'CONTROLS = frozenset({"S2"})',
                "a policy that goes before a path is opened is no worse",
            ),
        ),
    ),
    *in_file(
        D + "limits.py",
        CASES,
        (
            (
                '        is_new = done == "spending" and not numbers.keys() & known.keys()\n',
                "        is_new = False\n",
                "a budget of which nothing was known may be anything",
            ),
            (
                "            yield each is None and any(",
                "            yield False and any(",
                "a limit that is set to nothing is no limit less",
            ),
            (
                "            yield each is False or str(each)",
                "            yield False and str(each)",
                "billing alerts that are switched off are a change",
            ),
        ),
    ),
    *in_file(
        D + "allowlists.py",
        CASES,
        (
            (
                "        return tuple(ipaddress.summarize_address_range(*ends))\n",
                "        return ()\n",
                "a range of all addresses is odd and no more",
            ),
            (
                "    if text.strip().lower() in _EVERYTHING:\n",
                "    if False:\n",
                "a star is no network",
            ),
        ),
    ),
    *in_file(
        D + "identity.py",
        CASES,
        (
            (
                'event.type.endswith(("deleted", "detached")) else',
                'event.type.endswith("deleted") else',
                "a policy that is detached is a change like others",
            ),
            (
                "    severity = Severity.SIGNAL if event.type.endswith(_STRICTER) else severity\n",
                "",
                "a policy more is sent to people",
            ),
            (
                '    "tenant.microsoft_entra_mapping.upserted": (Severity.HIGH,',
                '    "tenant.microsoft_entra_mapping.upserted": (Severity.INFO,',
                "a stranger's directory is a notice",
            ),
        ),
    ),
)
