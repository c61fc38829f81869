"""What to list next, and what was learned: decided from values alone."""

import json

import pytest

from shared.audit.config import Config
from shared.audit.cursor import (
    DAY,
    Alerting,
    Cursor,
    Kind,
    Run,
    Tally,
    backfilled,
    is_live,
    opened,
    run_of,
)
from shared.audit.events import AuditLog
from shared.audit.lateness import BOUNDS, HOUR, MINUTE, overlap, percentile
from shared.audit.manifest import manifest
from shared.audit.reading import Page
from shared.audit.silence import silences, usual_quiet
from shared.audit.windows import (
    StuckWalk,
    after_refusal,
    finished,
    restarted,
    walked,
    with_checks,
    with_run,
)
from tests.unit.audit.timelines import START, at, read

NOW = 20_000 * DAY + 12 * HOUR


def events(*times: int) -> list[AuditLog]:
    return read(
        [at((time - START) / MINUTE, "project.created", {"id": str(time)}) for time in times]
    )


def page(*found: AuditLog, more: bool = False, last: str | None = "x") -> Page:
    return Page(found, (), more, last)


def live(**update: object) -> Cursor:
    long_ago = NOW - 30 * DAY
    settled = {"high": NOW - MINUTE, "swept_at": NOW - MINUTE, "begun": long_ago, "since": long_ago}
    return opened("organization", NOW, tenant_only=False, days=1).model_copy(
        update=settled | update
    )


def lateness(*counts: tuple[int, int]) -> tuple[int, ...]:
    found = [0] * (len(BOUNDS) + 1)
    for bound, count in counts:
        found[BOUNDS.index(bound) if bound in BOUNDS else len(BOUNDS)] = count
    return tuple(found)


def next_run(cursor: Cursor, now: int = NOW) -> Run:
    return run_of(with_run(cursor, now, now))


def test_a_new_stream_starts_with_the_past_a_day_at_a_time() -> None:
    cursor = opened("organization", NOW, tenant_only=False, days=365)

    first = next_run(cursor)
    second = next_run(finished(cursor.replaced(run=first), NOW))

    assert (first.kind, first.high) == (Kind.POLL, NOW - 364 * DAY)
    assert first.low < NOW - 365 * DAY
    assert second.high == NOW - 363 * DAY
    assert second.low <= first.high


def test_a_poll_looks_back_by_the_overlap() -> None:
    run = next_run(live())

    assert (run.kind, run.low, run.high) == (Kind.POLL, NOW - MINUTE - 15 * MINUTE, NOW)


def test_once_an_hour_it_looks_back_six() -> None:
    run = next_run(live(swept_at=NOW - HOUR))

    assert (run.kind, run.low) == (Kind.SWEEP, NOW - MINUTE - 6 * HOUR)
    assert finished(live().replaced(run=run), NOW).swept_at == NOW


def test_what_was_begun_is_gone_on_with() -> None:
    run = Run(kind=Kind.POLL, low=1, high=2, after="x")

    assert run_of(with_run(live(run=run), NOW, NOW)) == run


def test_where_nothing_is_new_nothing_is_asked() -> None:
    assert with_run(live(high=NOW), NOW, NOW).run is None


def test_when_all_is_listed_the_days_before_are_checked() -> None:
    cursor = with_checks(live(high=NOW, checked_day=NOW - DAY), NOW)

    run = next_run(cursor)
    after = finished(cursor.replaced(run=run), NOW)

    assert len(cursor.checks_left) == 7
    assert (run.kind, run.low, run.high) == (Kind.CHECK, 19_993 * DAY, 19_994 * DAY - 1)
    assert after.checks_left == cursor.checks_left[1:]
    assert after.high == NOW


def test_days_are_checked_once_a_day_six_hours_after_the_last_ends() -> None:
    cursor = with_checks(live(), NOW)

    assert with_checks(cursor, NOW + 17 * HOUR) == cursor
    assert with_checks(cursor, NOW + 18 * HOUR).checks_left[-1] == 20_000 * DAY


