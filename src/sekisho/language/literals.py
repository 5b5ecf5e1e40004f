"""What a text value means as a number, and what a LIKE pattern is made of."""

import re
from math import isfinite

NUMBER_PATTERN = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A decimal number as every engine reads it from metadata: ASCII digits, no spaces."""

_is_number = re.compile(NUMBER_PATTERN).fullmatch


def read_number(text: str) -> float | None:
    """The number a metadata value stands for, or None when it stands for none.

    >>> read_number("-12.50"), read_number("1e3"), read_number(" 30"), read_number("n/a")
    (-12.5, 1000.0, None, None)
    >>> read_number("1e999") is None  # beyond the range of numbers
    True
    """
    if _is_number(text) is None:
        return None
    value = float(text)
    return value if isfinite(value) else None


def like(text: str, pieces: tuple[str, ...]) -> bool:
    """Whether `text` fits a LIKE pattern given as `pattern.split("%")`; linear in the text.

    The first piece starts the text, the last ends it, and the others follow each other between.

    >>> like("fraudster@example.com", tuple("fraud%@example.com".split("%")))
    True
    """
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if not text.startswith(first):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        position = text.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return position <= end and text.endswith(last)
