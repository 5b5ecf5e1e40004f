"""Live counters: what an event sees, and what later knowledge changes."""

import numpy as np
import pytest

from sekisho.events import default_catalogue
from sekisho.velocity import Aggregate, Counters, CounterSpec, family_names, family_spec

CATALOGUE = default_catalogue()
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
T = 1_700_000_000 * SECOND
SEED = 20_260_101
PAYMENT: dict[str, str | float | int | bool] = {
    "customer": "cus_1",
    "card_fingerprint": "fp_1",
    "email": "a@example.com",
    "amount_in_usd": 12.5,
}


def families(*names: str) -> Counters:
    specs = [family_spec(name) for name in names]
    return Counters([spec for spec in specs if spec is not None], CATALOGUE, SEED)


def counting(aggregate: Aggregate, *, value: str = "", lag_us: int = 0) -> Counters:
    of, by = ("payment",), ("customer",)
    spec = CounterSpec("x", aggregate, of, by, window_us=HOUR, value=value, lag_us=lag_us)
    return Counters([spec], CATALOGUE, SEED)


def test_the_first_attempt_sees_nothing_and_the_second_sees_one() -> None:
    counters = families("total_charges_per_customer_hourly", "seconds_since_card_first_seen")
    assert counters.read("payment", T, PAYMENT) == {"total_charges_per_customer_hourly": 0.0}
    counters.apply("payment", T, PAYMENT)
    assert counters.read("payment", T + 30 * SECOND, PAYMENT) == {
        "total_charges_per_customer_hourly": 1.0,
        "seconds_since_card_first_seen": 30.0,
    }


def test_the_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    counters = counting(Aggregate.COUNT)
    counters.apply("payment", T, PAYMENT)
    assert counters.read("payment", T, PAYMENT)["x"] == 1
    assert counters.read("payment", T + HOUR - 1, PAYMENT)["x"] == 1
    assert counters.read("payment", T + HOUR, PAYMENT)["x"] == 0
    assert counters.read("payment", T - 1, PAYMENT)["x"] == 0


def test_of_many_attempts_in_one_instant_exactly_the_limit_passes() -> None:
    counters = counting(Aggregate.COUNT)
    passed = 0
    for _ in range(100):
        passed += counters.read("payment", T, PAYMENT)["x"] < 7
        counters.apply("payment", T, PAYMENT)
    assert passed == 7


def test_an_issuers_answer_moves_an_event_between_counters_at_its_own_time() -> None:
    names = [f"{o}_charges_per_customer_hourly" for o in ("total", "declined", "authorized")]
    counters = families(*names)
    counters.apply("payment", T, PAYMENT)
    declined = {**PAYMENT, "outcome": "declined"}
    counters.revise("payment", T, PAYMENT, declined)
    seen = counters.read("payment", T + HOUR - 1, PAYMENT)
    assert [seen[name] for name in names] == [1, 1, 0]
    assert counters.read("payment", T + HOUR, PAYMENT)[names[1]] == 0
    counters.revise("payment", T, declined, PAYMENT)
    counters.retract("payment", T, PAYMENT)
    assert counters.held_events == 0


def test_a_new_card_is_new_once_for_each_customer() -> None:
    counters = families("is_new_card_on_customer")
    assert counters.read("payment", T, PAYMENT) == {"is_new_card_on_customer": True}
    counters.apply("payment", T, PAYMENT)
    assert counters.read("payment", T, PAYMENT) == {"is_new_card_on_customer": False}
    other = {**PAYMENT, "customer": "cus_2"}
    assert counters.read("payment", T, other) == {"is_new_card_on_customer": True}
    assert counters.read("payment", T, {"customer": "cus_1"}) == {"is_new_card_on_customer": False}


def test_bounded_counters_stop_at_twenty_five() -> None:
    counters = families("card_count_for_email_hourly", "card_count_for_email_all_time")
    for number in range(40):
        counters.apply("payment", T, {**PAYMENT, "card_fingerprint": f"fp_{number}"})
    assert set(counters.read("payment", T, PAYMENT).values()) == {25.0}


def test_an_event_without_the_key_reads_zero_or_nothing() -> None:
    everything = families(*sorted(family_names()))
    everything.apply("payment", T, PAYMENT)
    seen = everything.read("payment", T, {})
    assert set(seen.values()) == {0.0}
    assert not any(name.startswith(("average", "seconds", "hours")) for name in seen)


def test_fraud_disputes_and_warnings_count_as_prior_fraud() -> None:
    counters = families(
        "dispute_count_on_card_number_yearly",
        "efw_count_on_card_weekly",
        "total_customers_with_prior_fraud_activity_for_card_weekly",
    )
    dispute = {**PAYMENT, "event_type": "dispute", "is_fraudulent": True}
    counters.apply("dispute", T, {**dispute, "is_fraudulent": False})
    assert set(counters.read("payment", T, PAYMENT).values()) == {0.0}
    counters.apply("dispute", T, dispute)
    warning = {**PAYMENT, "event_type": "early_fraud_warning", "customer": "cus_2"}
    counters.apply("early_fraud_warning", T, warning)
    assert list(counters.read("payment", T, PAYMENT).values()) == [1.0, 1.0, 2.0]


