"""The demo's screen: decisions as they are made, and what they add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text

from sekisho.decisions import Outcome
from sekisho.entrypoints.cli.demo.tally import Shown, Tally
from sekisho.entrypoints.keys import DEV_KEY
from sekisho.kit.money import to_major

COLOURS: Final = {
    Outcome.ALLOW: "green",
    Outcome.REQUEST_3DS: "cyan",
    Outcome.CHALLENGE: "cyan",
    Outcome.REVIEW: "yellow",
    Outcome.BLOCK: "red",
    Outcome.HOLD: "magenta",
}
TRUTH: Final = (
    ("fraud", "fraud", "", ""),
    ("caught", "caught", "green", "fraud"),
    ("missed", "missed", "red", "fraud"),
    ("honest", "honest", "", ""),
    ("false_positives", "false positives", "yellow", "honest"),
    ("asked_for_proof", "· asked for proof", "dim", "honest"),
)
"""Figures of the truth: name, label, style, and what each is a share of."""

WIDE: Final = 110
"""Columns from which figures stand beside the decisions instead of below."""
SIDE: Final = 41
FRAME: Final = 4
"""Columns that a frame and its padding take."""
HEAD: Final = 3
FIGURES: Final = len(Outcome) + 2
"""Lines of a panel of figures, its frame included."""
RULES: Final = {True: 12, False: 5}
"""Lines of the panel of rules on a wide (True) and on a narrow screen."""
KIND, BAR = 20, 5

Cell = tuple[str, int, str]
"""A text, its width in columns (below zero: to the right), and its style."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where the server is, how much is to be sent to it, and what came of it so far."""

    url: str
    total: int
    tally: Tally

    def render(self, width: int, height: int) -> Layout:
        """The screen for a terminal of this size."""
        is_wide = width >= WIDE
        left = width - SIDE if is_wide else width
        right = SIDE if is_wide else width // 2
        head = Layout(self._head(width), size=HEAD)
        under = min(RULES[True], height // 3) if is_wide else RULES[False] + FIGURES
        fit = max(0, height - HEAD - under - 2)
        with self.tally.lock:
            decisions = decided(islice(self.tally.shown, fit), left - FRAME, is_wide=is_wide)
            outcomes, truth = self._outcomes(right - FRAME), self._truth(right - FRAME)
            attacks, rules = self._attacks(SIDE - FRAME), self._rules(left - FRAME)
        screen = Layout()
        if not is_wide:
            figures = Layout(size=FIGURES)
            figures.split_row(Layout(outcomes, size=right), truth)
            screen.split_column(head, decisions, figures, Layout(rules, size=RULES[False]))
            return screen
        one, other, below = Layout(), Layout(size=SIDE), Layout()
        one.split_column(decisions, Layout(rules, size=under))
        other.split_column(Layout(outcomes, size=FIGURES), Layout(truth, size=FIGURES), attacks)
        below.split_row(one, other)
        screen.split_column(head, below)
        return screen

    def _head(self, width: int) -> Text:
        tally, latency = self.tally, self.tally.latency_ms(recent=True)
        pace = tally.sent / max(tally.elapsed_s, 1e-9)
        where = Text.assemble(
            (" Sekisho ", "bold reverse"), "  ", (self.url, "bold"),
            ("   docs ", "dim"), "/docs", ("   key ", "dim"), DEV_KEY,
        )  # fmt: skip
        done = Text.assemble(
            bar(tally.sent + tally.withheld, self.total, width // 6, "magenta"),
            f"  {tally.sent:,} sent  {pace:,.0f}/s  {clock(tally.elapsed_s)}",
            ("  p50 ", "dim"), f"{latency['p50']:.1f} ms",
            ("  p99 ", "dim"), f"{latency['p99']:.1f} ms",
        )  # fmt: skip
        refusal = f"{tally.refused:,} refused: {tally.first_refusal}" if tally.refused else ""
        return lines([where, done, Text(refusal, style="red")])

    def _outcomes(self, width: int) -> Panel:
        total = max(1, self.tally.decided)
        rows: list[Text] = []
        for outcome in Outcome:
            count = self.tally.outcomes[outcome]
            style = COLOURS[outcome] if count else "dim"
            share = f"{100 * count / total:.1f} %"
            rows.append(row((outcome, width - 18, style), (f"{count:,}", -9, ""), (share, -9, "")))
        return framed(lines(rows), "outcomes")

    def _truth(self, width: int) -> Panel:
        truth = self.tally.truth()
        rows: list[Text] = []
        for name, label, style, of in TRUTH:
            share = f"{100 * truth[name] / max(1, truth[of]):.1f} %" if of else ""
            figures = (f"{truth[name]:,}", -8, ""), (share, -8, "")
            rows.append(row((label, width - 16, style), *figures))
        return framed(lines(rows), "caught and missed")

    def _attacks(self, width: int) -> Panel:
        rows: list[Text] = []
        for one in self.tally.by_kind():
            kind, caught, events = one["kind"].replace("_", " "), one["caught"], one["events"]
            share = row((f"{caught:,} of {events:,}", KIND + BAR - width, ""))
            rows.append(
                Text.assemble(row((kind, KIND, "")), bar(caught, events, BAR, "green"), share)
            )
        return framed(lines(rows), "attacks: events caught")

    def _rules(self, width: int) -> Panel:
        rows: list[Text] = []
        for one in self.tally.by_rule()[: RULES[True]]:
            share = f"{100 * one['fraud'] / one['hits']:.0f} %"
            figures = (f"{one['hits']:,}", -8, ""), (share, -6, "")
            rows.append(row((one["rule"], width - 14, ""), *figures))
        return framed(lines(rows), "top rules: hits, of them fraud")


def decided(decisions: Iterable[Shown], width: int, *, is_wide: bool) -> Panel:
    """The newest decisions on top; the last column is what the server was not told."""
    at_width, type_width, truth_width = (12, 18, 21) if is_wide else (6, 14, 2)
    rule_width = width - at_width - type_width - 14 - 1 - 12 - truth_width
    rows: list[Text] = []
    for one in decisions:
        at, mark = str(one.event["occurred_at"]), verdict(one, is_wide=is_wide)
        rows.append(
            row(
                (f"{at[5:10]} {at[11:16]}" if is_wide else at[11:16], at_width, "dim"),
                (str(one.event["type"]).replace("_", " "), type_width, ""),
                (money(one), -14, ""),
                ("", 1, ""),
                (one.outcome, 12, COLOURS[one.outcome]),
                (one.rule.partition(" if ")[2] or one.rule, rule_width, ""),
                (mark[0], truth_width, mark[1]),
            )
        )
    return framed(lines(rows), "decisions, a sample")


def money(one: Shown) -> str:
    """An event's amount as people write it; empty for a sign-up or a login."""
    amount, currency = one.event.get("amount"), one.event.get("currency")
    if not isinstance(amount, int) or not isinstance(currency, str):
        return ""
    return f"{to_major(amount, currency):,.2f} {currency}"


def verdict(one: Shown, *, is_wide: bool) -> tuple[str, str]:
    """Whether the decision was right, and in which style to say so."""
    is_allowed = one.outcome is Outcome.ALLOW
    if one.fraud:
        mark, style = ("✗", "bold red") if is_allowed else ("✓", "green")
        return (f" {mark} {one.fraud.replace('_', ' ')}" if is_wide else f" {mark}"), style
    if is_allowed:
        return "", ""
    return (" ! honest" if is_wide else " !"), "yellow"


def row(*cells: Cell) -> Text:
    """A line of cells, each cut or filled to its width; rich's own tables cost ten times as much.

    >>> row(("payment", 4, ""), ("12", -4, "")).plain
    'pay…  12'
    """
    return Text.assemble(*((_fitted(text, width), style) for text, width, style in cells))


def _fitted(text: str, width: int) -> str:
    size = abs(width)
    if cell_len(text) > size:
        return set_cell_size(text, max(0, size - 1)) + "…"
    return text.rjust(size) if width < 0 else set_cell_size(text, size)


def bar(done: int, total: int, width: int, style: str) -> Text:
    """A bar of so many columns."""
    full = min(width, round(width * done / total)) if total else 0
    return Text.assemble(("━" * full, style), ("━" * (width - full), "bright_black"))


def lines(rows: Sequence[Text]) -> Text:
    """Rows under each other, cut at the frame rather than wrapped."""
    text = Text("\n").join(rows)
    text.no_wrap, text.overflow = True, "crop"
    return text


def framed(inside: Text, title: str) -> Panel:
    """A thin frame with a title."""
    return Panel(
        inside, box=box.ROUNDED, title=title, title_align="left", border_style="dim", padding=(0, 1)
    )


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(83.4)
    '1:23'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
