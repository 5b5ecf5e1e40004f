"""Money: ISO 4217 currencies, their minor units, and exact conversion between minor and major."""

from decimal import Decimal, InvalidOperation
from typing import Final

MAX_MINOR: Final = 10**12 - 1
"""Largest amount in minor units: ten billion dollars, one digit short of a card number."""

_TWO_DIGITS: Final = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob bov brl bsd btn bwp byn "
    "bzd cad cdf che chf chw cny cop cou crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp "
    "gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd kzt lak lbp "
    "lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn mxv myr mzn nad ngn nio nok npr "
    "nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sos srd ssp stn "
    "svc syp szl thb tjs tmt top try ttd twd tzs uah usd usn uyu uzs ved ves wst xcd xcg yer zar "
    "zmw zwg"
)
_NO_DIGITS: Final = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf"
_THREE_DIGITS: Final = "bhd iqd jod kwd lyd omr tnd"
_FOUR_DIGITS: Final = "clf uyw"

EXPONENTS: Final[dict[str, int]] = {
    code: digits
    for digits, codes in ((2, _TWO_DIGITS), (0, _NO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}
"""Digits after the point, by lower-case currency code.

Source: ISO 4217, table of current currencies.
"""


def to_major(minor: int, currency: str) -> float:
    """The amount in major units: the double nearest to the exact value.

    Raises:
        KeyError: the currency is not in `EXPONENTS`.

    >>> to_major(2500, "usd"), to_major(2500, "jpy"), to_major(2500, "kwd")
    (25.0, 2500.0, 2.5)
    """
    return minor / 10 ** EXPONENTS[currency]


def to_minor(major: str | float | Decimal, currency: str) -> int:
    """The amount in minor units, rounded half to even; a float counts as the decimal it prints as.

    Raises:
        KeyError: the currency is not in `EXPONENTS`.
        ValueError: not a finite number.

    >>> to_minor(57.16, "eur"), to_minor("0.1", "kwd"), to_minor(0.285, "usd")
    (5716, 100, 28)
    """
    try:
        exact = Decimal(str(major)).scaleb(EXPONENTS[currency])
        return int(exact.to_integral_value())
    except (InvalidOperation, OverflowError, ValueError) as problem:
        message = f"`{major}` is not an amount"
        raise ValueError(message) from problem
