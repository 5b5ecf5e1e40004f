"""The rows of one event type as columns of a record, folded as `receive` folds them one by one."""

from math import inf
from types import SimpleNamespace
from typing import Any, Final

import polars as pl

from sekisho.events import messages, normalise
from sekisho.events.bounds import RANGES
from sekisho.events.build import DAY_US, FIRST_WEEKDAY, HOUR_US, LATEST_US
from sekisho.events.card_numbers import MIN_DIGITS
from sekisho.events.columns import KNOWN_AT, LABEL, ROW, by_unique, is_ascii
from sekisho.events.context import KIND_OF, Kind, ReceiveContext
from sekisho.events.draft import Draft
from sekisho.events.exchange import SCALE
from sekisho.events.fields import PARTS, PUT, whole_address
from sekisho.events.fill import attribute_of
from sekisho.events.paths import SCOPES, choices_of, paths_of, required_of
from sekisho.kit.clock import MICROSECONDS
from sekisho.kit.money import MAX_MINOR

DTYPES: Final = {Kind.NUMBER: pl.Float64, Kind.FLAG: pl.Boolean}
"""Column types of attributes that are not text."""

_NOT_FIELDS: Final = frozenset({ROW, "type", "id", "about", "occurred_at", KNOWN_AT})
_EASY_BYTES: Final = 250
_EXACT_INTEGERS: Final = 2**53
_ADDRESS_PARTS: Final = ("line1", "line2", "city", "state", "postal_code", "country")
_ASCII_DIGITS: Final = r"[0-9](?:[ \t\-./_]*[0-9]){12}"
_PHONE_NUMBER: Final = r"^\+[0-9]{1,15}$"  # by definition no card number: see `card_numbers`
_SEPARATORS: Final = r"[ \t\-./_\x{a0}\x{2007}-\x{2015}\x{202f}]"


