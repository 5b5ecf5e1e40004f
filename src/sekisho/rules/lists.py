"""Typed lists of values that rules look into, with expiry by item."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sekisho.language import Type, fold, fold_items
from sekisho.rules.renewal import ListChange, Renewal

ITEM_TYPES: Final[dict[str, Type]] = {
    "account": Type.STRING_CS,
    "card_bin": Type.STRING_CI,
    "card_fingerprint": Type.STRING_CS,
    "case_sensitive_string": Type.STRING_CS,
    "country": Type.COUNTRY,
    "crypto_fingerprint": Type.STRING_CS,
    "customer_id": Type.STRING_CS,
    "email": Type.STRING_CI,
    "ip_address": Type.STRING_CI,
    "sepa_debit_fingerprint": Type.STRING_CS,
    "string": Type.STRING_CI,
    "us_bank_account_fingerprint": Type.STRING_CS,
}
"""The twelve item types and how their values are compared."""

_FAMILIES: Final[dict[str, tuple[str, str]]] = {
    "card_bin": ("card_bin", "Card BIN"),
    "card_country": ("country", "Card country"),
    "card_fingerprint": ("card_fingerprint", "Card fingerprint"),
    "charge_description": ("string", "Charge description"),
    "client_ip_address": ("ip_address", "Client IP address"),
    "client_ip_country": ("country", "Client IP country"),
    "customer_id": ("customer_id", "Customer ID"),
    "email": ("email", "E-mail"),
    "email_domain": ("string", "E-mail domain"),
}

DEFAULT_LISTS: Final[dict[str, tuple[str, str]]] = {
    f"{stem}_{side}list": (item_type, f"{label} {side} list")
    for stem, (item_type, label) in _FAMILIES.items()
    for side in ("allow", "block")
}
"""Alias → (item type, name) of the lists that always exist and cannot be removed."""

SHORT_LIVED: Final = frozenset({"card_fingerprint_allowlist"})
"""Default lists whose items are allowed for a while only: a card is trusted, then looked at again.

Fingerprints are allowed by no other default list; lists of one's own keep them for ever.
"""
SHORT_LIFE_US: Final = 30 * 24 * 3_600_000_000
"""How long an item of such a list lives at most: 30 days."""
MAX_ITEMS: Final = 1_000_000
"""Items in one list. The vendor stops at 50,000; a million stay under 200 MB in memory."""
MAX_VALUE: Final = 800
"""Characters in one item: longer than any address or fingerprint in use."""
EVER: Final = 1 << 62
"""Later than anything."""
NEVER: Final = 0
"""Expiry of an item that stays until removed."""


class ItemRefused(ValueError):
    """This value cannot stand in a list of that type."""


def normalise_item(item_type: str, value: str) -> str:
    """The value as compared: countries upper case, addresses without case.

    Raises:
        ItemRefused: the value is empty, too long, or no country code in a country list.

    >>> normalise_item("country", "ng")
    'NG'
    """
    text = value.strip()
    if not text:
        raise ItemRefused("a list item must not be empty")
    if len(text) > MAX_VALUE:
        raise ItemRefused(f"a list item has at most {MAX_VALUE} characters")
    folded = fold(ITEM_TYPES[item_type], text)
    if item_type == "country" and not (len(folded) == 2 and folded.isascii() and folded.isalpha()):  # noqa: PLR2004 — alpha-2
        raise ItemRefused(f"`{text}` is not a two-letter country code")
    return folded


def last_moment(alias: str, expires_us: int, now_us: int) -> int:
    """When an item put into a list now runs out, given when it is to run out.

    >>> last_moment("email_allowlist", NEVER, 5), last_moment("card_fingerprint_allowlist", 7, 5)
    (0, 7)
    >>> last_moment("card_fingerprint_allowlist", NEVER, 5) == 5 + SHORT_LIFE_US
    True
    """
    if alias not in SHORT_LIVED:
        return expires_us
    latest_us = now_us + SHORT_LIFE_US
    return min(expires_us, latest_us) if expires_us else latest_us


@dataclass(frozen=True, slots=True)
class Prepared:
    """A list's content as rules read it, worked out aside; `expiries` is a heap."""

    values: dict[str, int]
    expiries: list[tuple[int, str]]


def prepare(item_type: str, items: Iterable[tuple[str, int]]) -> Prepared:
    """Work out a list's content; may run in another thread."""
    values: dict[str, int] = {}
    expiries: list[tuple[int, str]] = []
    for value, expires_us in items:
        for spelling in _spellings(item_type, value):
            values[spelling] = expires_us
            if expires_us != NEVER:
                heapq.heappush(expiries, (expires_us, spelling))
    return Prepared(values, expiries)


