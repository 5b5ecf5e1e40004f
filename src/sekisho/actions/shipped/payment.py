"""`payment.refund`, `payment.cancel` and `payment.reverse`, through a processor's API."""

from typing import ClassVar, Generic, TypeVar

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result, TryAgain
from sekisho.actions.shipped.answers import Refused
from sekisho.actions.shipped.processor import Processor, Processors
from sekisho.durable import Retry

ID_MAX = 255
ALREADY = "charge_already_refunded"
"""Code of a processor that has nothing left to give back."""
REASONS = ("", "duplicate", "fraudulent", "requested_by_customer")


class RefundParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payment, and how much of it.

    Attributes:
        payment: the processor's id, `pi_…` or `ch_…`.
        amount: minor units of the payment's currency; None = all that is left.
        reason: as the processor takes it.
        connector: name of the processor in the file of connectors.
    """

    payment: str
    amount: int | None = None
    reason: str = ""
    connector: str = ""


class CancelParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payment.

    Attributes:
        payment: the processor's id, `pi_…`.
        connector: name of the processor in the file of connectors.
    """

    payment: str
    connector: str = ""


class ReverseParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payment.

    Attributes:
        payment: the processor's id, `pi_…` or `ch_…`; empty = `about`.
        about: the event that the payment was decided as, for those who use the processor's ids.
        event, rule: the outcome and the rule because of which it is reversed.
        connector: name of the processor in the file of connectors.
    """

    payment: str = ""
    about: str = ""
    event: str = ""
    rule: str = ""
    connector: str = ""


Params = TypeVar("Params", RefundParams, CancelParams, ReverseParams)


class PaymentKind(ActionKind[Params], Generic[Params]):
    """What the three share: the processor knows the action's id, so a repeat has no effect."""

    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: Params) -> None:
        """The payment is named, and the processor is there."""
        if not 0 < len(payment_of(params)) <= ID_MAX:
            raise ValueError(f"`payment` has 1 to {ID_MAX} characters")
        self._processor(params)

    def destination(self, params: Params) -> str:
        """The processor's host."""
        try:
            return self._processor(params).host
        except ValueError:
            return ""

    def _processor(self, params: Params) -> Processor:
        return self.services.of(Processors).of(params.connector)

    def _at_hand(self, params: Params) -> Processor:
        try:
            return self._processor(params)
        except ValueError as error:
            raise GiveUp(str(error)) from error


class PaymentRefund(PaymentKind[RefundParams]):
    """Gives a payment back, wholly or in part. It cannot be undone."""

    name = "payment.refund"
    params = RefundParams

    def prepare(self, params: RefundParams) -> None:
        """The amount and the reason can be, and the rest as for the others."""
        if params.amount is not None and params.amount <= 0:
            raise ValueError("`amount` is a whole number of minor units above 0")
        if params.reason not in REASONS:
            raise ValueError(f"`reason` is one of {', '.join(REASONS[1:])}, or empty")
        super().prepare(params)

    async def run(self, params: RefundParams, context: ActionContext) -> Result:
        """Ask for the refund."""
        processor = self._at_hand(params)
        refund = await processor.refund(params.payment, context, params.amount, params.reason)
        return Result({"refund": refund})


class PaymentCancel(PaymentKind[CancelParams]):
    """Cancels a payment that was authorised and not captured. It cannot be undone."""

    name = "payment.cancel"
    params = CancelParams

    async def run(self, params: CancelParams, context: ActionContext) -> Result:
        """Ask for the cancellation."""
        status = await self._at_hand(params).cancel(params.payment, context)
        return Result({"status": status})


class PaymentReverse(PaymentKind[ReverseParams]):
    """Makes a payment undone, whatever stands to be: cancelled while it can be, else refunded."""

    name = "payment.reverse"
    params = ReverseParams

    async def run(self, params: ReverseParams, context: ActionContext) -> Result:
        """Look at the payment, then cancel it or refund what is left."""
        processor, payment = self._at_hand(params), payment_of(params)
        match await processor.stage(payment, context):
            case "open":
                return Result({"status": await processor.cancel(payment, context)})
            case "paid":
                return Result({"refund": await self._refunded(processor, payment, context)})
            case "under_way":
                raise TryAgain("the processor is still working on the payment")
            case "over":
                return Result({"status": "nothing left to reverse"})

    async def _refunded(
        self, processor: Processor, payment: str, context: ActionContext
    ) -> str | None:
        """The refund of all that is left; None when nothing was."""
        try:
            return await processor.refund(payment, context, None, "fraudulent")
        except Refused as refused:
            if refused.code != ALREADY:
                raise
            return None


def payment_of(params: RefundParams | CancelParams | ReverseParams) -> str:
    """The processor's id of the payment."""
    about = params.about if isinstance(params, ReverseParams) else ""
    return params.payment or about
