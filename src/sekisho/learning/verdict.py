"""The outcome of a rule set's backtest as a table to paste into a change request."""

from collections.abc import Iterable
from typing import Any

from sekisho.kit.money import EXPONENTS, to_major

SHOWN_FLIPS = 10
"""Rows of changed decisions; the rest is summed up in one."""


def verdict_table(result: dict[str, Any]) -> str:
    """Markdown: decisions that change, rules that stand out, money, and what it rests on."""
    currency = result["currency"]
    money, since = result["money"], result["period"]
    span = f"from {since['from'][:10]} to {since['to'][:10]}"
    lines = [
        "### Backtest of a rule set",
        "",
        f"{since['events']:,} events {span}, outcomes known by {result['as_of'][:10]}.",
        "",
        *_table(
            ("what", "in force", "candidate", "difference"),
            _money_rows(money, currency),
        ),
        "",
        f"**{_saying(money['saved'], currency)}**",
        "",
        *_table(
            ("decision now", "would be", "because of", "events", "amount", "fraud", "legitimate"),
            _flip_rows(result["flips"], currency),
        ),
        "",
    ]
    for one in result["dead"]:
        because = "; ".join(one["because"]) or "nothing in the period is like this"
        lines.append(f"- `{one['rule']}` never matches: {because}.")
    lines += [f"- `{one['rule']}` is redundant: {one['because']}." for one in result["redundant"]]
    share = result["label_maturity"]["share"]
    if share is not None:
        lines.append(
            f"- For {share:.0%} of these events the time in which fraud is reported is over."
        )
    return "\n".join(lines).rstrip() + "\n"


def amount_text(minor: int, currency: str) -> str:
    """An amount for people.

    >>> amount_text(-123456, "usd"), amount_text(5, "jpy")
    ('-1,234.56 USD', '5 JPY')
    """
    return f"{to_major(minor, currency):,.{EXPONENTS[currency]}f} {currency.upper()}"


def _saying(saved: int, currency: str) -> str:
    if saved == 0:
        return "Under these costs it makes no difference."
    verb = "saves" if saved > 0 else "costs"
    return f"Under these costs the candidate {verb} {amount_text(abs(saved), currency)}."


def _money_rows(money: dict[str, Any], currency: str) -> Iterable[tuple[str, ...]]:
    names = ("fraud_lost", "dispute_fees", "good_revenue_lost", "review_cost", "total")
    now, then = money["live"], money["candidate"]
    for name in names:
        cells = (now[name], then[name], then[name] - now[name])
        yield name.replace("_", " "), *(amount_text(one, currency) for one in cells)
    minutes = now["review_minutes"], then["review_minutes"]
    difference = minutes[1] - minutes[0]
    yield "review minutes", f"{minutes[0]:,}", f"{minutes[1]:,}", f"{difference:,}"


def _flip_rows(flips: list[dict[str, Any]], currency: str) -> Iterable[tuple[str, ...]]:
    for one in flips[:SHOWN_FLIPS]:
        because = one["because"]
        gone, came = because["live_rule"], because["candidate_rule"]
        if gone and came:
            reason = f"`{came}` instead of `{gone}`"
        else:
            reason = f"`{came}`" if came else f"without `{gone}`"
        yield (one["live"], one["candidate"], reason, *_figures([one], currency))
    rest = flips[SHOWN_FLIPS:]
    if rest:
        yield ("", "", f"{len(rest)} more kinds", *_figures(rest, currency))


def _figures(rows: list[dict[str, Any]], currency: str) -> tuple[str, ...]:
    sums = {n: sum(one[n] for one in rows) for n in ("count", "amount", "fraud", "legitimate")}
    amount = amount_text(sums["amount"], currency)
    return f"{sums['count']:,}", amount, f"{sums['fraud']:,}", f"{sums['legitimate']:,}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    body = list(rows)
    if not body:
        return ["No decision changes."]
    cells = [head, tuple("---" for _ in head), *body]
    return [f"| {' | '.join(row)} |" for row in cells]
