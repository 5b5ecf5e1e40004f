"""What an attempt over HTTP has come to, in the words of the executor."""

from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from sekisho.actions.kinds import GiveUp, TryAgain, Unknown
from sekisho.egress import Egress, EgressFailed, EgressRefused, Outcall, Returned
from sekisho.kit.clock import MICROSECONDS, to_us

LATER: Final = frozenset({408, 409, 423, 425, 429, 503})
"""Statuses by which a receiver says that it has done nothing yet and may do it later."""
WORDS_MAX: Final = 200
"""Characters of a refusal that are kept."""
WAIT_MAX_S: Final = 3_600.0
"""Longest wait that a receiver may ask for."""


class Refused(GiveUp):
    """The receiver refused for good.

    Args:
        message: for people.
        code: what the receiver calls it; empty when it does not say.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


async def called(egress: Egress, outcall: Outcall, now_us: int) -> Returned:
    """Send a request; a receiver that does not take it is told of in the executor's words.

    Raises:
        GiveUp: it may not be called; `Refused` when it refused for good.
        TryAgain: it certainly did nothing, and may later.
        Unknown: nobody knows.
    """
    try:
        returned = await egress.call(outcall)
    except EgressRefused as error:
        raise GiveUp(str(error)) from error
    except EgressFailed as error:
        raise (Unknown if error.maybe_sent else TryAgain)(str(error)) from error
    if returned.is_success:
        return returned
    code, message = _words(returned)
    said = f"the receiver answered {returned.status}" + (f": {message}" if message else "")
    if returned.status in LATER:
        raise TryAgain(said, wait_of(returned, now_us))
    if returned.status >= 500:  # noqa: PLR2004 — the receiver's own fault
        raise Unknown(said)
    raise Refused(said, code)


def _words(returned: Returned) -> tuple[str, str]:
    """Code and message of a receiver that refuses; of what is no JSON, the beginning."""
    try:
        said = msgspec.json.decode(returned.body, type=_Envelope).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", returned.body[:WORDS_MAX].decode("utf-8", "replace").strip()
    return said.code[:WORDS_MAX], said.message[:WORDS_MAX]


class _Words(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Envelope(msgspec.Struct):
    """The shape in which Stripe, and Sekisho, tell of errors."""

    error: _Words


def wait_of(returned: Returned, now_us: int) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or a date; None without one.

    >>> wait_of(Returned(429, {"retry-after": "7"}, b""), 0)
    7.0
    """
    text = returned.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), WAIT_MAX_S)
    try:
        wait_s = (to_us(parsedate_to_datetime(text)) - now_us) / MICROSECONDS
    except (TypeError, ValueError):
        return None
    return min(max(wait_s, 0.0), WAIT_MAX_S)
