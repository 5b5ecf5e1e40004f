"""The memory of ids: nothing forgotten, nothing confused, little memory."""

import random

import numpy as np
import pytest

from sekisho.ledger.seen import PER_ROW, SeenIds


def batch(seen: SeenIds, ids: list[str]) -> np.ndarray:
    return np.array([h for i in ids for h in (seen.of_event("decision", i), 0, 0)], np.int64)


@pytest.mark.parametrize("count", [1, 1000, 100_000])
def test_every_added_id_is_found_in_its_row_and_no_other_is(count: int) -> None:
    seen = SeenIds(seed=5)
    ids = [f"pay_{n}" for n in range(count)]
    for start in range(0, count, 777):
        seen.add_batch(start + 1, batch(seen, ids[start : start + 777]))
    assert len(seen) == count
    for n in range(0, count, max(1, count // 2000)):
        assert list(seen.rows_of(seen.of_event("decision", f"pay_{n}"))) == [n + 1]
        assert list(seen.rows_of(seen.of_event("event", f"pay_{n}"))) == []
        assert list(seen.rows_of(seen.of_event("decision", f"other_{n}"))) == []


def test_memory_stays_within_its_bound() -> None:
    seen = SeenIds(seed=5)
    hashes = np.random.default_rng(1).integers(1, 1 << 62, 599_400)
    for start in range(0, len(hashes), 999):
        seen.add_batch(start // PER_ROW + 1, hashes[start : start + 999])
        if len(seen) > 50_000:
            assert seen.nbytes / len(seen) <= 32.5


def test_two_rows_under_one_hash_are_both_found() -> None:
    seen = SeenIds(seed=5)
    seen.add_batch(1, np.array([42, 0, 0, 42, 0, 0], np.int64))
    assert list(seen.rows_of(42)) == [1, 2]


def test_forgotten_rows_are_gone_and_memory_shrinks() -> None:
    seen = SeenIds(seed=5)
    ids = [f"pay_{n}" for n in range(100_000)]
    seen.add_batch(1, batch(seen, ids))
    before = seen.nbytes
    seen.forget_before(95_001)
    assert len(seen) == 5000
    assert seen.nbytes < before / 4
    assert list(seen.rows_of(seen.of_event("decision", "pay_94999"))) == []
    assert list(seen.rows_of(seen.of_event("decision", "pay_95000"))) == [95_001]


def test_first_present_names_the_first_known_id() -> None:
    seen = SeenIds(seed=5)
    seen.add_batch(1, batch(seen, ["a", "b"]))
    asked = batch(seen, ["x", "b", "y", "a"])
    assert seen.first_present(asked) == 3
    assert seen.first_present(asked, 4) == 9
    assert seen.first_present(asked, 10) == -1


def test_hashes_of_installations_differ() -> None:
    assert SeenIds(1).of_event("decision", "pay_1") != SeenIds(2).of_event("decision", "pay_1")


def test_scope_and_key_do_not_run_into_each_other() -> None:
    seen = SeenIds(1)
    rng = random.Random(3)
    for _ in range(1000):
        text = "".join(rng.choice("ab") for _ in range(6))
        cuts = {seen.of_key(text[:n], text[n:]) for n in range(7)}
        assert len(cuts) == 7
