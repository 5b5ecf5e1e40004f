"""Charts as SVG, drawn by hand: what matched by day, and the curve of a sweep."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import Any, Final

from sekisho.learning.verdict import amount_text

WIDTH: Final = 760
HEIGHT: Final = 320
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 44, 56
FRAUD, GOOD, OTHER, MONEY = "#b3261e", "#2e7d5b", "#9aa3ad", "#1f4e9c"
TICKS: Final = 4


def days_svg(result: dict[str, Any]) -> str:
    """Matches of a rule by day, stacked: fraud, legitimate, and what is neither or not known."""
    rows = _every_day(result["by_day"])
    highest = max((row["count"] for row in rows), default=1)
    step = (WIDTH - LEFT - RIGHT) / max(len(rows), 1)
    parts: list[str] = []
    for at, row in enumerate(rows):
        x, base = LEFT + at * step, 0
        rest = row["count"] - row["fraud"] - row["legitimate"]
        told = f"{row['day']}: {row['fraud']} fraud, {row['legitimate']} legitimate, {rest} other"
        for count, colour in ((row["fraud"], FRAUD), (row["legitimate"], GOOD), (rest, OTHER)):
            top, bottom = _y(base + count, 0, highest), _y(base, 0, highest)
            base += count
            if count:
                parts.append(
                    f'<rect x="{x:.1f}" y="{top:.1f}" width="{max(step - 1, 0.5):.1f}"'
                    f' height="{bottom - top:.1f}" fill="{colour}"><title>{told}</title></rect>'
                )
    labels = [(LEFT + at * step, rows[at]["day"]) for at in _spread(len(rows))]
    legend = (("fraud", FRAUD), ("legitimate", GOOD), ("other", OTHER))
    title = f"{result['matched']['count']:,} events matched: {result['rule']}"
    return _page(title, [*_grid(0, highest), *_below(labels), *parts], legend)


def curve_svg(result: dict[str, Any]) -> str:
    """Money saved by threshold, with fraud caught and good payments hit; the best is marked."""
    points = result["points"]
    values = [one["value"] for one in points]
    low, high = min(values), max(values)

    def x(value: float) -> float:
        return LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    counts = [max(one["fraud_caught"]["count"], one["good_hit"]["count"]) for one in points]
    most = max(*counts, 1)
    saved = [one["saved"] for one in points]
    least, top = min(*saved, 0), max(*saved, 1)
    parts = list(_grid(0, most))
    for key, colour in (("fraud_caught", FRAUD), ("good_hit", GOOD)):
        parts.append(_line([(x(o["value"]), _y(o[key]["count"], 0, most)) for o in points], colour))
    parts.append(_line([(x(o["value"]), _y(o["saved"], least, top)) for o in points], MONEY))
    best = result["best"]
    told = f"best: {best['value']:g}, saves {amount_text(best['saved'], result['currency'])}"
    spot = x(best["value"])
    mark = (
        f'<line x1="{spot:.1f}" y1="{TOP}" x2="{spot:.1f}" y2="{HEIGHT - BOTTOM}"'
        f' stroke="{MONEY}" stroke-dasharray="4 3"/>'
        f'<circle cx="{spot:.1f}" cy="{_y(best["saved"], least, top):.1f}" r="4.5"'
        f' fill="{MONEY}"><title>{escape(told)}</title></circle>'
    )
    parts += [
        mark,
        _text(min(max(spot, 180), WIDTH - 180), HEIGHT - 8, told, "middle"),
    ]
    labels = [(x(points[at]["value"]), f"{points[at]['value']:g}") for at in _spread(len(points))]
    legend = (("fraud caught", FRAUD), ("good payments hit", GOOD), ("money saved", MONEY))
    return _page(result["sweep"], [*parts, *_below(labels)], legend)


def _every_day(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The days between the first and the last, those without matches too."""
    if not rows:
        return []
    known = {row["day"]: row for row in rows}
    first, last = date.fromisoformat(rows[0]["day"]), date.fromisoformat(rows[-1]["day"])
    days = [str(first + timedelta(at)) for at in range((last - first).days + 1)]
    nothing = {"count": 0, "fraud": 0, "legitimate": 0}
    return [known.get(day, {"day": day, **nothing}) for day in days]


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (value - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)


def _grid(low: float, high: float) -> list[str]:
    parts: list[str] = []
    for at in range(TICKS + 1):
        value = low + (high - low) * at / TICKS
        y = _y(value, low, high)
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e3e6ea"/>'
        )
        parts.append(_text(LEFT - 8, y + 4, f"{value:,.4g}", "end"))
    return parts


def _below(labels: Sequence[tuple[float, str]]) -> list[str]:
    return [_text(x, HEIGHT - BOTTOM + 18, text, "middle") for x, text in labels]


def _spread(count: int) -> list[int]:
    """Places of at most six labels, evenly."""
    most = 6
    if count <= most:
        return list(range(count))
    return [round(at * (count - 1) / (most - 1)) for at in range(most)]


def _line(places: Sequence[tuple[float, float]], colour: str) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _page(title: str, parts: Sequence[str], legend: Sequence[tuple[str, str]]) -> str:
    keys: list[str] = []
    x = float(LEFT)
    for name, colour in legend:
        keys.append(f'<rect x="{x}" y="27" width="10" height="10" fill="{colour}"/>')
        keys.append(_text(x + 15, 36, name))
        x += 40 + 7 * len(name)
    short = title if len(title) <= 100 else f"{title[:99]}…"  # noqa: PLR2004 — what fits the width
    body = "\n".join([*keys, *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="sans-serif" font-size="11" fill="#2b3138">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        f'<g font-size="12" font-weight="bold">{_text(LEFT, 18, short)}</g>\n'
        f"{body}\n</svg>\n"
    )
