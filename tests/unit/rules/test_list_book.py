"""Lists in memory: comparison by type, expiry, versions, whole replacement."""

from random import Random

import pytest

from sekisho.rules import (
    DEFAULT_LISTS,
    ITEM_TYPES,
    MAX_ITEMS,
    ItemRefused,
    ListBook,
    ListChange,
    let_go,
    normalise_item,
    prepare,
)


def book_with(item_type: str, *values: str) -> ListBook:
    book = ListBook()
    book.replace("it", item_type, [(value, 0) for value in values])
    return book


def test_there_are_the_twelve_item_types() -> None:
    assert len(ITEM_TYPES) == 12
    assert {"account", "crypto_fingerprint", "us_bank_account_fingerprint"} <= set(ITEM_TYPES)


def test_default_lists_come_in_pairs() -> None:
    assert len(DEFAULT_LISTS) == 18
    for alias in DEFAULT_LISTS:
        assert alias.endswith(("_allowlist", "_blocklist"))


@pytest.mark.parametrize(
    ("item_type", "value", "compared"),
    [
        ("country", "ng", "NG"),
        ("email", "A@B.Example", "a@b.example"),
        ("string", "Straße", "strasse"),
        ("case_sensitive_string", "AbC", "AbC"),
        ("card_fingerprint", "Fp", "Fp"),
        ("customer_id", " cus_A ", "cus_A"),
        ("ip_address", "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_item_is_compared_by_its_type(item_type: str, value: str, compared: str) -> None:
    assert normalise_item(item_type, value) == compared
    assert compared in book_with(item_type, value).values["it"]


@pytest.mark.parametrize(
    ("item_type", "value"),
    [("string", ""), ("string", "   "), ("country", "USA"), ("country", "1"), ("country", "日本")],
)
def test_item_that_can_never_match_is_refused(item_type: str, value: str) -> None:
    with pytest.raises(ItemRefused):
        normalise_item(item_type, value)


def test_overlong_item_is_refused() -> None:
    assert normalise_item("string", "x" * 800)
    with pytest.raises(ItemRefused, match="800"):
        normalise_item("string", "x" * 801)


def test_lists_hold_up_to_a_million_items() -> None:
    assert MAX_ITEMS == 1_000_000


def test_every_change_has_a_version_of_its_own() -> None:
    book, seen = ListBook(), set[str]()
    seen.add(book.version)
    book.replace("it", "email", [("a@b.example", 0)])
    seen.add(book.version)
    book.add("it", "c@d.example", expires_us=50)
    seen.add(book.version)
    book.expire(49)
    assert book.version in seen
    book.expire(50)
    seen.add(book.version)
    book.remove("it", "a@b.example")
    seen.add(book.version)
    book.drop("it")
    seen.add(book.version)
    assert len(seen) == 6


def test_item_leaves_at_its_expiry_and_not_before() -> None:
    book = book_with("email")
    book.add("it", "a@b.example", expires_us=100)
    book.expire(99)
    assert "a@b.example" in book.values["it"]
    book.expire(100)
    assert "a@b.example" not in book.values["it"]


def test_later_expiry_wins_over_the_earlier_of_the_same_item() -> None:
    book = book_with("email")
    book.add("it", "a@b.example", expires_us=100)
    book.add("it", "a@b.example", expires_us=200)
    book.expire(150)
    assert "a@b.example" in book.values["it"]
    book.expire(200)
    assert not book.values["it"]


def test_expiry_of_a_dropped_or_replaced_list_touches_nothing() -> None:
    book = book_with("email")
    book.add("it", "a@b.example", expires_us=100)
    book.replace("it", "email", [("a@b.example", 0)])
    book.expire(100)
    assert "a@b.example" in book.values["it"]
    book.add("it", "c@d.example", expires_us=200)
    book.drop("it")
    book.expire(300)
    assert "it" not in book.values


def test_reader_keeps_the_list_it_began_with() -> None:
    book = book_with("email", "old@b.example")
    held = book.values["it"]
    book.replace("it", "email", [("new@b.example", 0)])
    assert list(held) == ["old@b.example"]
    assert list(book.values["it"]) == ["new@b.example"]


class Follower:
    """A book that repeats what another one tells, as a replay of the log does."""

    def __init__(self, leader: ListBook) -> None:
        self.leader, self.book = leader, ListBook()
        self.rows = 0
        leader.listen(self.take)

    def take(self, change: ListChange) -> None:
        self.rows += 1
        self.book.repeat(change)
        self.book.restore_version(self.leader.changes)

    def agrees(self, now_us: int) -> bool:
        for book in (self.leader, self.book):
            book.expire(now_us)
        same = self.leader.values == self.book.values
        return same and self.leader.version == self.book.version


@pytest.mark.parametrize("seed", range(60))
def test_renewed_list_is_followed_part_by_part_whatever_happens_meanwhile(seed: int) -> None:
    rng = Random(seed)
    names = [f"v{n}" for n in range(40)]
    book = ListBook()
    follower = Follower(book)

    def some() -> list[tuple[str, int]]:
        chosen = rng.sample(names, rng.randrange(40))
        return [(name, rng.choice([0, 0, 30, 60, 90])) for name in chosen]

    book.replace("it", "customer_id", some())
    for now_us in range(0, 100, 5):
        before = dict(book.values["it"])
        renewal = book.renew("it")
        prepared = prepare("customer_id", some())
        coming = dict(prepared.values)
        mine: dict[str, int | None] = {}
        for part in [None, *renewal.work_out(prepared.values, 4)]:
            if part is not None:
                book.announce(part)
            name, until = rng.choice(names), rng.choice([0, now_us + 1, 95])
            if rng.random() < 0.3:
                book.add("it", name, until)
                mine[name] = until
            elif rng.random() < 0.3:
                book.remove("it", name)
                mine[name] = None
            assert follower.agrees(now_us + rng.randrange(2))
        if rng.random() < 0.2:  # it comes to nothing: the next one begins anew
            assert set(book.values["it"]) <= {*before, *mine}
            continue
        left = book.put_in_place(renewal, prepared)
        let_go(renewal.before, left)
        for name, until in mine.items():
            coming = {**coming, name: until} if until is not None else coming
            if until is None:
                coming.pop(name, None)
        assert set(book.values["it"]) <= set(coming)
        assert follower.agrees(now_us + 2)
        living = {
            name for name, until in coming.items() if until is None or not 0 < until <= now_us + 2
        }
        assert set(book.values["it"]) == living
