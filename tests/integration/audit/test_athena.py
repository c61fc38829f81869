"""Athena's tables and saved queries, over the objects that the function wrote, by DuckDB.

DuckDB reads them with the columns and partitions that the template gives Glue; what Trino calls
otherwise is a macro. What Athena alone knows (the serde, projection) is compared with the keys.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.audit_logs import HOUR, event, events
from tests.support.audit_world import NOW, AuditWorld, audit_aws
from tests.support.aws import template
from tests.unit.audit.timelines import LAGOS, SCRIPT, session

FIRST, LAST = "2026-01-01", "2027-01-01"
RESOURCES = template()["Resources"]
TABLES = {
    each["Properties"]["TableInput"]["Name"]: each["Properties"]["TableInput"]
    for each in RESOURCES.values()
    if each["Type"] == "AWS::Glue::Table"
}
QUERIES = {
    each["Properties"]["Name"]: each["Properties"]["QueryString"]
    for each in RESOURCES.values()
    if each["Type"] == "AWS::Athena::NamedQuery"
}
TRINO = """
CREATE MACRO json_extract_scalar(line, path) AS json_extract_string(line, path);
CREATE MACRO json_format(value) AS CAST(value AS VARCHAR);
CREATE MACRO from_unixtime(seconds) AS to_timestamp(seconds);
CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern);
"""
Row = dict[str, Any]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of everybody's life, and a theft."""
    folder = tmp_path_factory.mktemp("lake")
    (folder / "detections.yaml").write_text("ocsf: true")
    with audit_aws():
        world = AuditWorld({"audit_config": str(folder / "detections.yaml")})
        world.tick()
        world.add(events(60, NOW + 60, 12 * HOUR))
        world.add(theft(NOW + 13 * HOUR))
        for _ in range(5):
            world.tick(4 * HOUR)
        for prefix in ("events/", "ocsf/", "alerts/"):
            for key in world.keys(prefix):
                path = folder / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(world.read(key))
    return folder


def theft(start: int) -> list[Row]:
    """Tries, a way in from far away, a key, a role for somebody, the list down, the key gone."""
    by = session("p1", "192.0.2.66", LAGOS, SCRIPT)
    steps: list[tuple[str, Row]] = [
        *[("login.failed", {})] * 6,
        ("login.succeeded", {}),
        ("api_key.created", {"id": "key_x", "data": {"scopes": ["all", "b"]}}),
        ("invite.sent", {"id": "inv", "data": {"email": "m@evil.test", "role": "owner"}}),
        ("ip_allowlist.deleted", {"id": "list_x"}),
        ("api_key.deleted", {"id": "key_x"}),
    ]
    return [
        event(1_000 + n, start + 60 * n, type_, payload) | {"actor": by}
        for n, (type_, payload) in enumerate(steps)
    ]


