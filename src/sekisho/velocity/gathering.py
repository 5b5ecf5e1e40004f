"""One generated function that turns a record into the words the store takes."""

import re
import struct
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any, Final

from xxhash import xxh3_64_intdigest

from sekisho.language import Catalogue, Type
from sekisho.velocity.conditions import Record

Value = str | float | int | bool
Gather = Callable[[int, int, int, Record], None]
"""Hands over time, type bit, condition bits and a record."""

MASK: Final = (1 << 64) - 1
DECIMAL: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""How metadata spells a number: the rule language's own form."""
_is_decimal = re.compile(DECIMAL).fullmatch
CODEC: Final = "'utf-8', 'surrogatepass'"
NUMBER_SEED: Final = 1  # numbers and texts of the same bytes must not meet


def number_identity(value: float, seed: int) -> int:
    """The identity of a number or a flag; 1, 1.0 and True are one value."""
    packed = struct.pack("<d", float(value) + 0.0)  # -0 and 0 are one number
    return xxh3_64_intdigest(packed, (seed + NUMBER_SEED) & MASK) or 2


def gatherer(
    fields: tuple[str, ...],
    values: tuple[tuple[str, bool], ...],
    condition_words: int,
    load: Callable[..., None],
    seed: int,
) -> Gather:
    """Generate the function for these fields and values; a value's flag says that it is metadata.

    A value's identity is its keyed 64-bit hash: equal values have equal ones, two different values
    meet with probability 2**-63. The identity of a field is kept until the field holds another
    object, because an event is first read and then counted, with the same texts in its record.
    Names enter the source as Python literals only.
    """
    lines = [_header(fields), "def gather(at_us, type_bit, conditions, record):"]
    if fields:
        lines.append("    global " + ", ".join(f"seen_{n}, id_{n}" for n in range(len(fields))))
    lines.append("    get = record.get")
    for number, name in enumerate(fields):
        lines += [
            f"    value = get({name!r})",
            f"    if value is not seen_{number}:",
            f"        seen_{number} = value",
            "        if value.__class__ is str:",
            f"            id_{number} = digest(value.encode({CODEC}), seed) or 2",
            "        else:",
            f"            id_{number} = 0 if value is None else number_identity(value, seed)",
        ]
    words = ["at_us", "type_bit", *_condition_words(condition_words)]
    words += [f"id_{number}" for number in range(len(fields))]
    words += [_value(name, is_text=is_text) for name, is_text in values]
    lines.append(f"    load({', '.join(words)})")
    scope: dict[str, object] = {
        "digest": xxh3_64_intdigest,
        "load": load,
        "nan": float("nan"),
        "number": _number,
        "number_identity": number_identity,
        "seed": seed,
    }
    exec("\n".join(lines), scope)  # noqa: S102 — the source above is ours, names are literals in it
    return scope["gather"]  # pyright: ignore[reportReturnType] — defined by the source


def put_all(names: Sequence[str]) -> Callable[[dict[str, Any], Iterable[float]], None]:
    """Generate the function that puts one value under each name, a third of the time of a loop.

    >>> known = {}
    >>> put_all(["a", "b"])(known, [1, 2])
    >>> known
    {'a': 1, 'b': 2}
    """
    places = "".join(f"known[{name!r}], " for name in names)
    scope: dict[str, Any] = {}
    exec(f"def put(known, values): ({places}) = values", scope)  # noqa: S102 — names are literals in it
    return scope["put"]


def _header(fields: tuple[str, ...]) -> str:
    return "\n".join(f"seen_{number} = None; id_{number} = 0" for number in range(len(fields)))


def _condition_words(count: int) -> list[str]:
    if count == 1:
        return ["conditions"]
    return [f"conditions >> {64 * word} & {MASK}" for word in range(count)]


def _value(name: str, *, is_text: bool) -> str:
    return f"number(get({name!r}))" if is_text else f"get({name!r}, nan)"


def _number(value: Value | None) -> float:
    if isinstance(value, str):
        number = float(value) if _is_decimal(value) else float("nan")
        return number if isfinite(number) else float("nan")
    return float("nan") if value is None else float(value)


def is_text_value(name: str, catalogue: Catalogue) -> bool:
    """Whether a value must be read from text: metadata holds numbers as text."""
    spec = catalogue.get(name)
    return spec is None or spec.type is Type.METADATA