def test_all_days_of_the_first_reading_are_checked_once() -> None:
    first = with_checks(live(high=NOW), NOW)

    assert len(first.checks_left) == 30
    assert len(with_checks(first, NOW + DAY).checks_left) == 31
    done = first.model_copy(update={"checks_left": ()})
    assert len(with_checks(done, NOW + DAY).checks_left) == 7


def test_days_before_those_that_are_asked_for_are_not_checked() -> None:
    assert with_checks(live(since=NOW - DAY), NOW).checks_left == (19_999 * DAY,)


def test_a_backfill_goes_from_old_to_new_a_day_at_a_time() -> None:
    cursor = backfilled("backfill#x", NOW, 1_000, 1_000 + DAY + 5, Alerting.OFF)
    runs = []

    while not cursor.is_over:
        runs.append(next_run(cursor))
        cursor = finished(cursor.replaced(run=runs[-1]), NOW)

    assert [(run.low, run.high) for run in runs] == [
        (1_000, 1_000 + DAY - 1),
        (1_000 + DAY, 1_000 + DAY + 5),
    ]
    assert with_run(cursor, NOW, NOW) == cursor
    assert with_checks(cursor, NOW) == cursor


def test_a_walk_goes_on_after_the_last_id() -> None:
    some = events(NOW - 3, NOW - 2)
    cursor = walked(with_run(live(), NOW, NOW), [page(*some, more=True, last="z")], some[:1])

    run = run_of(cursor)
    assert (run.after, run.pages, run.new, run.tally.count) == ("z", 1, 1, 2)


@pytest.mark.parametrize("last", [None, "again"])
def test_a_page_that_leads_nowhere_is_noticed(last: str | None) -> None:
    cursor = live(run=Run(kind=Kind.POLL, low=1, high=2, after="again"))

    with pytest.raises(StuckWalk):
        walked(cursor, [page(more=True, last=last)], [])


def test_a_refused_cursor_is_tried_again_twice() -> None:
    cursor = live(run=Run(kind=Kind.POLL, low=1, high=2, after="x", tally=Tally(count=5)))

    for _ in range(2):
        cursor = after_refusal(cursor, "no such event")

    run = run_of(cursor)
    assert (run.after, run.tally, run.restarts) == (None, Tally(), 2)
    with pytest.raises(StuckWalk, match="no such event"):
        after_refusal(cursor, "no such event")
    assert run_of(restarted(cursor, 0)).restarts == 0


def test_a_stream_without_a_run_has_none() -> None:
    with pytest.raises(ValueError, match="organization has no run"):
        run_of(live())


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ((), 15 * MINUTE),
        (((0, 1_000),), 15 * MINUTE),
        (((0, 1_000), (900, 10)), 30 * MINUTE),
        (((0, 1_000_000), (900, 10)), 15 * MINUTE),
        (((0, 100), (99_999, 100)), 6 * HOUR),
        (((0, 100), (14_400, 1)), 6 * HOUR),
    ],
)
def test_the_overlap_is_twice_the_lateness_of_999_in_1000_events(
    late: tuple[tuple[int, int], ...], expected: int
) -> None:
    assert overlap(lateness(*late)) == expected


def test_lateness_is_measured_behind_what_had_been_listed() -> None:
    cursor = with_run(live(), NOW, NOW)
    some = events(NOW - 1, NOW - MINUTE, NOW - MINUTE - 100, NOW - 9 * HOUR, NOW - 40 * DAY)

    learned = walked(cursor, [page(*some)], some).lateness

    assert learned == lateness((0, 2), (120, 1), (99_999, 1))
    assert percentile(learned, 0.5) == 0


def test_old_lateness_weighs_less() -> None:
    cursor = with_run(live(lateness=lateness((0, 20_000), (60, 3))), NOW, NOW)

    assert sum(walked(cursor, [page(*events(NOW))], events(NOW)).lateness) == 10_002


