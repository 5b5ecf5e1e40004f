"""Actions asked for by messages: CloudEvents from any producer on a broker."""

from collections.abc import Callable
from typing import Final

from sekisho.actions.cloud_events import PREFIX, read_request
from sekisho.actions.desk import ActionDesk, ActionRefused
from sekisho.brokers import Broker, Consumption, Message, Poison, consume

ASKED: Final = "sekisho.actions"
"""Topic on which actions are asked for."""
GROUP: Final = "sekisho"
CALLER: Final = "broker"
BODY_BYTES: Final = 1 << 20
"""Longest message taken; as over HTTP."""
_PREFIXES: Final = ("cloudevents:", "cloudevents_", "ce_")
"""How the AMQP and the Kafka binding begin the names of attributes; NATS and HTTP say `ce-`."""


async def take_in(broker: Broker, desk: ActionDesk, now_us: Callable[[], int]) -> None:
    """Take actions in until cancelled; one is acknowledged once it is on disk.

    A message that asks for nothing that can be done goes to `sekisho.actions.dead` with the reason.
    """

    async def handler(message: Message) -> None:
        if len(message.body) > BODY_BYTES:
            raise Poison(f"too_large: a message has at most {BODY_BYTES} bytes")
        headers = {_header(name): value for name, value in message.headers.items()}
        try:
            request = read_request(headers, message.body, CALLER, "", now_us())
            await desk.submit(request.id, request.todo, request.asked)
        except ActionRefused as error:
            raise Poison(f"{error.code}: {error}") from error

    await consume(broker, Consumption(ASKED, GROUP), handler)


def _header(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return PREFIX + name.removeprefix(prefix)
    return name
