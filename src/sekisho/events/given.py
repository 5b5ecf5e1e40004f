"""Attributes a caller gives directly: checked against the catalogue, folded, and put last."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final

from sekisho.events import normalise
from sekisho.events.bounds import CHOICES, RANGES, Range, told
from sekisho.events.context import Kind
from sekisho.events.draft import Draft, Scalar
from sekisho.events.refusal import MAX_PROBLEMS, shown

_EXACT_INTEGERS: Final = 2**53
_TAKES: Final = {Kind.FLAG: "true or false", Kind.NUMBER: "a number"}
_NUMBER, _FLAG, _FOLDED = int(Kind.NUMBER), int(Kind.FLAG), int(Kind.FOLDED)


def put_given(draft: Draft, attributes: Mapping[str, Scalar]) -> None:
    """Put each given attribute over whatever was derived; note each that cannot be taken."""
    givable, record = draft.context.givable, draft.record
    for name, value in attributes.items():
        kind = givable.get(name)
        if kind is None:
            _refuse_name(draft, name)
        elif kind == _NUMBER:
            if type(value) is float or (
                type(value) is int and -_EXACT_INTEGERS <= value <= _EXACT_INTEGERS
            ):
                bounds = RANGES.get(name)
                if bounds is None or bounds[0] <= value <= bounds[1]:
                    record[name] = value
                else:
                    _refuse_number(draft, name, bounds)
            else:
                _refuse_value(draft, name, kind)
        elif kind == _FLAG:
            if value is True or value is False:
                record[name] = value
            else:
                _refuse_value(draft, name, kind)
        elif isinstance(value, str):
            _put_text(draft, name, kind, value)
        else:
            _refuse_value(draft, name, kind)


def _put_text(draft: Draft, name: str, kind: int, value: str) -> None:
    """Fold a text like the field it stands for; empty text leaves what was derived."""
    if not value:
        return
    if name in CHOICES:
        put_choice(draft, name, value, f"attributes.{name}")
    elif name in _SPELLING:
        _put_spelt(draft, name, value)
    elif kind == _FOLDED:
        draft.record[name] = value.casefold()
    elif kind == Kind.COUNTRY:
        draft.put_country(name, value, f"attributes.{name}")
    elif kind == Kind.STATE:
        draft.record[name] = value.upper()
    else:
        draft.record[name] = value


def put_choice(draft: Draft, name: str, value: str, place: str) -> None:
    """Put one of the few texts an attribute takes, or say which they are."""
    folded = value.casefold() if draft.context.givable[name] == _FOLDED else value
    if folded in CHOICES[name]:
        draft.record[name] = folded
        return
    near = get_close_matches(folded[:100], CHOICES[name], n=1)
    hint = f"did you mean `{near[0]}`?" if near else ""
    taken = ", ".join(f"`{one}`" for one in sorted(CHOICES[name]))
    draft.refuse(place, "bad_value", f"`{name}` is one of {taken}", hint)


def _put_spelt(draft: Draft, name: str, value: str) -> None:
    spelt = _SPELLING[name](value)
    if spelt is None:
        draft.refuse(f"attributes.{name}", f"bad_{name}", f"`{name}` cannot be read")
    else:
        draft.record[name] = spelt


def _email(text: str) -> str | None:
    found = normalise.email(text)
    return found.folded if found else None


def _phone(text: str) -> str | None:
    found = normalise.phone(text.strip())
    return found.number if found else None


_SPELLING: Final[dict[str, Callable[[str], str | None]]] = {
    "email": _email,
    "phone": _phone,
    "ip_address": normalise.ip_address,
    "card_brand": normalise.card_brand,
    "cardholder_name": normalise.folded_name,
}


def _refuse_value(draft: Draft, name: str, kind: int) -> None:
    takes = _TAKES.get(Kind(kind), "text")
    draft.refuse(f"attributes.{name}", "wrong_type", f"`{name}` takes {takes}")


def _refuse_number(draft: Draft, name: str, bounds: Range) -> None:
    draft.refuse(f"attributes.{name}", "out_of_range", f"`{name}` is {told(bounds)}")


def _refuse_name(draft: Draft, name: str) -> None:
    if len(draft.problems) >= MAX_PROBLEMS:
        return  # looking for what was meant costs too much to do it for a flood
    place = f"attributes.{shown(name)}"
    if name in draft.context.catalogue:
        hint = "leave it out; its value comes from the events received"
        draft.refuse(place, "counter_given", f"`{name}` is counted here and cannot be given", hint)
        return
    near = get_close_matches(name[:100], draft.context.givable, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "free data goes into `metadata`"
    draft.refuse(place, "unknown_attribute", f"unknown attribute `{shown(name)}`", hint)