class ListBook:
    """Every list in memory, as the compiled rules read them: alias → values.

    Readers get plain dictionaries, so a membership test costs a hash look-up. Replacing a list
    swaps one reference: a decision sees either the old or the new one, never a half.
    """

    def __init__(self) -> None:
        self._types: dict[str, str] = {}
        self._values: dict[str, dict[str, int]] = {}
        self._expiries: dict[str, list[tuple[int, str]]] = {}
        self._next_us = EVER  # no value runs out before
        self._renewals: dict[str, Renewal] = {}
        self._parts: dict[str, list[ListChange]] = {}
        self._changes = 0
        self._listener: Callable[[ListChange], None] | None = None

    def listen(self, listener: Callable[[ListChange], None]) -> None:
        """Tell somebody of every change from now on, in the step in which it is made."""
        self._listener = listener

    @property
    def version(self) -> str:
        """Changes whenever any list or item does."""
        return f"lists_{self._changes}"

    @property
    def types(self) -> Mapping[str, str]:
        """Alias → item type, as the rule checker wants it."""
        return self._types

    @property
    def values(self) -> Mapping[str, Mapping[str, int]]:
        """Alias → value → expiry in microseconds or `NEVER`, as compiled rules want it."""
        return self._values

    def replace(self, alias: str, item_type: str, items: Iterable[tuple[str, int]]) -> None:
        """Put a whole list in place at once; `items` are (value, expiry or `NEVER`)."""
        self.swap(alias, item_type, prepare(item_type, items))

    def swap(self, alias: str, item_type: str, prepared: Prepared) -> None:
        """Put a prepared list in place."""
        self._types[alias] = item_type
        self._place(alias, prepared)
        self._changed(ListChange(alias, "set", item_type, prepared.values))

    def renew(self, alias: str) -> Renewal:
        """Begin to work out a list's new content aside; the list goes on being read and changed."""
        one = Renewal(alias, self._types[alias], dict(self._values[alias]))
        self._renewals[alias] = one
        return one

    def is_renewing(self, alias: str) -> bool:
        """Whether a list's new content is being worked out."""
        return alias in self._renewals

    def put_in_place(self, renewal: Renewal, prepared: Prepared) -> dict[str, int]:
        """Let a renewed content take the place of the old one, in one quick step; the old one.

        What was put in or taken out meanwhile stays so. The other parts were told before.
        """
        alias = renewal.alias
        old = self._values[alias]
        change = renewal.last(old, prepared.values)
        self._renewals.pop(alias, None)
        self._place(alias, prepared)
        for value, until in change.put.items():
            self._will_expire(alias, value, until)
        self._changed(change)
        return old

    def _place(self, alias: str, prepared: Prepared) -> None:
        self._values[alias] = prepared.values
        self._expiries[alias] = prepared.expiries
        if prepared.expiries:
            self._next_us = min(self._next_us, prepared.expiries[0][0])

    def _will_expire(self, alias: str, spelling: str, expires_us: int) -> None:
        if expires_us != NEVER:
            heapq.heappush(self._expiries.setdefault(alias, []), (expires_us, spelling))
            self._next_us = min(self._next_us, expires_us)

    def add(self, alias: str, value: str, expires_us: int = NEVER) -> None:
        """Add one value to a list that exists."""
        spellings = _spellings(self._types[alias], value)
        for spelling in spellings:
            self._values[alias][spelling] = expires_us
            self._will_expire(alias, spelling, expires_us)
        self._touched(alias, spellings)
        self._changed(ListChange(alias, "patch", "", dict.fromkeys(sorted(spellings), expires_us)))

    def remove(self, alias: str, value: str) -> None:
        """Take one value out."""
        spellings = _spellings(self._types[alias], value)
        for spelling in spellings:
            self._values[alias].pop(spelling, None)
        self._touched(alias, spellings)
        self._changed(ListChange(alias, "patch", "", {}, tuple(sorted(spellings))))

    def drop(self, alias: str) -> None:
        """Forget a list."""
        self._forget(alias)
        self._changed(ListChange(alias, "drop"))

    def _forget(self, alias: str) -> None:
        for kept in (self._types, self._values, self._expiries, self._renewals, self._parts):
            kept.pop(alias, None)

    def _touched(self, alias: str, spellings: Iterable[str]) -> None:
        if alias in self._renewals:
            self._renewals[alias].changed.update(spellings)

    def repeat(self, change: ListChange) -> None:
        """Make a change that was told of once more, on a book that stood where that one did."""
        alias = change.alias
        match change.how:
            case "drop":
                self._forget(alias)
            case "set":
                self._forget(alias)
                self._types[alias], self._values[alias] = change.item_type, {}
                self._patch(change)
            case "patch":
                self._patch(change)
            case "begin":
                self._parts[alias] = [change]
            case "prepare":
                self._parts[alias].append(change)
            case "renew":
                for part in (*self._parts.pop(alias, ()), change):
                    self._patch(part)

    def _patch(self, change: ListChange) -> None:
        values = self._values[change.alias]
        for spelling in change.take:
            values.pop(spelling, None)
        for spelling, expires_us in change.put.items():
            values[spelling] = expires_us
            self._will_expire(change.alias, spelling, expires_us)

    def announce(self, part: ListChange) -> None:
        """Tell of a part of what a list is about to become; nothing changes yet."""
        if self._listener is not None:
            self._listener(part)

    def _changed(self, change: ListChange) -> None:
        self._changes += 1
        self.announce(change)

    def restore_version(self, changes: int) -> None:
        """Go on counting where the last process stopped."""
        self._changes = changes

    @property
    def changes(self) -> int:
        """How often anything changed since the installation began."""
        return self._changes

    def expire(self, now_us: int) -> None:
        """Drop what has run out; called before each judgement, and free when nothing has."""
        if now_us < self._next_us:
            return
        for alias, heap in self._expiries.items():
            while heap and heap[0][0] <= now_us:
                expires_us, spelling = heapq.heappop(heap)
                values = self._values[alias]
                if values.get(spelling) == expires_us:
                    del values[spelling]
                    self._changes += 1
                    if alias in self._renewals:
                        self._renewals[alias].lapsed.add(spelling)
        self._next_us = min((heap[0][0] for heap in self._expiries.values() if heap), default=EVER)


def _spellings(item_type: str, value: str) -> frozenset[str]:
    """The forms in which a record may hold the value; a list of type `string` has several."""
    compared = normalise_item(item_type, value)
    return (
        fold_items(item_type, [value.strip()]) if item_type == "string" else frozenset({compared})
    )
