"""Diagnostics for people: a coloured message, the line of the rule, and a caret under the place."""

import re
import unicodedata
from collections.abc import Sequence

from sekisho.language.diagnostics import Diagnostic, visible

_BOLD, _RED, _YELLOW, _CYAN, _DIM, _OFF = (
    f"\x1b[{code}m" for code in ("1", "1;31", "1;33", "36", "2", "0")
)
LINE_COLUMNS_MAX = 110  # a longer line is shown around the place only


def render(
    text: str,
    errors: Sequence[Diagnostic],
    warnings: Sequence[Diagnostic] = (),
    *,
    color: bool = False,
) -> str:
    """All diagnostics of one rule, as a terminal shows them.

    Args:
        text: the rule as it was checked.
        errors: why it was refused.
        warnings: what is odd about it.
        color: whether to write ANSI colours.
    """
    lines = re.split(r"\r\n|\n|\r", text)
    blocks = [_block(lines, finding, "error", _RED if color else "") for finding in errors]
    blocks += [_block(lines, finding, "warning", _YELLOW if color else "") for finding in warnings]
    return "\n\n".join(blocks)


def _block(lines: list[str], finding: Diagnostic, level: str, paint: str) -> str:
    """Three or four lines: what, where, the caret, and the hint."""
    off, bold = (_OFF, _BOLD) if paint else ("", "")
    gutter = f"{finding.line} | "
    before, marked, after = _window(lines[finding.line - 1], finding)
    caret = "^" * max(1, _columns(marked))
    margin = " " * (len(gutter) + _columns(before))
    block = [
        f"{paint}{level}[{finding.kind}]{off} {bold}{visible(finding.message)}{off}",
        f"{_DIM if paint else ''}{gutter}{off}{before}{paint}{marked}{off}{after}",
        f"{margin}{paint}{caret}{off}",
    ]
    if finding.hint:
        block.append(
            f"{' ' * len(gutter)}{_CYAN if paint else ''}hint: {visible(finding.hint)}{off}"
        )
    return "\n".join(block)


def _window(line: str, finding: Diagnostic) -> tuple[str, str, str]:
    """The line before, at and after the place, shortened on both sides."""
    start = min(finding.column - 1, len(line))
    end = min(start + finding.length, len(line), start + LINE_COLUMNS_MAX)
    room = max(0, LINE_COLUMNS_MAX - (end - start))
    first = max(0, start - room // 2)
    last = min(len(line), end + room - (start - first))
    before = ("…" if first else "") + visible(line[first:start])
    after = visible(line[end:last]) + ("…" if last < len(line) else "")
    return before, visible(line[start:end]), after


def _columns(text: str) -> int:
    """How many columns a terminal gives the text: two for wide characters, none for accents."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
