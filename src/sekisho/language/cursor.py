"""A place in the token stream, the problems found so far, and how to go on after one."""

import re

from sekisho.language.diagnostics import Problem
from sekisho.language.tokens import Kind, Token, scan

JOINTS = (Kind.AND, Kind.OR, Kind.END)
_BARE = re.compile(r"[\w.@%$#~+/-]+")


class Refused(Exception):
    """The condition at hand cannot be read further; its problem is noted already."""


class Cursor:
    """Walks over the tokens of one rule.

    A problem is noted when it is met, so the notes stand in reading order and the first of them is
    the one the contract calls "reported". After a refusal reading goes on at the next `and`, `or`
    or closing parenthesis of the same level.
    """

    def __init__(self, text: str, tokens: tuple[Token, ...]) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.gave_up = False  # after a bound was reached; nothing further is worth noting
        self._tokens = tokens
        self._at = 0

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self._tokens[self._at]

    @property
    def following(self) -> Token:
        """The token after the next one."""
        return self._tokens[self._at + (self.token.kind is not Kind.END)]

    @property
    def last_end(self) -> int:
        """The offset at which the token read last ended."""
        return self._tokens[self._at - 1].end if self._at else 0

    def take(self) -> Token:
        """Read one token; END can be read again and again."""
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def take_if(self, *kinds: Kind) -> Token | None:
        """Read one token if it is of one of these kinds."""
        return self.take() if self._tokens[self._at].kind in kinds else None

    def move_to(self, offset: int) -> None:
        """Go on at the first token that begins at or after an offset."""
        while self.token.kind is not Kind.END and self.token.start < offset:
            self._at += 1

    def rescan(self, offset: int) -> None:
        """Read the text again from an offset on: what was read as one name was more."""
        self._tokens = (*self._tokens[: self._at], *scan(self.text, offset).tokens)

    def note(self, problem: Problem) -> None:
        """Keep a problem and go on reading as if it were not there."""
        self.problems.append(problem)

    def refuse(self, problem: Problem) -> Refused:
        """Keep a problem; raise what comes back to leave the condition at hand."""
        self.note(problem)
        return Refused()

    def refuse_inside(self, problem: Problem) -> Refused:
        """The same inside a parenthesis, which is left first."""
        self.note(problem)
        self.skip_past_closer()
        return Refused()

    def slice(self, token: Token) -> str:
        """A token as it is written."""
        return self.text[token.start : token.end]

    def bare_text(self) -> tuple[int, int]:
        """The span of the bare words that begin here: `fraud@example.com`, or `New York`."""
        start = end = self.token.start
        while self.token.kind is Kind.WORD and not re.search(
            r"[\r\n]", self.text[end : self.token.start]
        ):
            found = _BARE.match(self.text, self.token.start)
            end = found.end() if found else self.token.end
            self.move_to(end)
        return start, end

    def skip_to_joint(self) -> None:
        """Pass over the rest of a condition that was refused."""
        depth = 0
        while self.token.kind is not Kind.END:
            if depth == 0 and self.token.kind in (Kind.AND, Kind.OR, Kind.CLOSE):
                return
            depth += (self.token.kind is Kind.OPEN) - (self.token.kind is Kind.CLOSE)
            self._at += 1

    def skip_to_end(self) -> None:
        """Read nothing more."""
        self.gave_up = True
        self._at = len(self._tokens) - 1

    def closer(self) -> int | None:
        """The index of the parenthesis that closes the level the cursor is in, if there is one."""
        depth = 0
        for index in range(self._at, len(self._tokens)):
            kind = self._tokens[index].kind
            if kind is Kind.CLOSE:
                if depth == 0:
                    return index
                depth -= 1
            depth += kind is Kind.OPEN
        return None

    def skip_past_closer(self) -> None:
        """Leave the parenthesis the cursor is in, or the condition if it is never closed."""
        index = self.closer()
        if index is None:
            self.skip_to_joint()
        else:
            self._at = index + 1

    def calculation_ahead(self) -> bool:
        """Whether the parenthesis here groups a calculation rather than a condition."""
        self._at += 1
        index = self.closer()
        self._at -= 1
        if index is None:
            return False
        inside = [token.kind for token in self._tokens[self._at : index + 1]]
        after = self._tokens[index + 1].kind
        return all(kind in _CALCULATION for kind in inside) and (
            Kind.ARITHMETIC in inside or after is Kind.ARITHMETIC
        )


_CALCULATION = frozenset(
    {
        Kind.OPEN,
        Kind.CLOSE,
        Kind.ARITHMETIC,
        Kind.ATTRIBUTE,
        Kind.METADATA,
        Kind.BAD_METADATA,
        Kind.NUMBER,
    }
)
