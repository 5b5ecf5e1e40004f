"""`step_up.otp`: have somebody prove who they are with a one-time code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result
from sekisho.actions.shipped.answers import called
from sekisho.actions.shipped.connectors import Connectors, OtpConfig
from sekisho.durable import Retry
from sekisho.egress import Egress, Outcall

TO_MAX: Final = 255


class StepUpParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to prove themselves, and how.

    Attributes:
        to: a phone number, an e-mail address, or what else the service takes.
        channel: how the code goes.
        reference: what it is for; empty = the event that the action is because of.
        connector: name of the service in the file of connectors.
    """

    to: str
    channel: Literal["sms", "voice", "email", "push"] = "sms"
    reference: str = ""
    connector: str = ""


class OtpServices:
    """Services that send one-time codes, by name.

    Args:
        by_name: as configured.
        place: directory of the file of connectors.
        egress: the way out.
    """

    def __init__(self, by_name: Mapping[str, OtpConfig], place: Path, egress: Egress) -> None:
        self._by_name = by_name
        self._place = place
        self.egress = egress

    def of(self, name: str) -> OtpConfig:
        """A service; an empty name means `main`, or the only one.

        Raises:
            ValueError: there is none of that name.
        """
        if not name and len(self._by_name) == 1:
            return next(iter(self._by_name.values()))
        found = self._by_name.get(name or Connectors.FIRST)
        if found is None:
            known = ", ".join(self._by_name) or "none"
            raise ValueError(
                f"`connector`: no service `{name or Connectors.FIRST}` sends one-time codes,"
                f" there are: {known} (see SEKISHO_CONNECTORS)"
            )
        return found

    def key(self, config: OtpConfig) -> str:
        """The service's bearer key, read anew each time, so that it can be changed."""
        return (self._place / config.key_file).read_text("ascii").strip()


class StepUpOtp(ActionKind[StepUpParams]):
    """Asks a service of yours to send a one-time code; Sekisho itself sends and checks none."""

    name = "step_up.otp"
    params = StepUpParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: StepUpParams) -> None:
        """There is somebody to send to, and a service that does."""
        if not 0 < len(params.to) <= TO_MAX:
            raise ValueError(f"`to` has 1 to {TO_MAX} characters")
        self.services.of(OtpServices).of(params.connector)

    def destination(self, params: StepUpParams) -> str:
        """The service's host."""
        try:
            return urlsplit(self.services.of(OtpServices).of(params.connector).url).netloc
        except ValueError:
            return ""

    async def run(self, params: StepUpParams, context: ActionContext) -> Result:
        """Ask for the code; the service knows the action's id, so a repeat sends no second one."""
        services = self.services.of(OtpServices)
        try:
            config = services.of(params.connector)
            key = services.key(config)
        except (ValueError, OSError) as error:
            raise GiveUp(str(error)) from error
        reference = params.reference or str(context.cause.get("event", ""))
        asked = {"to": params.to, "channel": params.channel, "reference": reference}
        headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "idempotency-key": context.id,
        }
        outcall = Outcall(config.url, headers=headers, body=msgspec.json.encode(asked))
        returned = await called(services.egress, outcall, context.now_us)
        return Result({"challenge": _id_in(returned.body)})

    def describe(self, params: StepUpParams) -> str:
        """How somebody would be asked; not whom, which is personal."""
        return f"ask for a one-time code by {params.channel}"


def _id_in(body: bytes) -> Any:
    """The `id` of what the service answered; None when it names none."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return told.get("id") if isinstance(told, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] — JSON
