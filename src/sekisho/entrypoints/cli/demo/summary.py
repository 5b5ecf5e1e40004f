"""What the demo says at the end, and how to go on from there."""

from typing import Any, Final

from rich.table import Table

from sekisho.entrypoints.cli.console import OUT, table
from sekisho.entrypoints.keys import DEV_KEY

TOP: Final = 8
"""Rules in the summary."""
FIGURES: Final = 27
"""Columns that the figures beside a rule take."""
EXAMPLE: Final = (
    '{"type": "payment", "id": "my_first", "occurred_at": "2026-01-02T03:04:05Z",'
    ' "amount": 9900, "currency": "usd", "email": "a@example.com", "ip_address": "203.0.113.9",'
    ' "card": {"fingerprint": "fp_1", "brand": "mallory", "funding": "prepaid"},'
    ' "metadata": {"CustomerType": "guest", "segment": "gift_cards"}}'
)


def say(text: str) -> None:
    """Prose, broken between words on a terminal and not at all in a file."""
    OUT.print(text, soft_wrap=not OUT.is_terminal)


def show_summary(result: dict[str, Any]) -> None:
    """The figures of the whole stream, for people."""
    latency, truth, refused = result["latency_ms"], result["truth"], result["refused"]
    say(
        f"\n[bold]{result['sent']:,} events in {result['seconds']:.1f} s[/]"
        f" ({result['rate_per_s']:,.0f}/s): {result['decided']:,} decided,"
        f" {result['reported']:,} outcomes reported, {result['withheld']:,} never came to be"
        " because their event was blocked"
    )
    say(
        f"latency of a durable decision: p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms,"
        f" largest {latency['max']:.1f} ms\n"
    )
    if refused["count"]:
        first = str(refused["first"]).replace("[", "\\[")
        say(f"[bold red]{refused['count']:,} refused[/], the first: {first}\n")
    if not result["decided"]:
        return
    both = Table.grid(padding=0)
    both.add_row(_outcomes(result), _attacks(result))
    OUT.print(both)
    OUT.print(_rules(result))
    say(
        f"{truth['caught']:,} of {truth['fraud']:,} fraudulent events caught"
        f" ({_share(truth['caught'], truth['fraud'])}), {truth['missed']:,} missed;"
        f" {truth['false_positives']:,} of {truth['honest']:,} honest ones not simply allowed"
        f" ({_share(truth['false_positives'], truth['honest'])}),"
        f" {truth['asked_for_proof']:,} of these only asked for proof.\n"
        "The server was never told which was which."
    )


def show_next(url: str, decision: str) -> None:
    """How to go on while the server runs."""
    key = f"-H 'Authorization: Bearer {DEV_KEY}'"
    OUT.print(f"\n[bold]the server keeps running:[/] {url}")
    OUT.print(f"docs {url}/docs   key {DEV_KEY}\n")
    OUT.print("[dim]# ask for a decision[/]")
    OUT.print(f"curl {url}/v1/decisions {key} -d '{EXAMPLE}'".replace("[", "\\["))
    if decision:
        OUT.print("\n[dim]# why was this one blocked?[/]")
        OUT.print(f"curl {url}/v1/decisions/{decision} {key}")
    OUT.print("\nCtrl-C ends it")


def _outcomes(result: dict[str, Any]) -> Table:
    shown = table("outcome", "decisions", "share")
    for outcome, count in result["outcomes"].items():
        shown.add_row(outcome, f"{count:,}", _share(count, result["decided"]))
    return shown


def _rules(result: dict[str, Any]) -> Table:
    shown = table("rule", "hits", "fraud", "honest")
    shown.columns[0].no_wrap = True
    shown.columns[0].max_width = max(20, OUT.width - FIGURES)
    for rule in result["rules"][:TOP]:
        figures = (f"{rule[name]:,}" for name in ("hits", "fraud", "honest"))
        shown.add_row(rule["rule"].replace("[", "\\["), *figures)
    return shown


def _attacks(result: dict[str, Any]) -> Table:
    shown = table("attack", "events", "caught", "")
    for one in result["kinds"]:
        kind, events, caught = one["kind"].replace("_", " "), one["events"], one["caught"]
        shown.add_row(kind, f"{events:,}", f"{caught:,}", f"{caught / events:.0%}")
    return shown


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
