"""Amounts over columns: converted as the door converts them, and in one currency for reports."""

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from sekisho.events import SCALE, ExchangeRates
from sekisho.kit.money import EXPONENTS

PREFIX: Final = "amount_in_"
REPORTED: Final = "reported_minor"


def converted(attribute: str, rates: ExchangeRates) -> pl.Expr:
    """The value of `amount_in_…` from `amount` and `currency`; null where there is no rate.

    Divisors stand in columns: Polars multiplies by the reciprocal of a constant, which rounds
    otherwise than Python does.
    """
    target = attribute.removeprefix(PREFIX)
    pairs = [(code, dict(rates.factors(code, (target,))).get(attribute)) for code in EXPONENTS]
    codes = [code for code, factor in pairs if factor is not None]
    amount, currency = pl.col("amount").cast(pl.Float64), pl.col("currency").cast(pl.String)
    factor = _looked_up(currency, codes, [factor for _, factor in pairs if factor is not None])
    scale = _looked_up(currency, codes, [SCALE] * len(codes))
    own = _looked_up(currency, [target], [float(10 ** EXPONENTS.get(target, 2))])
    return pl.coalesce(amount / own, (amount * factor + 0.5).floor() / scale)


def with_amounts(
    frame: pl.DataFrame, attributes: Iterable[str], rates: ExchangeRates
) -> pl.DataFrame:
    """A frame with converted amounts; those that are stored win."""
    return frame.with_columns(
        pl.coalesce(name, converted(name, rates)).alias(name)
        if name in frame.columns
        else converted(name, rates).alias(name)
        for name in attributes
    )


def with_reported(frame: pl.DataFrame, currency: str, rates: ExchangeRates) -> pl.DataFrame:
    """A frame with `reported`; where all amounts are in that currency nothing is looked up."""
    codes = frame["currency"]
    if isinstance(codes.dtype, pl.Enum) and codes.dtype.categories.to_list() == [currency]:
        amount = pl.when(pl.col("currency").is_not_null()).then(pl.col("amount").cast(pl.Int64))
        return frame.with_columns(amount.alias(REPORTED))
    return frame.with_columns(reported(currency, rates))


def reported(currency: str, rates: ExchangeRates) -> pl.Expr:
    """The amount in minor units of the reporting currency; null without amount or rate."""
    exact = pl.when(pl.col("currency").cast(pl.String) == currency).then(pl.col("amount"))
    major = converted(PREFIX + currency, rates)
    minor = (major * 10 ** EXPONENTS[currency]).round(mode="half_away_from_zero")
    return pl.coalesce(exact.cast(pl.Int64), minor.cast(pl.Int64)).alias(REPORTED)


def _looked_up(column: pl.Expr, keys: Sequence[str], values: Sequence[float]) -> pl.Expr:
    return column.replace_strict(list(keys), list(values), default=None, return_dtype=pl.Float64)
