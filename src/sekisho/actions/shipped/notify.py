"""`notify.send`: tell people, through what apprise knows: Slack, Teams, e-mail and many more."""

# apprise's own annotations are incomplete.
# pyright: strict, reportUnknownMemberType=false

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result, Unknown
from sekisho.actions.shipped.connectors import NotifyConfig
from sekisho.durable import Retry

TITLE_MAX: Final = 250
TEXT_MAX: Final = 10_000


class NotifyParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom, and what.

    Attributes:
        to: a name under `[notify.…]` in the file of connectors.
        text: what is said.
        title: above it; an e-mail's subject.
    """

    to: str
    text: str
    title: str = "Sekisho"


class Notifiers:
    """Whom people are told through, by name.

    Args:
        by_name: as configured.
        place: directory of the file of connectors.
    """

    def __init__(self, by_name: Mapping[str, NotifyConfig], place: Path) -> None:
        self._by_name = by_name
        self._place = place

    def addresses(self, name: str) -> list[str]:
        """The addresses under a name, read anew each time, so that they can be changed.

        Raises:
            ValueError: there is none of that name, or apprise is not installed.
        """
        found = self._by_name.get(name)
        if found is None:
            known = ", ".join(self._by_name) or "none"
            raise ValueError(f"`to`: nobody is configured as `{name}`, there are: {known}")
        if find_spec("apprise") is None:
            raise ValueError("install the extra to notify: uv pip install 'sekisho[notify]'")
        lines = (self._place / found.url_file).read_text("utf-8").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


class Notify(ActionKind[NotifyParams]):
    """Tells people. Somebody may be told twice, when it is not known whether they were."""

    name = "notify.send"
    params = NotifyParams
    retry: ClassVar[Retry] = "safe"
    timeout_s: ClassVar[float] = 30

    def prepare(self, params: NotifyParams) -> None:
        """There is somebody of that name, and something to say."""
        if not 0 < len(params.text) <= TEXT_MAX:
            raise ValueError(f"`text` has 1 to {TEXT_MAX} characters")
        if len(params.title) > TITLE_MAX:
            raise ValueError(f"`title` has at most {TITLE_MAX} characters")
        self.services.of(Notifiers).addresses(params.to)

    def destination(self, params: NotifyParams) -> str:
        """The name: its service is spared when it fails."""
        return f"notify:{params.to}"

    async def run(self, params: NotifyParams, context: ActionContext) -> Result:
        """Tell everybody under the name."""
        del context
        try:
            addresses = self.services.of(Notifiers).addresses(params.to)
        except (ValueError, OSError) as error:
            raise GiveUp(str(error)) from error
        if not await asyncio.to_thread(_tell, addresses, params):
            raise Unknown(f"not everybody under `{params.to}` could be told")
        return Result({"told": len(addresses)})

    def describe(self, params: NotifyParams) -> str:
        """Who would be told what."""
        return f"tell `{params.to}`: {params.text}"


def _tell(addresses: list[str], params: NotifyParams) -> bool:
    import apprise  # noqa: PLC0415 — an extra

    teller = apprise.Apprise()
    if not all(teller.add(one) for one in addresses):
        raise GiveUp(f"an address under `{params.to}` is none that apprise knows")
    return bool(teller.notify(body=params.text, title=params.title))
