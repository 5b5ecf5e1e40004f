"""`account.restrict`, `transfer.hold` and their inverses: what somebody may not do for now."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import apsw
import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, Result, Todo
from sekisho.actions.shipped.services import Records
from sekisho.durable import Retry
from sekisho.kit.clock import MICROSECONDS
from sekisho.restraints import RELEASE, Of, Restraint, lift, restrain

FEATURE: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
FEATURES_MAX: Final = 50
ID_MAX: Final = 255
REASON_MAX: Final = 1_000


class RestrictParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may not use what.

    Attributes:
        account: the account's id.
        features: such as `payout`, `transfer`, `login`; the names are the operator's.
        reason: for people.
        expires_in_s: seconds from when the action was asked for; 0 = until lifted.
    """

    account: str
    features: tuple[str, ...]
    reason: str = ""
    expires_in_s: float = 0


class UnrestrictParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may use what again."""

    account: str
    features: tuple[str, ...]


class HoldParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which transfer waits.

    Attributes:
        transfer: the transfer's id.
        reason: for people.
        expires_in_s: seconds from when the action was asked for; 0 = until released.
    """

    transfer: str
    reason: str = ""
    expires_in_s: float = 0


class ReleaseParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which transfer goes on."""

    transfer: str


class AccountRestrict(ActionKind[RestrictParams]):
    """Restricts features of an account, for a while or until lifted.

    One that is restricted already stays as it is, and undoing does not lift it.
    """

    name = "account.restrict"
    params = RestrictParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: RestrictParams) -> None:
        """The account, the features and the expiry can be."""
        _check("account", params.account, params.reason, params.expires_in_s)
        _check_features(params.features)

    async def run(self, params: RestrictParams, context: ActionContext) -> Result:
        """Restrict all of them in one commit."""
        made = [
            _restraint("account", params.account, feature, params, context)
            for feature in dict.fromkeys(params.features)
        ]
        return Result({"restricted": await _restrained(self.services.of(Records), made)})

    def undo(self, params: RestrictParams, result: Mapping[str, Any]) -> Todo | None:
        """Lift those that this action brought."""
        ours: list[str] = result.get("restricted", [])
        if not ours:
            return None
        return Todo(AccountUnrestrict.name, {"account": params.account, "features": ours})


class AccountUnrestrict(ActionKind[UnrestrictParams]):
    """Lifts restrictions of an account; one that is not there is no error."""

    name = "account.unrestrict"
    params = UnrestrictParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: UnrestrictParams) -> None:
        """The account and the features can be."""
        _check("account", params.account)
        _check_features(params.features)

    async def run(self, params: UnrestrictParams, context: ActionContext) -> Result:
        """Lift all of them in one commit."""
        records = self.services.of(Records)
        lifted = await _lifted(records, "account", params.account, params.features, context)
        return Result({"lifted": [one.feature for one in lifted]})

    def undo(self, params: UnrestrictParams, result: Mapping[str, Any]) -> Todo | None:
        """Restrict again, without expiry, what this action lifted."""
        lifted: list[str] = result.get("lifted", [])
        if not lifted:
            return None
        return Todo(AccountRestrict.name, {"account": params.account, "features": lifted})


class TransferHold(ActionKind[HoldParams]):
    """Holds a transfer, for a while or until it is released."""

    name = "transfer.hold"
    params = HoldParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: HoldParams) -> None:
        """The transfer and the expiry can be."""
        _check("transfer", params.transfer, params.reason, params.expires_in_s)

    async def run(self, params: HoldParams, context: ActionContext) -> Result:
        """Hold it."""
        one = _restraint("transfer", params.transfer, RELEASE, params, context)
        return Result({"held": bool(await _restrained(self.services.of(Records), [one]))})

    def undo(self, params: HoldParams, result: Mapping[str, Any]) -> Todo | None:
        """Release it, if this action held it."""
        if not result.get("held"):
            return None
        return Todo(TransferRelease.name, {"transfer": params.transfer})


class TransferRelease(ActionKind[ReleaseParams]):
    """Releases a held transfer; one that is not held is no error."""

    name = "transfer.release"
    params = ReleaseParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: ReleaseParams) -> None:
        """The transfer can be."""
        _check("transfer", params.transfer)

    async def run(self, params: ReleaseParams, context: ActionContext) -> Result:
        """Release it."""
        records = self.services.of(Records)
        lifted = await _lifted(records, "transfer", params.transfer, (RELEASE,), context)
        return Result({"released": bool(lifted)})

    def undo(self, params: ReleaseParams, result: Mapping[str, Any]) -> Todo | None:
        """Hold it again, without expiry, if this action released it."""
        return (
            Todo(TransferHold.name, {"transfer": params.transfer})
            if result.get("released")
            else None
        )


def _restraint(
    of: Of,
    subject: str,
    feature: str,
    params: RestrictParams | HoldParams,
    context: ActionContext,
) -> Restraint:
    until_us = 0
    if params.expires_in_s:
        until_us = context.accepted_us + round(params.expires_in_s * MICROSECONDS)
    return Restraint(of, subject, feature, context.now_us, until_us, params.reason, context.id)


async def _restrained(records: Records, made: Sequence[Restraint]) -> list[str]:
    """Write restraints; the features that these very actions hold back."""

    def write(connection: apsw.Connection) -> list[Restraint]:
        return [restrain(connection, one) for one in made]

    in_force = await records.write(write)
    return [one.feature for one, ours in zip(in_force, made, strict=True) if one.by == ours.by]


async def _lifted(
    records: Records, of: Of, subject: str, features: Sequence[str], context: ActionContext
) -> list[Restraint]:
    def write(connection: apsw.Connection) -> list[Restraint]:
        found = [lift(connection, of, subject, one, context.now_us) for one in features]
        return [one for one in found if one is not None]

    return await records.write(write)


def _check(of: Of, subject: str, reason: str = "", expires_in_s: float = 0) -> None:
    if not 0 < len(subject) <= ID_MAX:
        raise ValueError(f"`{of}` has 1 to {ID_MAX} characters")
    if len(reason) > REASON_MAX:
        raise ValueError(f"`reason` has at most {REASON_MAX} characters")
    if not 0 <= expires_in_s <= _CENTURY_S:
        raise ValueError("`expires_in_s` is 0, or seconds up to a hundred years")


def _check_features(features: Sequence[str]) -> None:
    if not 0 < len(features) <= FEATURES_MAX:
        raise ValueError(f"`features` names 1 to {FEATURES_MAX}")
    for one in features:
        if not FEATURE.fullmatch(one):
            raise ValueError(
                f"`features`: `{one[:60]}` is no word of small letters, digits and `_`"
            )


_CENTURY_S: Final = 100 * 366 * 86_400
