"""What an action is made of: a kind is one small class, found by its entry point."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from enum import Enum
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

import msgspec

from sekisho.durable import Retry
from sekisho.kit.sentences import going_on

GROUP: Final = "sekisho.actions"
"""Entry points of this group name subclasses of `ActionKind`."""

Params = TypeVar("Params", bound=msgspec.Struct)
Service = TypeVar("Service")


class Todo(msgspec.Struct, frozen=True):
    """An action that is asked for, before it has an id.

    Attributes:
        kind: name of its kind, such as `webhook.send`.
        params: what the kind reads, as JSON values.
        delay_s: not to be started before so many seconds have passed.
        ordering_key: actions of one key run one after another; None takes the asking action's.
        deadline_s: seconds after which it is no longer worth starting; 0 = never too late.
        dry_run: say what would be done, and do nothing.
        then: actions to ask for once this one is done; not when it dies or is cancelled.
    """

    kind: str
    params: Mapping[str, Any]
    delay_s: float = 0
    ordering_key: str | None = None
    deadline_s: float = 0
    dry_run: bool = False
    then: "tuple[Todo, ...]" = ()


class Result(msgspec.Struct, frozen=True):
    """What came of a successful attempt.

    Attributes:
        value: JSON values worth keeping, shown with the action and handed to `undo`.
        then: actions to follow; recorded in the same commit as this one's end, so they are there
            exactly when it is done.
    """

    value: Mapping[str, Any] = {}
    then: tuple[Todo, ...] = ()


class ActionContext(msgspec.Struct, frozen=True):
    """What a kind may know about the action it runs.

    Attributes:
        id: the action's id: the idempotency key to hand to the receiver, the same at every attempt.
        attempt: 1 for the first.
        now_us: when this attempt was started.
        accepted_us: when the action was asked for.
        ordering_key: of the action.
        cause: what it is because of, as JSON values: of a decision its `decision`, `event`, `type`,
            `outcome`, `rule` and `attributes`; empty for most others.
        traceparent: W3C trace context of the attempt, to hand on; empty when it is not traced.
        dry_run: do nothing, only answer what would be done.
    """

    id: str
    attempt: int
    now_us: int
    accepted_us: int = 0
    ordering_key: str = ""
    cause: Mapping[str, Any] = {}
    traceparent: str = ""
    dry_run: bool = False


class ActionError(Exception):
    """Base of what a kind raises to say how to go on."""


class TryAgain(ActionError):
    """The attempt certainly had no effect and may succeed later, whatever the kind's `retry` is.

    Args:
        reason: for people.
        after_s: not before so many seconds, as a receiver's `Retry-After` asks; None = back off.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class GiveUp(ActionError):
    """The attempt certainly had no effect and never will: the action is dead."""


class Unknown(ActionError):
    """Whether the attempt had its effect is not known: `safe` repeats it, `ask` must be checked."""


class Verdict(Enum):
    """What a receiver says when it is asked about an attempt of unknown outcome."""

    DONE = "done"
    """It took effect: the action is done."""
    NOT_DONE = "not_done"
    """It did not and no longer will: the action may be tried again."""
    UNKNOWN = "unknown"
    """It cannot say: a person has to."""


class Services:
    """What an installation offers to kinds: one object for each type.

    Kinds ask by type, so that a new one needs no change in between.
    """

    def __init__(self, *offered: object) -> None:
        self._offered: dict[type, object] = {}
        for one in offered:
            self.offer(type(one), one)

    def offer(self, kind: type[Service], service: Service) -> None:
        """Let kinds have a service under a type."""
        self._offered[kind] = service

    def of(self, kind: type[Service]) -> Service:
        """The service of a type.

        Raises:
            LookupError: this installation offers none.
        """
        found = self._offered.get(kind)
        if found is None:
            raise LookupError(f"this installation offers no `{kind.__name__}`")
        assert isinstance(found, kind)
        return found


