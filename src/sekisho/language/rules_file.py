"""A text file of rules: separated by blank lines, with `#` lines as comments."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule of a file as written, and the line of the file it starts on (from 1)."""

    text: str
    line: int


def split_rules(text: str) -> list[RuleText]:
    r"""The rules of a file; a comment inside a rule becomes an empty line, so lines still count.

    >>> split_rules("# stolen cards\nBlock if :is_x:\n\nReview if\n  :is_y:\n")
    [RuleText(text='Block if :is_x:', line=2), RuleText(text='Review if\n  :is_y:', line=4)]
    """
    rules: list[RuleText] = []
    lines: list[str] = []
    start = 0
    for number, line in enumerate([*re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), ""], 1):
        is_comment = line.lstrip().startswith("#")
        if line.strip() and not is_comment:
            start = start or number
            lines.append(line)
        elif is_comment and lines:
            lines.append("")
        elif lines and not is_comment:
            rules.append(RuleText("\n".join(lines).rstrip(), start))
            lines, start = [], 0
    return rules
