"""Lengths of time as people write them: `90s`, `5m`, `36h`, `7d`, `all_time`."""

import re
from typing import Final

from sekisho.velocity.spec import DAY_US, LONGEST_WINDOW_US, SECOND_US, CounterRefused

_FORM: Final = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS: Final = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3600 * SECOND_US, "d": DAY_US}
_UNITS_TEXT: Final = "a whole number and s, m, h, d or w, such as `36h`"


def parse_duration(text: object, place: str) -> int:
    """Microseconds of a length of time.

    Raises:
        CounterRefused: not a length of time.

    >>> parse_duration("36h", "window") // 3_600_000_000
    36
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise CounterRefused(f"`{text}` is not a length of time: write {_UNITS_TEXT}", place, "36h")
    number, unit = match.groups()
    return int(number) * (7 * DAY_US if unit == "w" else _UNITS[unit])


def parse_window(text: object) -> int | None:
    """Microseconds of a window from one second to 365 days; None for `all_time`.

    Raises:
        CounterRefused: not a window.
    """
    if text in ("all_time", "all"):
        return None
    length = parse_duration(text, "window")
    if not SECOND_US <= length <= LONGEST_WINDOW_US:
        message = f"a window is from `1s` to `365d` long, or `all_time`: `{text}` is not"
        raise CounterRefused(message, "window", "365d" if length else "1s")
    return length


def parse_lag(text: object) -> int:
    """Microseconds by which a window lies back, at most 365 days.

    Raises:
        CounterRefused: not a lag.
    """
    length = parse_duration(text, "lag")
    if length > LONGEST_WINDOW_US:
        raise CounterRefused(f"a lag is at most `365d`: `{text}` is not", "lag", "365d")
    return length
