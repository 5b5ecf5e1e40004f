"""A node on a message broker: actions asked for over it, and attempts handed to workers."""

import asyncio

from sekisho.actions import ActionDesk, Handing, Kinds, RemoteAttempts, take_in
from sekisho.brokers import BrokerError, open_broker, stop
from sekisho.entrypoints.settings import PREFIX, Settings, SettingsError
from sekisho.kit.clock import Clock


class Bridge:
    """Owns the connection to the broker.

    Args:
        settings: which broker, and which kinds of action go to workers.
        owner: names this process within its groups.
        kinds: what is installed.

    Raises:
        SettingsError: the address names no broker, or a kind is not installed.
    """

    def __init__(self, settings: Settings, owner: str, kinds: Kinds) -> None:
        away = [name.strip() for name in settings.worker_actions.split(",") if name.strip()]
        for name in away:
            if name not in kinds.names():
                known = ", ".join(kinds.names())
                raise SettingsError(f"{PREFIX}WORKER_ACTIONS: no kind `{name}`; there are {known}")
        try:
            self.broker = open_broker(settings.broker, owner)
        except BrokerError as error:
            raise SettingsError(f"{PREFIX}BROKER: {error}") from error
        self.handing = Handing(self.broker, frozenset(away), float(settings.worker_patience_s))
        self.attempts: RemoteAttempts
        """Those whose endings are listened for; set by whoever makes attempts."""
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, desk: ActionDesk, clock: Clock) -> None:
        """Take in what is asked for and what workers answer, on the running event loop."""
        self._tasks = [
            asyncio.create_task(take_in(self.broker, desk, clock.now_us)),
            asyncio.create_task(self.attempts.listen()),
        ]

    async def end(self) -> None:
        """Take in no more, and let go of the broker."""
        await stop(*self._tasks)
        self._tasks = []
        await self.broker.close()
