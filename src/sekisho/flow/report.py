"""Which attributes an answer lists: a struct made once for a rule set, filled for each decision."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import msgspec

from sekisho.events import Record


def reporter(names: Sequence[str]) -> Callable[[Record], msgspec.Struct]:
    """A function that lists the named attributes of a record, those it lacks left out.

    >>> report = reporter(["card_country", "::Kind::", "amount"])
    >>> msgspec.json.encode(report({"amount": 5, "::Kind::": "x", "email": "a@example.com"}))
    b'{"::Kind::":"x","amount":5}'
    """
    fields = [(f"a{at}", Any, msgspec.UNSET) for at in range(len(names))]
    rename = {f"a{at}": name for at, name in enumerate(names)}
    listed = msgspec.defstruct("Reported", fields, rename=rename, gc=False)
    unset = repeat(msgspec.UNSET)
    wanted = tuple(names)
    return lambda record: listed(*map(record.get, wanted, unset))
