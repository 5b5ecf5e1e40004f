"""How text is folded so that every engine may compare exactly."""

from collections.abc import Iterable

from sekisho.language.tree import Type

_CASE_SENSITIVE_ITEMS = frozenset(
    {
        "account",
        "card_fingerprint",
        "case_sensitive_string",
        "crypto_fingerprint",
        "customer_id",
        "sepa_debit_fingerprint",
        "us_bank_account_fingerprint",
    }
)


def fold(type: Type, value: str) -> str:  # noqa: A002 — the language's own word for it
    """The form in which a text of this type is stored in a record or a compiled rule.

    Text compared without regard to case is case-folded; country and state codes are upper-cased;
    case-sensitive text and metadata stay as they are.

    >>> fold(Type.STRING_CI, "STRASSE@Example.com"), fold(Type.COUNTRY, "us")
    ('strasse@example.com', 'US')
    >>> fold(Type.METADATA, "Ab")
    'Ab'
    """
    if type is Type.STRING_CI:
        return value.casefold()
    if type is Type.COUNTRY or type is Type.STATE:
        return value.upper()
    return value


def fold_items(item_type: str, items: Iterable[str]) -> frozenset[str]:
    """The items of a list as the engines look them up, whatever attribute reads the list.

    One list of item type `string` may serve a case-insensitive attribute, a state and a metadata
    key, whose record values are folded differently: such a list holds every form of its items.

    >>> sorted(fold_items("country", ["us", "De"]))
    ['DE', 'US']
    >>> sorted(fold_items("case_sensitive_string", ["Ab"])), sorted(fold_items("string", ["Ab"]))
    (['Ab'], ['AB', 'Ab', 'ab'])
    """
    if item_type == "country":
        return frozenset(item.upper() for item in items)
    if item_type in _CASE_SENSITIVE_ITEMS:
        return frozenset(items)
    return frozenset(form for item in items for form in (item, item.casefold(), item.upper()))
