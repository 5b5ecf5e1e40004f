"""Typed lists of values that rules look into, with expiry by item."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from sekisho.language import Type, fold, fold_items

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
    """A list's content as rules read it, worked out aside."""

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
                expiries.append((expires_us, spelling))
    return Prepared(values, expiries)


class ListChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened to a list in memory, in the spelling that rules compare with.

    Attributes:
        alias: which list.
        how: `set` replaces it whole, `patch` puts and takes values, `drop` forgets it.
        item_type: of a list that is set.
        put: values that are in it from now on, each with its expiry or `NEVER`.
        take: values that are not any more.
    """

    alias: str
    how: Literal["set", "patch", "drop"]
    item_type: str = ""
    put: dict[str, int] = {}
    take: tuple[str, ...] = ()


class ListBook:
    """Every list in memory, as the compiled rules read them: alias → values.

    Readers get plain dictionaries, so a membership test costs a hash look-up. Replacing a list
    swaps one reference: a decision sees either the old or the new one, never a half.
    """

    def __init__(self) -> None:
        self._types: dict[str, str] = {}
        self._values: dict[str, dict[str, int]] = {}
        self._expiries: list[tuple[int, str, str]] = []
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
        """Put a prepared list in place; quick, however long the list is."""
        change = None if self._listener is None else self._swapping(alias, item_type, prepared)
        self._types[alias] = item_type
        self._values[alias] = prepared.values
        for expires_us, spelling in prepared.expiries:
            heapq.heappush(self._expiries, (expires_us, alias, spelling))
        self._changed(change)

    def add(self, alias: str, value: str, expires_us: int = NEVER) -> None:
        """Add one value to a list that exists."""
        spellings = _spellings(self._types[alias], value)
        for spelling in spellings:
            self._values[alias][spelling] = expires_us
            if expires_us != NEVER:
                heapq.heappush(self._expiries, (expires_us, alias, spelling))
        self._changed(ListChange(alias, "patch", "", dict.fromkeys(sorted(spellings), expires_us)))

    def remove(self, alias: str, value: str) -> None:
        """Take one value out."""
        spellings = _spellings(self._types[alias], value)
        for spelling in spellings:
            self._values[alias].pop(spelling, None)
        self._changed(ListChange(alias, "patch", "", {}, tuple(sorted(spellings))))

    def drop(self, alias: str) -> None:
        """Forget a list."""
        self._types.pop(alias, None)
        self._values.pop(alias, None)
        self._changed(ListChange(alias, "drop"))

    def repeat(self, change: ListChange) -> None:
        """Make a change that was told of once more, on a book that stood where that one did."""
        alias = change.alias
        if change.how == "drop":
            self._types.pop(alias, None)
            self._values.pop(alias, None)
            return
        if change.how == "set":
            self._types[alias], self._values[alias] = change.item_type, {}
        for spelling in change.take:
            self._values[alias].pop(spelling, None)
        for spelling, expires_us in change.put.items():
            self._values[alias][spelling] = expires_us
            if expires_us != NEVER:
                heapq.heappush(self._expiries, (expires_us, alias, spelling))

    def _swapping(self, alias: str, item_type: str, prepared: Prepared) -> ListChange:
        """What a swap changes: of a list that stays, only the values that differ."""
        old, new = self._values.get(alias), prepared.values
        if old is None or self._types[alias] != item_type:
            return ListChange(alias, "set", item_type, new)
        put = {value: until for value, until in new.items() if old.get(value) != until}
        taken = tuple(sorted(old.keys() - new.keys())) if len(old) + len(put) > len(new) else ()
        return ListChange(alias, "patch", "", put, taken)

    def _changed(self, change: ListChange | None) -> None:
        self._changes += 1
        if self._listener is not None and change is not None:
            self._listener(change)

    def restore_version(self, changes: int) -> None:
        """Go on counting where the last process stopped."""
        self._changes = changes

    @property
    def changes(self) -> int:
        """How often anything changed since the installation began."""
        return self._changes

    def expire(self, now_us: int) -> None:
        """Drop what has run out; called before each judgement, and free when nothing has."""
        while self._expiries and self._expiries[0][0] <= now_us:
            expires_us, alias, spelling = heapq.heappop(self._expiries)
            values = self._values.get(alias, {})
            if values.get(spelling) == expires_us:
                del values[spelling]
                self._changes += 1


def _spellings(item_type: str, value: str) -> frozenset[str]:
    """The forms in which a record may hold the value; a list of type `string` has several."""
    compared = normalise_item(item_type, value)
    return (
        fold_items(item_type, [value.strip()]) if item_type == "string" else frozenset({compared})
    )