@pytest.fixture
def athena(lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(TRINO)
        for name, table in TABLES.items():
            connection.execute(f"CREATE VIEW {name} AS {_read(lake, table)}")
        yield connection


def _read(lake: Path, table: Row) -> str:
    storage = table["StorageDescriptor"]
    files = f"{lake}/{_folder(storage['Location'])}/**/*.jsonl*"
    if storage["SerdeInfo"]["SerializationLibrary"].endswith("LazySimpleSerDe"):
        (column,) = storage["Columns"]
        lines = f"read_ndjson_objects('{files}', hive_partitioning = true)"
        return f"SELECT * RENAME (json AS {column['Name']}) FROM {lines}"
    named = storage["SerdeInfo"]["Parameters"]
    there = {c["Name"]: named.get(f"mapping.{c['Name']}", c["Name"]) for c in storage["Columns"]}
    columns = ", ".join(
        f"'{there[each['Name']]}': '{_type(each['Type'])}'" for each in storage["Columns"]
    )
    shown = ", ".join(f'"{found}" AS "{name}"' for name, found in there.items())
    parts = ", ".join(each["Name"] for each in table["PartitionKeys"])
    types = (
        "hive_types = {'dt': VARCHAR, 'hour': VARCHAR}"
        if "hour" in parts
        else ("hive_types = {'dt': VARCHAR}")
    )
    return (
        f"SELECT {shown}, {parts} FROM read_json('{files}', format = 'newline_delimited', "
        f"columns = {{{columns}}}, hive_partitioning = true, {types})"
    )


def _folder(location: Row) -> str:
    return str(location["Fn::Sub"]).removeprefix("s3://${AuditBucket}/")


def _type(hive: str) -> str:
    """Hive's type as DuckDB's: `struct<a:string>` is `STRUCT("a" VARCHAR)`."""
    hive = re.sub(r"\s", "", hive)
    words = {"string": "VARCHAR", "bigint": "BIGINT", "int": "INTEGER"}
    if hive in words:
        return words[hive]
    kind, inner = hive[:-1].split("<", 1)
    if kind == "array":
        return f"{_type(inner)}[]"
    return f"STRUCT({', '.join(_fields(inner))})"


def _fields(inner: str) -> Iterator[str]:
    level, start = 0, 0
    for at, letter in enumerate(f"{inner},"):
        level += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and level == 0:
            name, type_ = inner[start:at].split(":", 1)
            yield f'"{name}" {_type(type_)}'
            start = at + 1


def ask(athena: duckdb.DuckDBPyConnection, name: str, *more: str) -> list[Row]:
    """A saved query, for a year, and with what else it asks for."""
    days = [FIRST, LAST] * ((QUERIES[name].count("?") - len(more)) // 2)
    days += [FIRST] * (QUERIES[name].count("?") - len(more) - len(days))
    found = athena.execute(_dialect(QUERIES[name]), [*days, *more])
    names = [each[0] for each in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _dialect(query: str) -> str:
    """A name with dots in a path: Trino has it in brackets."""
    return query.replace('["', '."').replace('"]', '"')


def test_there_are_ten_questions_and_four_tables() -> None:
    assert len(QUERIES) == 10
    assert TABLES.keys() == {"alerts", "event_lines", "events", "ocsf"}


@pytest.mark.parametrize("name", TABLES)
def test_a_partition_is_where_the_function_writes(lake: Path, name: str) -> None:
    table = TABLES[name]
    given = table["Parameters"]
    parts = [each["Name"] for each in table["PartitionKeys"]]
    keys = [
        str(path.relative_to(lake))
        for path in (lake / _folder(table["StorageDescriptor"]["Location"])).rglob("*.jsonl*")
    ]

    assert keys
    for key in keys:
        values = dict(re.findall(r"(dt|hour)=([^/]+)", key))
        assert list(values) == parts
        folder = _folder(given["storage.location.template"])
        for part in parts:
            folder = folder.replace(f"${{!{part}}}", values[part])
        assert key.startswith(f"{folder}/")
        first, last = given["projection.dt.range"].split(",")
        assert first <= date.fromisoformat(values["dt"]).isoformat()
        assert (given["projection.dt.format"], last) == ("yyyy-MM-dd", "NOW")
        if "hour" in values:
            assert len(values["hour"]) == int(given["projection.hour.digits"])
            low, high = given["projection.hour.range"].split(",")
            assert int(low) <= int(values["hour"]) <= int(high)


def test_every_column_holds_something(athena: duckdb.DuckDBPyConnection) -> None:
    for name, table in TABLES.items():
        for column in table["StorageDescriptor"]["Columns"]:
            asked = f'SELECT count("{column["Name"]}"), count(*) FROM {name}'
            filled, rows = athena.execute(asked).fetchone() or (0, 0)
            assert rows > 0
            is_optional = column["Name"] in {"project", "status"}
            assert filled or is_optional, f"{name}.{column['Name']}"


def test_what_they_did(athena: duckdb.DuckDBPyConnection) -> None:
    by_address = ask(athena, "what-they-did", "192.0.2.66")
    by_person = ask(athena, "what-they-did", "p1@example.com")

    assert [each["type"] for each in by_address][-4:] == [
        "api_key.created",
        "invite.sent",
        "ip_allowlist.deleted",
        "api_key.deleted",
    ]
    assert len(by_address) == 11
    assert {each["id"] for each in by_address} < {each["id"] for each in by_person}
    assert ask(athena, "what-they-did", "nobody") == []


def test_events_by_day(athena: duckdb.DuckDBPyConnection) -> None:
    found = ask(athena, "events-by-day")

    assert sum(each["events"] for each in found) == 60 + 11
    assert {each["type"] for each in found} >= {"project.updated", "login.failed"}


def test_failed_logins(athena: duckdb.DuckDBPyConnection) -> None:
    (found,) = ask(athena, "failed-logins")

    assert found == {
        "address": "192.0.2.66",
        "country": "NG",
        "failed": 6,
        "people": 1,
        "came_in": 1,
    }


def test_keys_made(athena: duckdb.DuckDBPyConnection) -> None:
    found = {each["key_id"]: each for each in ask(athena, "keys-made")}

    stolen = found["key_x"]
    assert stolen["who"] == "p1@example.com"
    assert stolen["scopes"] == '["all","b"]'
    assert (stolen["deleted"] - stolen["made"]).total_seconds() == 180
    assert len(found) == 7
    assert found["key_3"]["deleted"] is None


def test_countries_first_seen(athena: duckdb.DuckDBPyConnection) -> None:
    newest, *others = ask(athena, "countries-first-seen")

    assert (newest["who"], newest["country"], newest["events"]) == ("p1@example.com", "NG", 11)
    assert {each["country"] for each in others} == {"DE"}


def test_controls_changed(athena: duckdb.DuckDBPyConnection) -> None:
    newest, *others = ask(athena, "controls-changed")

    assert (newest["type"], newest["address"]) == ("ip_allowlist.deleted", "192.0.2.66")
    assert {each["type"] for each in others} == {"ip_allowlist.deleted"}


def test_roles_given(athena: duckdb.DuckDBPyConnection) -> None:
    (found,) = ask(athena, "roles-given")

    assert (found["who"], found["whom"], found["role"]) == (
        "p1@example.com",
        "m@evil.test",
        "owner",
    )


def test_deletions_by_actor(athena: duckdb.DuckDBPyConnection) -> None:
    rows = ask(athena, "deletions-by-actor")
    found = {(each["who"], each["type"]): each["events"] for each in rows}

    assert found["p1@example.com", "api_key.deleted"] == 1
    assert sum(found.values()) == 4


def test_alerts_by_detection(athena: duckdb.DuckDBPyConnection) -> None:
    found = {each["detection"]: each for each in ask(athena, "alerts-by-detection")}

    assert found["D1"]["name"] == "IP allow-list removed or switched off"
    assert found["D1"]["alerts"] == 3
    assert found["A3"]["incidents"] == 1
    assert all(each["week"].weekday() == 0 for each in found.values())


def test_events_around_an_alert(athena: duckdb.DuckDBPyConnection) -> None:
    found = ask(athena, "events-around-an-alert", "user-p1")

    completed = {each["detection"]: each["type"] for each in found if each["completed_it"]}
    assert completed["D1"] == "ip_allowlist.deleted"
    assert completed["P1"] == "invite.sent"
    around = [each for each in found if each["detection"] == "D1" and not each["completed_it"]]
    assert "api_key.created" in {each["type"] for each in around}
    times = {each["time"].astimezone(UTC).date().isoformat() for each in found}
    assert all(FIRST < each < LAST for each in times)


def test_a_question_about_no_days_reads_none(athena: duckdb.DuckDBPyConnection) -> None:
    for name, text in QUERIES.items():
        asked = athena.execute(_dialect(text), ["2020-01-01"] * text.count("?"))
        assert asked.fetchall() == [], name