def test_the_longest_silence_of_a_month_is_remembered() -> None:
    cursor = with_run(live(last_event=NOW - 50 * HOUR), NOW, NOW)

    learned = walked(cursor, [page(*events(NOW - HOUR))], events(NOW - HOUR))

    assert usual_quiet(learned, 24) == 49 * HOUR
    assert usual_quiet(live(), 24) == 24 * HOUR


def test_silences_older_than_thirty_days_are_forgotten() -> None:
    cursor = with_run(live(gaps={str(day): day for day in range(40)}, last_event=1), NOW, NOW)

    gaps = walked(cursor, [page(*events(NOW))], events(NOW)).gaps

    assert len(gaps) == 30
    assert "10" not in gaps


def test_a_backfill_learns_nothing_of_lateness() -> None:
    cursor = with_run(backfilled("backfill#x", NOW, 1, 2 * NOW, Alerting.ON), NOW, NOW)

    assert walked(cursor, [page(*events(START))], events(START)).lateness == cursor.lateness


@pytest.mark.parametrize(
    ("cursor", "age", "news"),
    [
        (live(begun=NOW), 0, True),
        (live(begun=NOW), DAY, True),
        (live(begun=NOW), DAY + 1, False),
        (backfilled("b", NOW, 1, 2, Alerting.ON), 900 * DAY, True),
        (backfilled("b", NOW, 1, 2, Alerting.OFF), 0, False),
    ],
)
def test_events_from_before_the_stream_are_not_published(
    cursor: Cursor, age: int, news: bool
) -> None:
    assert is_live(cursor, NOW - age) is news


def test_a_tally_does_not_depend_on_the_order_or_the_pages() -> None:
    some = events(3, 1, 2)

    assert Tally().add(some) == Tally().add(some[2:]).add(some[:2][::-1])
    assert (Tally().add(some).first, Tally().add(some).last) == (1, 3)
    assert Tally().add([]) == Tally()
    assert Tally().add(some).digest != Tally().add(some[1:]).digest


def test_a_manifest_tells_whether_a_day_still_changes() -> None:
    run = Run(kind=Kind.CHECK, low=0, high=DAY - 1, new=2, tally=Tally().add(events(1, 2)))
    grown = run.model_copy(update={"tally": run.tally.add(events(3)), "new": 1})

    first = manifest("organization", run, None, (), NOW)
    second = manifest("organization", run, first, (), NOW + DAY)
    third = manifest("organization", grown, second, (), NOW + 2 * DAY)

    assert (first.count, first.landed_by_check, first.checks) == (2, 2, 1)
    assert [m.changed_since_last_check for m in (first, second, third)] == [False, False, True]
    assert third.checks == 3
    assert json.loads(third.model_dump_json())["digest"] == third.digest


@pytest.mark.parametrize(
    ("cursor", "targets"),
    [
        (live(last_event=NOW, last_ok=NOW - 3 * MINUTE), []),
        (live(last_event=NOW, last_ok=NOW - 3 * MINUTE - 1), ["organization/unread"]),
        (live(last_event=NOW - 25 * HOUR), ["organization/quiet"]),
        (live(last_event=NOW - 23 * HOUR), []),
        (live(last_event=NOW - 25 * HOUR, gaps={"1": 26 * HOUR}), []),
        (live(last_event=NOW - 25 * HOUR, tenant_only=True), []),
        (live(begun=NOW - 23 * HOUR), []),
        (live(begun=NOW - 25 * HOUR), ["organization/quiet"]),
    ],
)
def test_silence_is_noticed(cursor: Cursor, targets: list[str]) -> None:
    found = list(silences(cursor, MINUTE, NOW, Config()))

    assert [finding.target for finding in found] == targets
    assert all(finding.detection == "O1" for finding in found)
