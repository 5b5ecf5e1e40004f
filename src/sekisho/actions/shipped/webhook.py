"""`webhook.send`: tell a server of the operator's, signed as Standard Webhooks."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result
from sekisho.actions.shipped.answers import called
from sekisho.actions.shipped.services import Records, Webhooks
from sekisho.durable import Retry
from sekisho.webhooks import Endpoint, EndpointRefused, Message, found_endpoint, outcall_of

TYPE_MAX = 100


class WebhookParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, and what.

    Attributes:
        endpoint: id of the endpoint.
        type: what happened, such as `decision.blocked`.
        data: what is told; empty = what the action is because of.
    """

    endpoint: str
    type: str
    data: dict[str, Any] = {}


class WebhookSend(ActionKind[WebhookParams]):
    """Sends a signed message to an endpoint.

    `webhook-id` and `Idempotency-Key` are the action's id, the same at every attempt; the body is
    the same too, and signed anew.
    """

    name = "webhook.send"
    params = WebhookParams
    retry: ClassVar[Retry] = "safe"
    attempts_max: ClassVar[int] = 20

    def prepare(self, params: WebhookParams) -> None:
        """The endpoint is there, and the type is a word."""
        if not 0 < len(params.type) <= TYPE_MAX:
            raise ValueError(f"`type` has 1 to {TYPE_MAX} characters")
        self._endpoint(params)

    def check_named(self, settled: Mapping[str, Any]) -> None:
        """The endpoint is there."""
        if "endpoint" in settled:
            found_endpoint(self.services.of(Records).read(), str(settled["endpoint"]))

    def destination(self, params: WebhookParams) -> str:
        """The endpoint's host; nothing once the endpoint is gone."""
        try:
            return urlsplit(self._endpoint(params).url).netloc
        except EndpointRefused:
            return ""

    async def run(self, params: WebhookParams, context: ActionContext) -> Result:
        """Send it once."""
        try:
            endpoint = self._endpoint(params)
        except EndpointRefused as refused:
            raise GiveUp(str(refused)) from refused
        if not endpoint.is_enabled:
            raise GiveUp(f"the endpoint `{endpoint.id}` is switched off")
        webhooks = self.services.of(Webhooks)
        data = params.data or dict(context.cause)
        message = Message(context.id, params.type, context.accepted_us, data)
        outcall = outcall_of(webhooks.keys, endpoint, message, context.now_us)
        returned = await called(webhooks.egress, outcall, context.now_us)
        return Result({"status": returned.status})

    def describe(self, params: WebhookParams) -> str:
        """Where it would go."""
        return f"send `{params.type}` to {self._endpoint(params).url}"

    def _endpoint(self, params: WebhookParams) -> Endpoint:
        return found_endpoint(self.services.of(Records).read(), params.endpoint)