class ColumnRecords:
    """The rows of one event type as columns of a record; marks the rows that are not plain."""

    def __init__(self, kind: str, rows: pl.DataFrame, context: ReceiveContext) -> None:
        self.kind = kind
        self.message = messages.MESSAGES[kind]
        self.rows = rows
        self.context = context
        self.known = paths_of(self.message)
        self.out: dict[str, pl.Series] = {}
        self._checked: set[str] = set()
        self.hard = pl.Series([False] * rows.height, dtype=pl.Boolean)

    def records(self) -> tuple[pl.Series, pl.DataFrame]:
        """Which rows are plain, and their records."""
        self._time()
        self._required()
        for path in self._ordered():
            self._field(path)
        self._created()
        self._phone()
        self._money()
        self._defaults()
        self._addresses()
        for path in self.rows.columns:
            if path.startswith("attributes."):
                self._given(path)
        easy = ~self.hard
        keys = {
            ROW: self.rows[ROW],
            "event": self._texts("id"),
            "type": self.rows["type"],
            "at_us": self.rows["occurred_at"] if "occurred_at" in self.rows.columns else None,
            "about": self._texts("about"),
        }
        return easy, pl.DataFrame(keys | self.out).filter(easy)

    def _time(self) -> None:
        if "id" not in self.rows.columns or "occurred_at" not in self.rows.columns:
            self.hard = pl.Series([True] * self.rows.height, dtype=pl.Boolean)
            return
        at_us = self.rows["occurred_at"]
        self._mark(at_us.is_null() | (at_us < 0) | (at_us >= LATEST_US))
        self._mark(self._texts("id").is_null())
        if "about" in self.known:
            self._mark(self._texts("about").is_null())
        self.out["event_type"] = pl.Series([self.kind] * self.rows.height, dtype=pl.String)
        self.out["hour_of_day"] = (at_us // HOUR_US % 24).cast(pl.Float64)
        self.out["day_of_week"] = ((at_us // DAY_US + FIRST_WEEKDAY) % 7 + 1).cast(pl.Float64)

    def _required(self) -> None:
        """Mark rows that lack what an event or an object of it needs."""
        for path in required_of(self.message) - {"occurred_at"}:
            part, _, name = path.partition(".")
            missing = self._column(
                path, self.rows[path].dtype if path in self.rows.columns else pl.String
            ).is_null()
            self._mark(missing & self._present(part) if name else missing)

    def _ordered(self) -> list[str]:
        """The columns in the order in which a message's fields are put: the same one wins."""
        columns = set(self.rows.columns)
        plain = [path for path in self.known if path not in PUT]
        ordered = [path for path in (*plain, *PUT) if path in columns]
        rest = sorted(columns.difference(ordered, _NOT_FIELDS))
        rest = [path for path in rest if not path.startswith("attributes.")]
        if self.kind != "label":
            return [path for path in (*ordered, *rest) if path not in {*_NOT_FIELDS, LABEL}]
        return [path for path in (*ordered, *rest) if path not in _NOT_FIELDS]

    def _created(self) -> None:
        if "customer_created_at" in self.rows.columns and "customer_created_at" in self.known:
            created = self.rows["customer_created_at"]
            self._mark((created < 0) | (created >= LATEST_US))
            self.out["customer_created_at"] = _divided(created, MICROSECONDS)

    def _field(self, path: str) -> None:
        series = self.rows[path]
        scope, _, name = path.partition(".")
        choices = choices_of(self.message).get(path)
        if choices is not None:
            self._mark(series.is_not_null() & ~series.is_in(list(choices)))
        if scope in SCOPES:
            prefix = "" if scope == "metadata" else f"{scope.removesuffix('metadata')[:-1]}:"
            self._check(series)
            self._metadata(scope, name, prefix, series)
        elif path not in self.known:
            self._mark(series.is_not_null())
        elif path in PUT and path not in _LATER:
            self._put(path, self._check(series))
        elif path not in PUT:
            part, prefix = PARTS[scope] if name else (self.message, "")
            attribute = attribute_of(part, name or path, prefix)
            if not name and path in PARTS and path not in {"merchant", "counterparty"}:
                self._mark(series.is_not_null())
            elif attribute:
                self._plain(attribute, series)
        else:
            self._check(series)

    def _plain(self, attribute: str, series: pl.Series) -> None:
        kind = Kind(KIND_OF[self.context.catalogue[attribute].type])
        if kind in DTYPES:
            self._overlay(attribute, series.cast(DTYPES[kind]))
            return
        self._check(series)
        if kind is Kind.FOLDED:
            series = by_unique(series, str.casefold, pl.String)
        elif kind is Kind.STATE:
            series = by_unique(series, str.upper, pl.String)
        elif kind is Kind.COUNTRY:
            code = by_unique(series, normalise.country, pl.String)
            self._mark(series.is_not_null() & code.is_null())
            series = code
        self._overlay(attribute, series)

    def _put(self, path: str, series: pl.Series) -> None:
        """Call the field's function for each different value; what it refuses is not plain."""
        found: dict[Any, dict[str, Any]] = {}
        refused: list[Any] = []
        for value in series.drop_nulls().unique().to_list():
            draft = Draft(self.context, {})
            PUT[path](draft, SimpleNamespace(), value)
            found[value] = dict(draft.record)
            if draft.problems:
                refused.append(value)
        if refused:
            self._mark(series.is_in(refused))
        for attribute in {name for record in found.values() for name in record}:
            kind = Kind(KIND_OF[self.context.catalogue[attribute].type])
            self._overlay(attribute, by_unique(
                series, lambda value, name=attribute: found[value].get(name),
                DTYPES.get(kind, pl.String),
            ))  # fmt: skip

    def _metadata(self, scope: str, name: str, prefix: str, series: pl.Series) -> None:
        draft = Draft(self.context, {})
        PUT[scope](draft, SimpleNamespace(), {name: "x"})
        if draft.problems:
            self._mark(series.is_not_null())
        else:
            self.out[f"::{prefix}{name}::"] = series

    def _phone(self) -> None:
        if "phone" not in self.rows.columns or "phone" not in self.known:
            return
        empty = pl.Series([None] * self.rows.height, dtype=pl.String)
        region = self.out.get("phone_country", empty)
        region = region.fill_null(self.out.get("billing_address_country", empty)).fill_null("")
        text = self.rows["phone"].str.strip_chars()
        # A number with its country code means the same everywhere.
        region = region.set(text.str.starts_with("+").fill_null(value=False), "")
        pairs = pl.DataFrame({"text": text, "region": region})
        unique = pairs.drop_nulls().unique()
        found = [normalise.phone(text, code) for text, code in unique.iter_rows()]
        unique = unique.with_columns(
            pl.Series("number", [one.number if one else None for one in found], dtype=pl.String),
            pl.Series(
                "country", [one.country or None if one else None for one in found], dtype=pl.String
            ),
        )
        joined = pairs.join(unique, on=["text", "region"], how="left", maintain_order="left")
        self._mark(pairs["text"].is_not_null() & joined["number"].is_null())
        self.out["phone"] = joined["number"]
        self._overlay("phone_country", joined["country"])

    def _money(self) -> None:
        if "currency" not in self.known or "amount" not in self.known:
            return
        amount = self._column("amount", pl.Int64)
        currency = by_unique(self._texts("currency"), str.lower, pl.String)
        codes = currency.drop_nulls().unique().to_list()
        unknown = [code for code in codes if self.context.conversion(code) is None]
        self._mark(
            currency.is_in(unknown) | ((amount < 0) | (amount > MAX_MINOR)).fill_null(value=False)
        )
        self._mark(amount.is_not_null() & currency.is_null())
        self.out["currency"] = currency
        self.out["amount"] = amount.cast(pl.Float64)
        for attribute, series in amounts_in(amount, currency, self.context).items():
            self._overlay(attribute, series)

    def _defaults(self) -> None:
        """Attributes that are never missing, or follow from what is there."""
        if issubclass(self.message, messages.Charge):
            card, sepa = self._present("card"), self._present("sepa_debit")
            self.out["digital_wallet"] = self._folded("digital_wallet").fill_null("none")
            method = self._folded("payment_method_type")
            implied = pl.select(
                pl.when(card).then(pl.lit("card")).when(sepa).then(pl.lit("sepa_debit"))
            ).to_series()
            self.out["payment_method_type"] = method.fill_null(implied)
            funding = self._folded("card.funding").fill_null("unknown")
            self.out["card_funding"] = funding.set(~card, None)
        elif self.message is messages.Dispute:
            stated = self._column("is_fraudulent", pl.Boolean)
            self.out["is_fraudulent"] = stated.fill_null(
                (self._folded("reason") == "fraudulent").fill_null(value=False)
            )

    def _addresses(self) -> None:
        for name in ("billing_address", "shipping_address"):
            columns = [f"{name}.{part}" for part in _ADDRESS_PARTS]
            if name not in PARTS or not any(column in self.rows.columns for column in columns):
                continue
            if f"{name}.line1" not in self.known:
                continue
            parts = pl.DataFrame({column: self._texts(column) for column in columns})
            unique = parts.unique()
            whole = [
                whole_address(messages.Address(**dict(zip(_ADDRESS_PARTS, row, strict=True))))
                or None
                for row in unique.iter_rows()
            ]
            unique = unique.with_columns(pl.Series("whole", whole, dtype=pl.String))
            joined = parts.join(
                unique, on=columns, how="left", nulls_equal=True, maintain_order="left"
            )
            self.out[name] = joined["whole"]

    def _given(self, path: str) -> None:
        """Given attributes win over what was derived."""
        name, series = path.removeprefix("attributes."), self.rows[path]
        kind = Kind(self.context.givable[name])
        if kind is Kind.NUMBER:
            low, high = RANGES.get(name, (-inf, inf))
            odd = (series.abs() > _EXACT_INTEGERS) | (series < low) | (series > high)
            self._mark(odd.fill_null(value=False))
        if kind in DTYPES:
            self._overlay(name, series.cast(DTYPES[kind]))
            return
        found: dict[str, Any] = {}
        refused: list[str] = []
        for value in self._check(series).drop_nulls().unique().to_list():
            draft = Draft(self.context, {})
            PUT["attributes"](draft, SimpleNamespace(), {name: value})
            found[value] = draft.record.get(name)
            if draft.problems:
                refused.append(value)
        if refused:
            self._mark(series.is_in(refused))
        self._overlay(name, by_unique(series, found.get, pl.String))

    def _overlay(self, attribute: str, series: pl.Series) -> None:
        below = self.out.get(attribute)
        self.out[attribute] = series if below is None else series.fill_null(below)

    def _check(self, series: pl.Series) -> pl.Series:
        """Mark rows whose text is long, holds NUL, or as many digits as a card number."""
        if series.dtype == pl.String and series.name not in self._checked:
            self._checked.add(series.name)
            odd = _odd_texts(series)
            if len(odd):
                self._mark(series.is_in(odd.implode()))
        return series

    def _mark(self, hard: pl.Series) -> None:
        self.hard = self.hard | hard.fill_null(value=False)

    def _column(self, path: str, dtype: Any) -> pl.Series:
        if path in self.rows.columns:
            return self.rows[path].cast(dtype)
        return pl.Series([None] * self.rows.height, dtype=dtype)

    def _texts(self, path: str) -> pl.Series:
        return self._check(self._column(path, pl.String))

    def _folded(self, path: str) -> pl.Series:
        return by_unique(self._texts(path), str.casefold, pl.String)

    def _present(self, part: str) -> pl.Series:
        present = pl.Series([False] * self.rows.height, dtype=pl.Boolean)
        for column in self.rows.columns:
            if column.startswith(f"{part}."):
                present = present | self.rows[column].is_not_null()
        return present


def _odd_texts(series: pl.Series) -> pl.Series:
    """The different texts of a column that are long, hold NUL or as many digits as a card."""
    sizes = series.str.len_bytes()
    longest = sizes.max()
    nul = series.str.contains("\0", literal=True)
    if longest is None or (int(str(longest)) < MIN_DIGITS and not nul.any()):
        return series.clear()
    long = series.filter(nul.fill_null(value=False) | (sizes >= MIN_DIGITS))
    if is_ascii(long):
        digits = long.str.contains(_ASCII_DIGITS)
    else:
        long = long.unique()
        digits = long.str.replace_all(_SEPARATORS, "").str.contains(r"\d{13}")
    odd = long.filter(
        digits | (long.str.len_bytes() > _EASY_BYTES) | long.str.contains("\0", literal=True)
    )
    return odd.filter(~odd.str.contains(_PHONE_NUMBER)).unique()


def amounts_in(
    amount: pl.Series, currency: pl.Series, context: ReceiveContext
) -> dict[str, pl.Series]:
    """What amounts in minor units are worth, by attribute: their own currency, and those wanted."""
    found: dict[str, pl.Series] = {}

    def overlay(attribute: str, series: pl.Series) -> None:
        below = found.get(attribute)
        found[attribute] = series if below is None else series.fill_null(below)

    for code in sorted(currency.drop_nulls().unique().to_list()):
        conversion = context.conversion(code)
        if conversion is None:
            continue
        here = amount.set(currency.ne_missing(pl.Series([code])), None)
        if conversion.own:
            overlay(conversion.own, _divided(here, conversion.divisor))
        for attribute, factor in conversion.factors:
            overlay(attribute, _divided((here * factor + 0.5).floor(), SCALE))
    return found


_LATER: Final = frozenset({
    "phone", "amount", "currency", "digital_wallet", "payment_method_type", "card.funding",
    "is_fraudulent", "customer_created_at",
})  # fmt: skip
"""Fields that depend on others, worked out together with those."""


def _divided(series: pl.Series, divisor: float) -> pl.Series:
    """The quotient rounded as Python rounds it; Polars multiplies by the reciprocal instead."""
    return pl.Series(series.cast(pl.Float64).to_numpy() / divisor, nan_to_null=True)