def test_sums_are_exact_in_any_order() -> None:
    counters = counting(Aggregate.SUM, value="amount_in_usd")
    amounts = [0.1, 1e11, 0.2, -1e11, 0.0001] * 20
    for at, amount in enumerate(amounts):
        counters.apply("payment", T - at, {**PAYMENT, "amount_in_usd": amount})
    assert counters.read("payment", T, PAYMENT)["x"] == 6.002
    for at, amount in enumerate(amounts):
        counters.retract("payment", T - at, {**PAYMENT, "amount_in_usd": amount})
    assert counters.read("payment", T, PAYMENT)["x"] == 0


def test_metadata_numbers_are_read_as_the_rule_language_reads_them() -> None:
    counters = counting(Aggregate.SUM, value="::points::")
    for text in ("1.5", "+2", " 3", "1e1", "n/a", "1e999", "0x10", "٣"):
        counters.apply("payment", T, {**PAYMENT, "::points::": text})
    assert counters.read("payment", T, PAYMENT)["x"] == 13.5


def test_equal_numbers_are_one_member_and_texts_others() -> None:
    counters = counting(Aggregate.DISTINCT, value="merchant_category")
    for value in ("5", 5, 5.0, -0.0, 0, "6"):
        counters.apply("payment", T, {**PAYMENT, "merchant_category": value})
    assert counters.read("payment", T, PAYMENT)["x"] == 4


def test_keys_of_two_attributes_do_not_run_together() -> None:
    spec = CounterSpec("pair", Aggregate.COUNT, ("payment",), ("customer", "counterparty"))
    counters = Counters([spec], CATALOGUE, SEED)
    counters.apply("payment", T, {"customer": "a", "counterparty": "bc"})
    assert counters.read("payment", T, {"customer": "ab", "counterparty": "c"}) == {"pair": 0.0}
    assert counters.read("payment", T, {"customer": "bc", "counterparty": "a"}) == {"pair": 0.0}
    assert counters.read("payment", T, {"customer": "a", "counterparty": "bc"}) == {"pair": 1.0}


def test_an_event_dated_far_ahead_evicts_nothing() -> None:
    counters = counting(Aggregate.COUNT)
    for at in range(50):
        counters.apply("payment", T + at, PAYMENT)
    counters.apply("payment", T + 40_000 * DAY, PAYMENT)
    counters.evict(T + HOUR)
    assert counters.read("payment", T + HOUR - 1, PAYMENT)["x"] == 50


def test_memory_stays_flat_over_a_long_run() -> None:
    counters = families(
        "total_charges_per_customer_weekly",
        "card_count_for_customer_daily",
        "total_usd_amount_charged_on_customer_all_time",
    )
    sizes: list[int] = []
    for turn in range(60_000):
        now = T + turn * 60 * SECOND
        record = {"customer": f"c{turn % 97}", "card_fingerprint": f"f{turn % 13}"}
        counters.apply("payment", now, {**record, "amount_in_usd": 1.0})
        if turn % 500 == 0:
            counters.evict(now)
            sizes.append(counters.held_bytes)
    late = sizes[len(sizes) // 2 :]
    assert max(late) < 1.5 * min(late)
    seen = counters.read("payment", T + 60_000 * 60 * SECOND, {"customer": "c1"})
    assert seen["total_usd_amount_charged_on_customer_all_time"] == len(range(1, 60_000, 97))


def test_a_restart_from_a_snapshot_counts_on() -> None:
    names = sorted(family_names())
    first = families(*names)
    for turn in range(300):
        first.apply("payment", T + turn * HOUR, {**PAYMENT, "card_fingerprint": f"f{turn % 40}"})
    snapshot = first.snapshot()
    second = families(*names)
    assert second.restore(snapshot)
    later = T + 301 * HOUR
    assert second.read("payment", later, PAYMENT) == first.read("payment", later, PAYMENT)
    assert second.held_events == first.held_events
    assert second.version == first.version


def test_a_snapshot_of_other_counters_or_another_secret_is_not_taken() -> None:
    counters = families("total_charges_per_customer_hourly")
    counters.apply("payment", T, PAYMENT)
    spec = family_spec("total_charges_per_customer_hourly")
    assert spec is not None
    other = Counters([spec], CATALOGUE, SEED + 1)
    assert not other.restore(counters.snapshot())
    assert other.held_events == 0


def test_a_counter_added_today_is_filled_from_the_log_and_the_others_move_over() -> None:
    old = families("total_charges_per_customer_weekly")
    log = [(T + turn * HOUR, {**PAYMENT, "email": f"{turn % 9}@x.org"}) for turn in range(100)]
    for at, record in log:
        old.apply("payment", at, record)
    more = [*old.specs, family_spec("email_count_for_card_daily")]
    new = old.with_specs([spec for spec in more if spec is not None])
    for at, record in log:
        new.apply("payment", at, record)
    late = (T + 100 * HOUR, PAYMENT)
    old.apply("payment", *late)
    new.apply("payment", *late)
    new.adopt(old)
    assert new.read("payment", T + 101 * HOUR, PAYMENT) == {
        "total_charges_per_customer_weekly": 101.0,
        "email_count_for_card_daily": 10.0,
    }
    new.apply("payment", *late)
    assert new.read("payment", *late)["total_charges_per_customer_weekly"] == 102


def test_snapshots_are_plain_arrays_of_words() -> None:
    counters = families("total_charges_per_customer_weekly")
    counters.apply("payment", T, PAYMENT)
    (words,) = counters.snapshot().values()
    assert words.dtype == np.int64
    assert words[0] == 1


def test_an_unknown_event_type_is_an_error() -> None:
    with pytest.raises(KeyError):
        counting(Aggregate.COUNT).read("paiment", T, PAYMENT)
