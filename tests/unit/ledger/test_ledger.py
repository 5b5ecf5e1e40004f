"""Recording and finding: acknowledged is durable, found is what was recorded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import apsw
import msgspec
import pytest

from sekisho.durable import StoreClosed, StoreFull, StoreOptions
from sekisho.ledger import (
    Entry,
    LedgerConflict,
    LedgerOptions,
    LedgerPoisoned,
    NotDrained,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Desk


def hold_writer(desk: Desk) -> threading.Event:
    """Keep the writer busy until the event is set, so that entries gather into one batch."""
    gate = threading.Event()
    desk.store.write(lambda _: gate.wait())
    return gate


def test_recorded_decision_is_found_by_all_its_names(desk: Desk) -> None:
    entry = desk.decision(1, key="k1", outbox=2)
    assert desk.ledger.append_wait(entry) == 1
    by_event = desk.ledger.find_event("pay_1")
    assert by_event is not None
    assert by_event == desk.ledger.find_decision("dec_000001")
    assert (by_event.seq, by_event.body, by_event.answer) == (1, entry.body, entry.answer)
    replay = desk.ledger.find_idempotent("acct/decisions", "k1")
    assert replay is not None
    assert (replay.body_hash, replay.status, replay.answer) == (
        b"digest of body",
        200,
        entry.answer,
    )
    actions = desk.store.read().execute("SELECT id, cause FROM outbox ORDER BY id").fetchall()
    assert actions == [("act_1_0", 1), ("act_1_1", 1)]


def test_unknown_names_are_not_found(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1, key="k1"))
    assert desk.ledger.find_event("pay_2") is None
    assert desk.ledger.find_event("pay_1", "event") is None
    assert desk.ledger.find_event("") is None
    assert desk.ledger.find_decision("") is None
    assert desk.ledger.find_idempotent("acct/other", "k1") is None


def test_everything_is_found_after_a_restart(desk: Desk) -> None:
    for n in range(50):
        desk.ledger.append(desk.decision(n, key=f"k{n}"))
    desk.ledger.append(desk.decision(99))
    head = desk.settle() or desk.ledger.head_hash
    desk.restart()
    assert (desk.ledger.last_seq, desk.ledger.head_hash) == (51, head)
    for n in range(50):
        found = desk.ledger.find_event(f"pay_{n}")
        assert found is not None
        assert found.seq == n + 1
        assert desk.ledger.find_idempotent("acct/decisions", f"k{n}") is not None
    assert desk.ledger.append_wait(desk.decision(100)) == 52


def test_rows_are_read_back_in_order_from_any_place(desk: Desk) -> None:
    for n in range(4500):
        desk.ledger.append(desk.decision(n))
    desk.settle()
    assert [r.seq for r in desk.ledger.read_from()] == list(range(1, 4501))
    assert [r.event_id for r in desk.ledger.read_from(4400, 3)] == [
        "pay_4399",
        "pay_4400",
        "pay_4401",
    ]
    assert [r.seq for r in desk.ledger.read_from(4499, 100)] == [4499, 4500]
    assert list(desk.ledger.read_from(4501)) == []


def test_append_says_which_row_it_will_be(desk: Desk) -> None:
    promised = [desk.ledger.append(desk.decision(n)) for n in range(100)]
    desk.settle()
    for n, seq in enumerate(promised):
        found = desk.ledger.find_event(f"pay_{n}")
        assert found is not None
        assert found.seq == seq


def test_owner_is_told_once_about_each_entry_in_order(desk: Desk) -> None:
    entries = [desk.decision(n) for n in range(500)]
    for entry in entries:
        desk.ledger.append(entry)
    desk.settle()
    assert [e for batch, _ in desk.told for e in batch] == entries
    assert {error for _, error in desk.told} == {None}
    assert desk.ledger.pending == 0


def test_outcome_may_carry_the_id_of_a_decided_event(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    outcome = Entry("event", "pay_1", "dispute", 1, desk.clock.now_us(), b"{}")
    desk.ledger.append_wait(outcome)
    found = desk.ledger.find_event("pay_1", "event")
    assert found is not None
    assert found.event_type == "dispute"


def outcome(desk: Desk, name: str, about: str) -> Entry:
    return Entry("event", name, "dispute", 1, desk.clock.now_us(), b"{}", about=about)


def test_outcomes_of_an_event_are_found_in_order_at_any_age(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    desk.ledger.append_wait(outcome(desk, "dp_1", "pay_1"))
    desk.ledger.append_wait(outcome(desk, "dp_2", "pay_2"))
    desk.clock.advance(30 * 86_400)
    desk.ledger.append_wait(outcome(desk, "rf_1", "pay_1"))
    assert desk.ledger.tidy() == 3
    desk.restart()
    found = desk.ledger.outcomes_of("pay_1")
    assert [(row.seq, row.event_id, row.about) for row in found] == [
        (2, "dp_1", "pay_1"),
        (4, "rf_1", "pay_1"),
    ]
    assert desk.ledger.outcomes_of("pay_3") == []


def test_control_entries_need_no_id(desk: Desk) -> None:
    for _ in range(3):
        desk.ledger.append_wait(
            Entry("control", "", "ruleset.published", 1, desk.clock.now_us(), b"{}")
        )
    assert desk.ledger.last_seq == 3


@pytest.mark.parametrize("statement", ["UPDATE ledger SET status = 0", "DELETE FROM ledger"])
def test_ledger_table_is_append_only(desk: Desk, statement: str) -> None:
    desk.ledger.append_wait(desk.decision(1))
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        desk.store.write(lambda c: c.execute(statement)).result()


# ── conflicts: the last fence ────────────────────────────────────────────────────────────────


def test_second_record_of_an_event_is_refused(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    twin = msgspec.structs.replace(desk.decision(2), event_id="pay_1")
    with pytest.raises(LedgerConflict, match="event `pay_1` is already recorded in row 1"):
        desk.ledger.append_wait(twin)
    assert desk.ledger.last_seq == 1


def test_second_record_of_a_decision_id_is_refused(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    twin = msgspec.structs.replace(desk.decision(2), decision_id="dec_000001")
    with pytest.raises(LedgerConflict, match="already recorded"):
        desk.ledger.append_wait(twin)


def test_second_record_of_an_idempotency_key_is_refused(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1, key="k"))
    with pytest.raises(LedgerConflict, match="idempotency key `k` is already recorded in row 1"):
        desk.ledger.append_wait(desk.decision(2, key="k"))


def test_twins_in_one_batch_are_refused(desk: Desk) -> None:
    gate = hold_writer(desk)
    desk.ledger.append(desk.decision(1))
    desk.ledger.append(desk.decision(1))
    gate.set()
    desk.settle()
    assert isinstance(desk.ledger.poisoned, LedgerConflict)
    assert desk.ledger.last_seq == 0


def test_twins_in_one_commit_around_another_job_are_refused(desk: Desk) -> None:
    gate = hold_writer(desk)
    desk.ledger.append(desk.decision(1))
    desk.store.write(lambda _: None)
    desk.ledger.append(desk.decision(1))
    gate.set()
    desk.settle()
    assert isinstance(desk.ledger.poisoned, LedgerConflict)
    assert desk.ledger.last_seq == 1
    assert [error is None for _, error in desk.told] == [True, False]


def test_runs_around_another_job_are_chained(desk: Desk) -> None:
    gate = hold_writer(desk)
    for n in range(10):
        desk.ledger.append(desk.decision(n))
        desk.store.write(lambda _: None)
    gate.set()
    desk.settle()
    assert desk.ledger.last_seq == 10
    assert verify(desk.store).ok


# ── failures: poison, refuse, resume ─────────────────────────────────────────────────────────


def test_poisoned_ledger_refuses_all_that_was_decided_after(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    gate = hold_writer(desk)
    desk.ledger.append(desk.decision(1))
    gate.set()
    desk.settle()
    desk.ledger.append(desk.decision(2))
    desk.settle()
    errors = [type(error) for _, error in desk.told]
    assert errors == [type(None), LedgerConflict, LedgerPoisoned]
    assert desk.ledger.find_event("pay_2") is None


def test_resumed_ledger_records_again_and_its_chain_holds(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    with pytest.raises(LedgerConflict):
        desk.ledger.append_wait(desk.decision(1))
    desk.ledger.resume()
    assert desk.ledger.append_wait(desk.decision(2)) == 2
    assert verify(desk.store).ok


def test_resuming_before_all_were_refused_is_an_error(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1))
    with pytest.raises(LedgerConflict):
        desk.ledger.append_wait(desk.decision(1))
    gate = hold_writer(desk)
    desk.ledger.append(desk.decision(2))
    with pytest.raises(NotDrained, match="1 entries"):
        desk.ledger.resume()
    gate.set()
    desk.settle()
    desk.ledger.resume()


def test_full_disk_refuses_then_records_again_without_restart(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(0))
    pages = desk.store.write(lambda c: c.pragma("page_count")).result()
    desk.store.write(lambda c: c.pragma("max_page_count", pages)).result()
    for n in range(1, 200):
        desk.ledger.append(desk.decision(n))
    while desk.ledger.pending:
        desk.store.write(lambda _: None).exception()
    refused = {e.event_id for batch, error in desk.told if error for e in batch}
    kept = {e.event_id for batch, error in desk.told if error is None for e in batch}
    assert refused
    assert {r.event_id for r in desk.ledger.read_from()} == kept
    first = next(error for _, error in desk.told if error)
    assert isinstance(first, StoreFull)
    desk.store.write(lambda c: c.pragma("max_page_count", 1 << 30)).result()
    desk.ledger.resume()
    for event_id in sorted(refused):
        desk.ledger.append(desk.decision(int(event_id.removeprefix("pay_"))))
    desk.settle()
    assert desk.ledger.last_seq == 200
    assert verify(desk.store).ok


def test_entry_that_cannot_be_written_poisons_and_is_named(desk: Desk) -> None:
    bad = msgspec.structs.replace(desk.decision(1), at_us=1 << 70)
    with pytest.raises(Exception, match=r"int|range|convert"):
        desk.ledger.append_wait(bad)
    desk.ledger.resume()
    assert desk.ledger.append_wait(desk.decision(1)) == 1


def test_closed_store_refuses_entries(desk: Desk) -> None:
    desk.ledger.close()
    desk.store.close()
    with pytest.raises(StoreClosed):
        desk.ledger.append(desk.decision(1))
    assert desk.ledger.pending == 0


# ── ages ─────────────────────────────────────────────────────────────────────────────────────


def test_idempotency_key_expires_by_age_and_may_be_used_anew(desk: Desk) -> None:
    desk.ledger.append_wait(desk.decision(1, key="k"))
    desk.clock.advance(48 * 3600 - 1)
    assert desk.ledger.find_idempotent("acct/decisions", "k") is not None
    desk.clock.advance(1)
    assert desk.ledger.find_idempotent("acct/decisions", "k") is None
    desk.ledger.append_wait(desk.decision(2, key="k"))
    again = desk.ledger.find_idempotent("acct/decisions", "k")
    assert again is not None
    assert again.answer == desk.decision(2).answer


@pytest.mark.parametrize("hours", [0, 23, 24 * 8 + 1])
def test_key_lifetimes_that_break_a_promise_are_refused(hours: int) -> None:
    with pytest.raises(ValueError, match="key_hours must be from 24 to 192"):
        LedgerOptions(key_hours=hours)


def record_days(desk: Desk, days: int, per_day: int) -> None:
    for day in range(days):
        for n in range(per_day):
            desk.ledger.append(desk.decision(day * per_day + n))
        desk.settle()
        desk.clock.advance(24 * 3600)


def test_old_ids_leave_memory_and_are_still_found(desk: Desk) -> None:
    record_days(desk, days=20, per_day=300)
    moved = desk.ledger.tidy()
    assert moved == 300 * 12  # the days older than eight
    assert len(desk.ledger._seen) == 300 * 8
    assert desk.ledger.tidy() == 0
    for n in range(0, 6000, 7):
        found = desk.ledger.find_event(f"pay_{n}")
        assert found is not None
        assert found.seq == n + 1
    assert desk.ledger.find_event("pay_6000") is None
    desk.restart()
    assert len(desk.ledger._seen) == 300 * 8
    assert desk.ledger.find_event("pay_0") is not None


def test_recent_event_is_not_looked_for_among_the_archived(desk: Desk) -> None:
    record_days(desk, days=20, per_day=10)
    desk.ledger.tidy()
    now_us = desk.clock.now_us()
    reads: list[str] = []
    desk.store.read().exec_trace = lambda _cursor, sql, _bindings: reads.append(sql) or True
    assert desk.ledger.find_event("new", at_us=now_us) is None
    assert reads == []
    assert desk.ledger.find_event("new", at_us=now_us - 15 * 86_400_000_000) is None
    assert len(reads) == 1
    assert desk.ledger.find_event("new") is None
    assert len(reads) == 2


def test_tidying_interrupted_anywhere_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    record_days(desk, days=20, per_day=300)
    write, left = desk.store.write, [2]

    def failing_write(run: Callable[[apsw.Connection], object]) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise StoreFull
        return write(run)

    monkeypatch.setattr(desk.store, "write", failing_write)
    with pytest.raises(StoreFull):
        desk.ledger.tidy()
    monkeypatch.undo()
    assert desk.ledger.find_event("pay_5") is not None
    assert desk.ledger.tidy() == 3600
    assert desk.store.read().execute("SELECT count(*) FROM archive").fetchone() == (3600,)
    assert desk.ledger.find_event("pay_5") is not None


def test_ledger_works_where_a_second_connection_cannot_be_opened(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(store_options=StoreOptions(exclusive=True))
    desk.ledger.append_wait(desk.decision(1))
    assert desk.ledger.last_seq == 1
