"""What the compiler says about a rule: kind, place, message, hint and a mended text."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import TypedDict

SHOWN_SLICE_CHARS = 60  # a longer slice makes the message unreadable


class DiagnosticDict(TypedDict):
    """The shape printed by `rules check --json` and sent by the API."""

    kind: str
    line: int
    column: int
    length: int
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a rule's text.

    `start` and `end` are character offsets from 0, `line` and `column` count from 1. `hint` is what
    to write or to know; `fix`, where one exists, is the text that replaces the slice.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int
    length: int
    message: str
    hint: str | None = None
    fix: str | None = None

    def as_dict(self) -> DiagnosticDict:
        """The six public fields, as JSON wants them."""
        return {
            "kind": self.kind,
            "line": self.line,
            "column": self.column,
            "length": self.length,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding before its place is counted in lines and columns."""

    kind: str
    start: int
    end: int
    message: str
    hint: str | None = None
    fix: str | None = None


class Places:
    r"""Turns offsets of one text into lines and columns.

    >>> Places("ab\ncd").at(4)
    (2, 2)
    """

    def __init__(self, text: str) -> None:
        self._starts = [0, *line_starts(text)]

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def diagnostic(self, problem: Problem) -> Diagnostic:
        """The problem with its place, also written into the message."""
        line, column = self.at(problem.start)
        return Diagnostic(
            problem.kind,
            problem.start,
            problem.end,
            line,
            column,
            problem.end - problem.start,
            f"line {line}, column {column}: {problem.message}",
            problem.hint,
            problem.fix,
        )


def line_starts(text: str) -> list[int]:
    r"""Offsets at which the second and later lines begin; `\r\n`, `\n` and `\r` end a line."""
    return [
        at + 1
        for at, char in enumerate(text)
        if char == "\n" or (char == "\r" and text[at + 1 : at + 2] != "\n")
    ]


def visible(text: str) -> str:
    r"""The text with everything that could move a terminal's cursor written as an escape.

    >>> visible("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def quoted(text: str) -> str:
    """A slice of the rule as it stands in a message: in backticks, shortened, harmless to print."""
    if len(text) > SHOWN_SLICE_CHARS:
        text = text[: SHOWN_SLICE_CHARS - 1] + "…"
    return f"`{visible(text)}`"


def either(hint: str | None) -> str:
    """The "did you mean" tail of a message, or nothing."""
    return f", did you mean {quoted(hint)}?" if hint else ""
