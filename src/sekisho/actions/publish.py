"""`event.publish`: tells other systems, as a CloudEvent on the broker."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result, TryAgain
from sekisho.brokers import Broker, BrokerUnavailable, Message
from sekisho.durable import Retry

SOURCE: Final = "sekisho"
OURS: Final = "sekisho."
Topic = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class Bus:
    """The broker, as kinds of action see it."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker


class PublishParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told, and where.

    Attributes:
        topic: not one of Sekisho's own.
        type: of the CloudEvent, such as `com.example.payment.blocked`.
        data: of the CloudEvent; what the action is because of when it is left out.
        group: made with the topic, so that it misses nothing; empty = listeners make their own.
    """

    topic: Topic
    type: str
    data: dict[str, Any] | None = None
    group: str = ""


class EventPublish(ActionKind[PublishParams]):
    """Publishes a CloudEvent in structured mode; its id is the action's, at every attempt."""

    name: ClassVar[str] = "event.publish"
    params = PublishParams
    retry: ClassVar[Retry] = "safe"

    async def run(self, params: PublishParams, context: ActionContext) -> Result:
        """Publish, and wait for the broker to confirm."""
        try:
            bus = self.services.of(Bus)
        except LookupError as error:
            raise GiveUp("no broker is set: start the server with SEKISHO_BROKER") from error
        data: Mapping[str, Any] = context.cause if params.data is None else params.data
        event = {
            "specversion": "1.0",
            "id": context.id,
            "source": SOURCE,
            "type": params.type,
            "datacontenttype": "application/json",
            "data": data,
        }
        headers = {"content-type": "application/cloudevents+json"}
        if context.traceparent:
            headers["traceparent"] = context.traceparent
        message = Message(context.id, msgspec.json.encode(event), context.ordering_key, headers)
        try:
            if params.group:
                await bus.broker.declare(params.topic, params.group)
            await bus.broker.publish(params.topic, [message])
        except BrokerUnavailable as error:
            raise TryAgain(str(error)) from error
        return Result({"topic": params.topic})

    def prepare(self, params: PublishParams) -> None:
        """Refuse Sekisho's own topics: an order that nobody gave would be carried out."""
        if params.topic.startswith(OURS):
            raise ValueError(f"`topic` may not begin with `{OURS}`: those are Sekisho's own")

    def destination(self, params: PublishParams) -> str:
        """One broker, one destination for each topic."""
        return f"topic {params.topic}"
