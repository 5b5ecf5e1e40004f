"""Reads the documentation: pages, links, and the code blocks that are run as they stand."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `use` is `run`, `serve` or `expect`, or empty for what is only shown."""

    use: str
    text: str
    line: int


def all_pages() -> list[Path]:
    """Every page a reader may open."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    for match in FENCE.finditer(text):
        _, _, use = match["info"].strip().partition(" ")
        found.append(Block(use.strip(), match["text"], text.count("\n", 0, match.start()) + 1))
    return found
