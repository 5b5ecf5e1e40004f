"""The checked tree of a rule: what every engine, the formatter and the explainer read."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Type(StrEnum):
    """What an attribute holds, and therefore which operators it takes."""

    STRING_CI = "string_ci"
    STRING_CS = "string_cs"
    COUNTRY = "country"
    STATE = "state"
    NUMERIC = "numeric"
    BOUNDED = "bounded_numeric_25"
    BOOLEAN = "boolean"
    METADATA = "metadata"


class Action(StrEnum):
    """What a rule asks for. The last two are Sekisho's own; the value is the canonical spelling."""

    REQUEST_3DS = "Request 3D Secure"
    ALLOW = "Allow"
    BLOCK = "Block"
    REVIEW = "Review"
    RESOLVE_DISPUTE = "Resolve dispute"
    PAYOUT_PAUSE = "Payout pause"
    CHALLENGE = "Challenge"
    HOLD = "Hold"


class Op(StrEnum):
    """Comparison operators, by their canonical spelling."""

    EQ = "="
    NE = "!="
    LT = "<"
    GT = ">"
    LE = "<="
    GE = ">="
    INCLUDES = "includes"
    LIKE = "like"


class Span(NamedTuple):
    """A slice of the rule's text: half-open character offsets from 0."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """A known attribute; `name` is current, a legacy spelling is already resolved to it."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Metadata:
    """A metadata value; `scope` is "", "customer", "destination" or "account"."""

    scope: str
    key: str
    span: Span

    @property
    def field(self) -> str:
        """Where a record keeps it: `::key::` or `::scope:key::`.

        >>> Metadata("customer", "Trusted", Span(0, 0)).field
        '::customer:Trusted::'
        """
        return f"::{self.scope}:{self.key}::" if self.scope else f"::{self.key}::"


@dataclass(frozen=True, slots=True)
class Text:
    """A text literal, unescaped, as written (not folded)."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal; `source` keeps the spelling, such as `1000.00`."""

    value: float
    source: str
    span: Span


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Sekisho's own: two numeric operands joined by `+`, `-`, `*` or `/`."""

    op: str
    left: "Operand"
    right: "Operand"
    span: Span


Operand = Attribute | Metadata | Text | Number | Arithmetic


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`; unknown when a side is missing."""

    op: Op
    left: Operand
    right: Operand
    span: Span


@dataclass(frozen=True, slots=True)
class InItems:
    """`operand in ('a', 'b')`; the items are all Text or all Number for a non-metadata operand."""

    operand: Attribute | Metadata
    items: tuple[Text | Number, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class InList:
    """`operand in @alias`."""

    operand: Attribute | Metadata
    alias: str
    span: Span


@dataclass(frozen=True, slots=True)
class IsMissing:
    """`is_missing(operand)`: never unknown."""

    operand: Attribute | Metadata
    span: Span


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean attribute standing alone: a missing one is false."""

    attribute: Attribute
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """Negation: unknown stays unknown."""

    operand: "Condition"
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    """Kleene conjunction of two or more parts."""

    parts: tuple["Condition", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    """Kleene disjunction of two or more parts."""

    parts: tuple["Condition", ...]
    span: Span


Condition = Compare | InItems | InList | IsMissing | Flag | Not | And | Or


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: an action and the condition under which it is asked for."""

    action: Action
    condition: Condition
    text: str
    span: Span
