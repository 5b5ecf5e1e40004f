"""Results of backtests for people."""

import sys
from collections.abc import Iterable
from typing import Any, Final

from rich.markup import escape

from sekisho.entrypoints.cli.console import OUT, table
from sekisho.history import Fate
from sekisho.learning import amount_text, verdict_table

BAR: Final = 24
"""Characters of the longest bar."""
SHOWN: Final = 3
"""Names of counters in one line."""
MOST_BARS: Final = 31
"""Days drawn one by one; of more, the newest."""
_WORDS: Final = {
    Fate.DISPUTED.value: "disputes and early fraud warnings",
    Fate.REFUNDED.value: "refunded",
    Fate.STOPPED.value: "blocked and failed",
    Fate.LEGITIMATE.value: "succeeded, later legitimate",
    "overrides": "overrides",
}


def show_rule(result: dict[str, Any]) -> None:
    """One rule: what it matches, what became of it, and what would change."""
    currency, more = result["currency"], result["incremental"]
    _head(result, result["rule"])
    for warning in result["warnings"]:
        OUT.print(f"[yellow]{warning['kind']}[/] {escape(warning['message'])}")
    shown = table("", "matched", "amount", "beside live rules", "amount")
    _row(shown, "all", result["matched"], more, currency)
    for name, words in _WORDS.items():
        if name in result["by_category"]:
            all_of_it, new = result["by_category"][name], more["by_category"][name]
            _row(shown, words, all_of_it, new, currency)
            if "fraudulent" in all_of_it:
                part = all_of_it["fraudulent"], new["fraudulent"]
                _row(shown, "  of it fraudulent", part[0], part[1], currency)
    OUT.print(shown)
    for reason in result.get("no_match_because", ()):
        OUT.print(f"[yellow]matches nothing:[/] {escape(reason)}")
    OUT.print(f"precision {_share(result['precision'])}   recall {_share(result['recall'])}")
    _maturity(result)
    for one in result["already_covered_by"]:
        OUT.print(f"already covered by {escape(one['rule'])}: {one['count']:,}")
    if result["would_unblock"] is not None:
        OUT.print(f"would unblock {_volume(result['would_unblock'], currency)}")
    OUT.print(
        f"money saved under the costs: [bold]{amount_text(result['money']['saved'], currency)}[/]"
    )
    partly = {name: part for name, part in result["attribute_coverage"].items() if part < 1}
    for name, part in partly.items():
        OUT.print(f"[dim]{escape(name)} is known for {part:.1%} of events[/]")
    if result["by_day"]:
        _bars((row["day"], row["count"], f"{row['fraud']:,} fraud") for row in result["by_day"])


def show_sweep(result: dict[str, Any]) -> None:
    """The curve as a table with bars; the best point is marked."""
    currency = result["currency"]
    _head(result, result["sweep"])
    most = max(*(one["saved"] for one in result["points"]), 1)
    shown = table("value", "changed", "fraud caught", "good hit", "saved", "")
    shown.columns[-1].justify = "left"
    for one in result["points"]:
        is_best = one is result["best"]
        bar = "█" * round(max(one["saved"], 0) / most * BAR)
        cells = (
            f"{one['value']:g}",
            f"{one['incremental']['count']:,}",
            f"{one['fraud_caught']['count']:,}",
            f"{one['good_hit']['count']:,}",
            amount_text(one["saved"], currency),
            bar + (" ◀ best" if is_best else ""),
        )
        shown.add_row(*cells, style="bold" if is_best else None)
    OUT.print(shown)
    _maturity(result)
    if not result["worth_it"]:
        OUT.print("under these costs no point is better than leaving it")


def show_ruleset(result: dict[str, Any]) -> None:
    """A rule set: the verdict, then what each rule does."""
    sys.stdout.write(verdict_table(result) + "\n")
    shown = table("rule", "hits", "decides", "outranked", "alone", "fraud", "legitimate")
    for one in result["rules"]:
        names = ("hits", "credited", "outranked", "unique", "fraud", "legitimate")
        shown.add_row(escape(one["rule"]), *(f"{one[name]:,}" for name in names))
    OUT.print(shown)


def _head(result: dict[str, Any], title: str) -> None:
    since = result["period"]
    OUT.print(f"[bold]{escape(title)}[/]")
    OUT.print(
        f"{since['events']:,} events from {since['from'][:10]} to {since['to'][:10]},"
        f" outcomes known by {result['as_of'][:10]}"
    )
    if result["counters_computed"]:
        names = result["counters_computed"]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        OUT.print(f"[dim]counters computed from history: {', '.join(names[:SHOWN])}{more}[/]")
    now = result["as_of_now"]
    present = [f"@{alias}" for alias in now["lists"]]
    if now["amounts_converted"]:
        present.append(f"exchange rates of {now['amounts_converted']:,} amounts")
    if present:
        OUT.print(f"[dim]as of now, not of each payment: {escape(', '.join(present))}[/]")


def _row(
    shown: Any, words: str, matched: dict[str, Any], more: dict[str, Any], currency: str
) -> None:
    cells = [
        text
        for one in (matched, more)
        for text in (f"{one['count']:,}", amount_text(one["amount"], currency))
    ]
    shown.add_row(words, *cells)


def _volume(one: dict[str, Any], currency: str) -> str:
    return f"{one['count']:,} ({amount_text(one['amount'], currency)})"


def _share(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "unknown"
    return f"{one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%})"


def _maturity(result: dict[str, Any]) -> None:
    told = result["label_maturity"]
    if told["window_days"] is None:
        OUT.print(f"{told['reports']} reports of fraud: too few to say how long they take")
    elif told["share"] is not None:
        OUT.print(
            f"{told['share']:.0%} are older than {told['window_days']} days,"
            f" within which {told['window_holds']:.0%} of fraud is reported"
        )


def _bars(rows: Iterable[tuple[str, int, str]]) -> None:
    every = list(rows)
    lines = every[-MOST_BARS:]
    if len(lines) < len(every):
        OUT.print(f"[dim]the newest {MOST_BARS} of {len(every)} days with matches[/]")
    most = max(count for _, count, _ in lines)
    for day, count, note in lines:
        bar = "█" * max(1, round(count / most * BAR))
        OUT.print(f"{day} {bar} {count:,} ({note})")
