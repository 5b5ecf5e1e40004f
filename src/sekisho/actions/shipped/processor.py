"""A payment processor: what can be asked of one, and the one of Stripe's shape."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from sekisho.actions.kinds import ActionContext, GiveUp, Unknown
from sekisho.actions.shipped.answers import called
from sekisho.actions.shipped.connectors import Connectors, PaymentsConfig
from sekisho.egress import Egress, Outcall

Stage = Literal["open", "under_way", "paid", "over"]
"""Of a payment: can be cancelled, cannot be told yet, can be refunded, nothing is left of it."""
TIMEOUT_S: Final = 8.0
_STAGES: Final[dict[str, Stage]] = {
    "requires_capture": "open",
    "requires_action": "open",
    "requires_confirmation": "open",
    "requires_payment_method": "open",
    "processing": "under_way",
    "succeeded": "paid",
    "canceled": "over",
}


class Processor(Protocol):
    """Moves money back. Each call carries the action's id, so a repeat has no second effect.

    All raise `GiveUp`, `TryAgain` or `Unknown`.
    """

    @property
    def host(self) -> str:
        """Where it is, for rate limits."""
        ...

    async def refund(
        self, payment: str, context: ActionContext, amount: int | None, reason: str
    ) -> str:
        """Give back an amount in minor units, or all that is left; the refund's id."""
        ...

    async def cancel(self, payment: str, context: ActionContext) -> str:
        """Cancel what is not captured; the payment's status."""
        ...

    async def stage(self, payment: str, context: ActionContext) -> Stage:
        """How far a payment is."""
        ...


class Processors:
    """The processors of an installation, by name."""

    def __init__(self, by_name: Mapping[str, Processor]) -> None:
        self._by_name = by_name

    def of(self, name: str) -> Processor:
        """A processor; an empty name means `main`, or the only one.

        Raises:
            ValueError: there is none of that name.
        """
        if not name and len(self._by_name) == 1:
            return next(iter(self._by_name.values()))
        found = self._by_name.get(name or Connectors.FIRST)
        if found is None:
            known = ", ".join(self._by_name) or "none"
            raise ValueError(
                f"`connector`: no payment processor `{name or Connectors.FIRST}` is configured,"
                f" there are: {known} (see SEKISHO_CONNECTORS)"
            )
        return found


class StripeShaped:
    """A processor with Stripe's API: forms in, JSON out, `Idempotency-Key`."""

    def __init__(self, config: PaymentsConfig, place: Path, egress: Egress) -> None:
        self._config = config
        self._key_file = place / config.key_file
        self._egress = egress

    @property
    def host(self) -> str:
        """Where it is, for rate limits."""
        return urlsplit(self._config.url).netloc

    async def refund(
        self, payment: str, context: ActionContext, amount: int | None, reason: str
    ) -> str:
        """Give back an amount in minor units, or all that is left; the refund's id."""
        form = {"charge" if payment.startswith("ch_") else "payment_intent": payment}
        form["metadata[sekisho_action]"] = context.id
        if amount is not None:
            form["amount"] = str(amount)
        if reason:
            form["reason"] = reason
        told = await self._ask("POST", "refunds", context, form)
        if told.get("status") in {"failed", "canceled"}:
            raise GiveUp(f"the refund {told.get('id')} is {told['status']}")
        return str(told.get("id", ""))

    async def cancel(self, payment: str, context: ActionContext) -> str:
        """Cancel what is not captured; the payment's status."""
        path = f"payment_intents/{quote(payment, safe='')}/cancel"
        told = await self._ask("POST", path, context, {"cancellation_reason": "fraudulent"})
        return str(told.get("status", ""))

    async def stage(self, payment: str, context: ActionContext) -> Stage:
        """How far a payment is."""
        if payment.startswith("ch_"):
            charge = await self._ask("GET", f"charges/{quote(payment, safe='')}", context)
            if charge.get("refunded"):
                return "over"
            return "paid" if charge.get("captured") else "open"
        told = await self._ask("GET", f"payment_intents/{quote(payment, safe='')}", context)
        return _STAGES.get(str(told.get("status")), "under_way")

    async def _ask(
        self, method: str, path: str, context: ActionContext, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._key_file.read_text('ascii').strip()}"}
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
            headers["idempotency-key"] = f"{context.id}.{path.rpartition('/')[2]}"
        if self._config.version:
            headers["stripe-version"] = self._config.version
        url = f"{self._config.url.rstrip('/')}/v1/{path}"
        body = urlencode(form or {}).encode()
        returned = await called(
            self._egress, Outcall(url, method, headers, body, TIMEOUT_S), context.now_us
        )
        try:
            return msgspec.json.decode(returned.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unknown("the processor's answer is not JSON") from error