class ActionKind(ABC, Generic[Params]):
    """A kind of action: typed parameters, and how to carry them out.

    One class in one file, named by an entry point of the group `sekisho.actions`. It is made once
    for an installation; `run` may be under way for many actions at the same time.

    Attributes:
        name: two words with a dot, such as `list.add`.
        params: the parameters, a frozen `msgspec.Struct`; unknown ones are refused if it says
            `forbid_unknown_fields=True`.
        retry: `safe` when the receiver knows the action's id, so that an attempt of unknown outcome
            may be repeated; `ask` when it has to be checked first.
        timeout_s: longest an attempt may take.
        attempts_max: attempts after which the action is dead.
        list_params: parameters that name a list by its alias; what a policy names stays.
    """

    name: ClassVar[str]
    params: type[Params]
    retry: ClassVar[Retry]
    timeout_s: ClassVar[float] = 10
    attempts_max: ClassVar[int] = 8
    list_params: ClassVar[tuple[str, ...]] = ()

    def __init__(self, services: Services) -> None:
        self.services = services

    @abstractmethod
    async def run(self, params: Params, context: ActionContext) -> Result:
        """Carry the action out.

        Raises:
            TryAgain: it had no effect; later, perhaps.
            GiveUp: it had no effect and never will.
            Unknown: it may have had its effect. Any other exception is taken as this.
        """

    async def check(self, params: Params, context: ActionContext) -> Verdict:
        """Ask the receiver whether an attempt of unknown outcome took effect."""
        del params, context
        return Verdict.UNKNOWN

    def undo(self, params: Params, result: Mapping[str, Any]) -> Todo | None:
        """The action that takes a done one back; None when it cannot be taken back."""
        del params, result
        return None

    def destination(self, params: Params) -> str:
        """Whom the action calls, such as a host: rate limits and circuit breakers are by this.

        Empty for kinds that stay inside.
        """
        del params
        return ""

    def describe(self, params: Params) -> str:
        """What would be done, in a sentence for people; what a dry run answers."""
        return f"{self.name} {msgspec.json.encode(params).decode()}"

    def prepare(self, params: Params) -> None:
        """Refuse parameters that are well formed and yet cannot be: an unknown list, a bad URL.

        Raises:
            ValueError: the message says which parameter, and what is allowed.
        """
        del params

    def check_named(self, settled: Mapping[str, Any]) -> None:
        """Refuse names of this installation that are not there: a list, an endpoint.

        Asked of a policy, where only a decision fills the other parameters.

        Args:
            settled: those parameters that are there already, as JSON values.

        Raises:
            ValueError: the message says which parameter, and what is missing.
        """
        del settled


class KindUnknown(LookupError):
    """No kind of that name is installed."""


class ParamsRefused(ValueError):
    """The parameters are not the kind's; the message says which and why."""


class Kinds:
    """The kinds of action of an installation, by name."""

    def __init__(self, kinds: Iterable[ActionKind[Any]]) -> None:
        self._by_name: dict[str, ActionKind[Any]] = {}
        for kind in kinds:
            other = self._by_name.setdefault(kind.name, kind)
            if other is not kind:
                raise ValueError(f"two kinds of action are called `{kind.name}`: uninstall one")

    def names(self) -> list[str]:
        """Every kind, in the order of the alphabet."""
        return sorted(self._by_name)

    def told(self) -> list[dict[str, Any]]:
        """Every kind as JSON values: name, meaning, retry, parameters as a JSON schema."""
        return [
            {
                "object": "action_kind",
                "name": name,
                "meaning": (type(kind).__doc__ or "").strip().split("\n")[0],
                "retry": kind.retry,
                "attempts_max": kind.attempts_max,
                "params": msgspec.json.schema(kind.params),
            }
            for name, kind in sorted(self._by_name.items())
        ]

    def find(self, name: str) -> ActionKind[Any]:
        """A kind by name.

        Raises:
            KindUnknown: none of that name is installed.
        """
        found = self._by_name.get(name)
        if found is None:
            known = ", ".join(self.names())
            raise KindUnknown(f"no action kind `{name}` is installed; there are {known}")
        return found

    def read(self, name: str, params: bytes) -> tuple[ActionKind[Any], Any]:
        """A kind, and its parameters from JSON.

        Raises:
            KindUnknown: none of that name is installed.
            ParamsRefused: they are not the kind's.
        """
        kind = self.find(name)
        try:
            return kind, msgspec.json.decode(params, type=kind.params)
        except msgspec.DecodeError as error:
            raise ParamsRefused(f"`{name}`: {going_on(error)}") from error

    def check(self, name: str, params: bytes) -> tuple[ActionKind[Any], Any]:
        """As `read`, and the kind accepts what they say; asked when an action is taken in.

        Raises:
            KindUnknown: none of that name is installed.
            ParamsRefused: they are not the kind's, or it cannot do that.
        """
        kind, read = self.read(name, params)
        try:
            kind.prepare(read)
        except ValueError as error:
            raise ParamsRefused(f"`{name}`: {error}") from error
        return kind, read

    def check_named(self, name: str, settled: Mapping[str, Any]) -> None:
        """What is named by the parameters that are settled is there.

        Raises:
            KindUnknown: none of that name is installed.
            ParamsRefused: it is not.
        """
        try:
            self.find(name).check_named(settled)
        except ValueError as error:
            raise ParamsRefused(f"`{name}`: {error}") from error

    def lists_named(self, name: str, settled: Mapping[str, Any]) -> set[str]:
        """Lists that settled parameters name; none of a kind that is not installed any more."""
        kind = self._by_name.get(name)
        wanted = kind.list_params if kind else ()
        return {str(settled[one]) for one in wanted if one in settled}


def installed_kinds(services: Services) -> Kinds:
    """Every kind that an installed package brings.

    Raises:
        ValueError: two packages bring the same name, or an entry point is no kind.
    """
    return Kinds(_made(point, services) for point in sorted(entry_points(group=GROUP)))


def _made(point: EntryPoint, services: Services) -> ActionKind[Any]:
    made: object = point.load()(services)
    if not isinstance(made, ActionKind):
        raise TypeError(f"entry point `{point.name}` of {GROUP} is no ActionKind: `{point.value}`")
    return cast("ActionKind[Any]", made)
