"""Indicators as plain Python over rows, and random tables to try them on."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, NamedTuple

import polars as pl

Row = dict[str, Any]
Tables = dict[str, pl.DataFrame]
Answer = dict[tuple[dt.date, str], tuple[float, float, float | None]]
START = dt.datetime(2026, 1, 20, 5)  # noqa: DTZ001 — warehouses hold UTC without saying so
RATES = {"usd": 0.01, "eur": 0.0117, "jpy": 0.0064}
UNAUTHORISED = {"R05", "R07", "R10", "R11", "R29", "R51"}
ADMINISTRATIVE = {"R02", "R03", "R04"}


def random_tables(rng: Random, charges: int = 300) -> Tables:
    """Some months of charges with retries, days without any, and what became of them."""
    days = sorted(rng.sample(range(110), 30))
    rows: list[Row] = []
    for number in range(charges):
        kind = rng.choice(("authorized", "manual_review", "issuer_declined", "blocked", None))
        paid = kind in {"authorized", "manual_review"}
        created = START + dt.timedelta(days=rng.choice(days), seconds=rng.randrange(86_400))
        captured_at = created + dt.timedelta(days=rng.randrange(9))
        captured = paid and rng.random() < 0.9
        rows.append({
            "id": f"ch_{number}",
            "created": created,
            "amount": rng.randrange(50, 90_000),
            "currency": rng.choice(list(RATES)),
            "payment_intent": rng.choice((None, f"pi_{number // 3}", f"pi_{number // 3}")),
            "outcome_type": kind,
            "outcome_risk_level": rng.choice(("normal", "elevated", "highest", None)),
            "paid": paid,
            "captured": captured,
            "captured_at": captured_at if captured else None,
            "card_brand": rng.choice(("Visa", "Visa", "MasterCard", "MasterCard", "JCB", "", None)),
        })  # fmt: skip

    def later(row: Row) -> dt.datetime:
        return row["created"] + dt.timedelta(hours=rng.randrange(1, 1_000))

    told: dict[str, list[Row]] = {
        name: [] for name in ("disputes", "early_fraud_warnings", "refunds")
    }
    for number in range(charges // 2):
        row = rng.choice(rows)
        about: Row = {"id": f"x_{number}", "charge_id": row["id"], "created": later(row)}
        told["disputes"].append({
            **about,
            "reason": rng.choice(("fraudulent", "general", None)),
            "status": rng.choice(("prevented", "lost", None)),
            "network_details_visa_rapid_dispute_resolution": rng.choice((True, False, None)),
        })  # fmt: skip
        row = rng.choice(rows)
        told["early_fraud_warnings"].append(
            {"id": f"w_{number}", "charge_id": row["id"], "created": later(row)}
        )
        row = rng.choice(rows)
        reason = rng.choice(("partial_capture", "fraudulent", None))
        told["refunds"].append(
            {"id": f"r_{number}", "charge_id": row["id"], "created": later(row), "reason": reason}
        )
    metadata = [
        {"charge_id": row["id"], "key": rng.choice(("shelf", "other")), "value": rng.choice("abc")}
        for row in rows
        if rng.random() < 0.7
    ]
    debits = [
        {
            "id": f"d_{number}",
            "created": START + dt.timedelta(days=rng.choice(days), hours=rng.randrange(24)),
            "currency": rng.choice(("usd", None)),
        }
        for number in range(charges // 2)
    ]
    returns = [
        {
            "id": f"b_{number}",
            "debit_id": rng.choice(debits)["id"],
            "created": START + dt.timedelta(days=rng.randrange(150)),
            "code": rng.choice(("R01", "r10", "R05", "R03", "r02", "R31")),
        }
        for number in range(charges // 4)
    ]
    every_day = (START.date() + dt.timedelta(days=number) for number in range(130))
    rates = [
        {"day": day, "currency": code, "usd_per_minor_unit": rate}
        for day in every_day
        for code, rate in RATES.items()
    ]
    lists = {"charges": rows, **told, "charges_metadata": metadata, "bank_debits": debits,
             "bank_returns": returns, "fx_usd": rates}  # fmt: skip
    return {name: pl.DataFrame(one, infer_schema_length=None) for name, one in lists.items()}


class Fact(NamedTuple):
    """A row that counts in a period."""

    period: dt.date
    segment: str
    row: Row


Measure = Callable[[list[Row]], float]


def count(where: Callable[[Row], bool] = lambda _: True) -> Measure:
    return lambda rows: len([row for row in rows if where(row)])


def different(name: str, where: Callable[[Row], bool] = lambda _: True) -> Measure:
    return lambda rows: len({row[name] for row in rows if where(row)})


def total(where: Callable[[Row], bool] = lambda _: True) -> Measure:
    return lambda rows: sum(row["usd"] for row in rows if where(row))


class Plain:
    """The indicators, each written out."""

    def __init__(self, tables: Tables, by: str = "") -> None:
        self.rows = {name: list(frame.iter_rows(named=True)) for name, frame in tables.items()}
        self.by = by
        self.charge = {row["id"]: row for row in self.rows["charges"]}
        self.debit = {row["id"]: row for row in self.rows["bank_debits"]}
        self.value = {
            row["charge_id"]: row["value"]
            for row in self.rows["charges_metadata"]
            if row["key"] == by.strip(":")
        }
        self.rate = {
            (row["day"], row["currency"]): row["usd_per_minor_unit"] for row in self.rows["fx_usd"]
        }

    def answer(self, name: str) -> Answer:
        """Every period and segment with numerator, denominator and value."""
        is_visa, is_mastercard = (
            lambda row, b=b: row["card_brand"] == b for b in ("Visa", "MasterCard")
        )
        attempts, warnings = self.attempts(), self.warnings()
        chargebacks, sales = self.chargebacks(), self.sales()
        debits, returns = self.debits(), self.returns()
        intents, all_intents = different, different("intent")
        through = count(lambda row: row["outcome_type"] != "blocked")
        paid, paid_intents = count(paid_), intents("intent", paid_)
        daily: dict[str, tuple[Measure, Measure | None, int, int]] = {
            "charges_raw": (count(), None, 1, 1),
            "intents": (all_intents, None, 1, 1),
            "retries_per_intent": (count(), all_intents, 1, 1),
            "auth_rate_charges": (
                count(lambda row: row["outcome_type"] in {"authorized", "manual_review"}),
                through,
                1,
                1,
            ),
            "auth_rate_intents": (paid_intents, all_intents, 1, 1),
            "issuer_decline_rate": (
                count(lambda row: row["outcome_type"] == "issuer_declined"),
                through,
                1,
                1,
            ),
            "block_rate_raw": (count(lambda row: row["outcome_type"] == "blocked"), count(), 1, 1),
            "block_rate_intents": (
                intents("intent", lambda row: row["outcome_type"] == "blocked"),
                all_intents,
                1,
                1,
            ),
            "raw_high_risk_percent": (
                count(lambda row: row["outcome_risk_level"] == "highest"),
                count(),
                100,
                1,
            ),
            "dispute_percent": (
                intents("intent", lambda row: row["disputed"]),
                paid_intents,
                100,
                1,
            ),
            "dispute_percent_30d_rolling": (
                intents("intent", lambda row: row["disputed"]),
                paid_intents,
                100,
                30,
            ),
            "efw_percent": (count(lambda row: row["paid"] and row["warned"]), paid, 100, 1),
            "fraud_percent": (
                count(lambda row: row["paid"] and (row["disputed"] or row["warned"])),
                paid,
                100,
                1,
            ),
            "refund_percent": (count(lambda row: row["paid"] and row["refunded"]), paid, 100, 1),
        }
        if name in daily:
            above, below, scale, window = daily[name]
            return rolled(
                [(attempts, above, 0)], [(attempts, below, 0)] if below else [], scale, window
            )
        visa = [(warnings, different("charge_id", is_visa), 0), (chargebacks, count(is_visa), 0)]
        mastercard = [(chargebacks, count(is_mastercard), 0)]
        money = [fact for fact in attempts if fact.row["paid"]]
        codes = {
            "nacha_unauthorised_percent": UNAUTHORISED,
            "nacha_administrative_percent": ADMINISTRATIVE,
        }
        match name:
            case "fraud_volume_percent":
                bad = total(lambda row: row["disputed"])
                return rolled([(money, bad, 0)], [(money, total(), 0)], 100)
            case "volume_usd":
                return rolled([(sales, total(), 0)], [])
            case "visa_items":
                return rolled(visa, [])
            case "visa_ratio_percent":
                return rolled(visa, [(sales, count(is_visa), 0)], 100)
            case "mastercard_chargebacks":
                return rolled(mastercard, [])
            case "mastercard_ratio_percent":
                return rolled(mastercard, [(sales, count(is_mastercard), 1)], 100)
            case "nacha_overall_percent":
                return rolled([(returns, count(), 0)], [(debits, count(), 0)], 100, 60)
        wanted = codes[name]
        above = count(lambda row: row["code"].upper() in wanted)
        return rolled([(returns, above, 0)], [(debits, count(), 0)], 100, 60)

    def attempts(self) -> list[Fact]:
        frauds = {r["charge_id"] for r in self.rows["disputes"] if r["reason"] == "fraudulent"}
        warned = {r["charge_id"] for r in self.rows["early_fraud_warnings"]}
        refunded = {
            r["charge_id"] for r in self.rows["refunds"] if r["reason"] != "partial_capture"
        }
        return [
            Fact(row["created"].date(), self.segment(row), {
                **row,
                "intent": row["payment_intent"] or row["id"],
                "disputed": row["id"] in frauds,
                "warned": row["id"] in warned,
                "refunded": row["id"] in refunded,
                "usd": row["amount"] * self.rate[row["created"].date(), row["currency"]],
            })
            for row in self.rows["charges"]
        ]  # fmt: skip

    def sales(self) -> list[Fact]:
        return [
            Fact(month(row["captured_at"]), self.segment(row), {
                **row, "usd": row["amount"] * self.rate[row["captured_at"].date(), row["currency"]],
            })
            for row in self.rows["charges"]
            if row["captured"] and row["paid"]
        ]  # fmt: skip

    def warnings(self) -> list[Fact]:
        return [self.about_charge(row) for row in self.rows["early_fraud_warnings"]]

    def chargebacks(self) -> list[Fact]:
        return [
            self.about_charge(row)
            for row in self.rows["disputes"]
            if row["status"] != "prevented"
            and not row["network_details_visa_rapid_dispute_resolution"]
        ]

    def about_charge(self, row: Row) -> Fact:
        charge = self.charge[row["charge_id"]]
        return Fact(
            month(row["created"]), self.segment(charge), {**row, "card_brand": charge["card_brand"]}
        )

    def debits(self) -> list[Fact]:
        return [Fact(row["created"].date(), self.own(row), row) for row in self.rows["bank_debits"]]

    def returns(self) -> list[Fact]:
        return [
            Fact(row["created"].date(), self.own(self.debit[row["debit_id"]]), row)
            for row in self.rows["bank_returns"]
        ]

    def segment(self, charge: Row) -> str:
        if self.by.startswith("::"):
            return self.value.get(charge["id"]) or "none"
        return self.own(charge)

    def own(self, row: Row) -> str:
        return (row.get(self.by) or "none") if self.by else "all"


def paid_(row: Row) -> bool:
    return row["paid"]


def month(moment: dt.datetime) -> dt.date:
    return moment.date().replace(day=1)


def next_month(day: dt.date) -> dt.date:
    return (day + dt.timedelta(days=32)).replace(day=1)


Part = tuple[list[Fact], Measure, int]


def rolled(above: list[Part], below: list[Part], scale: int = 1, window: int = 1) -> Answer:
    """Sums of what each period has of its own, over a window of periods."""
    places = {(fact.period, fact.segment) for facts, _, _ in (*above, *below) for fact in facts}
    upper, lower = (summed(parts) for parts in (above, below))
    found: Answer = {}
    for period, segment in places:
        back = [period - dt.timedelta(days=days) for days in range(window)]
        numerator = sum(upper.get((one, segment), 0) for one in back)
        denominator = sum(lower.get((one, segment), 0) for one in back) if below else 1
        value = scale * numerator / denominator if denominator else None
        found[period, segment] = (numerator, denominator, value)
    return found


def summed(parts: Iterable[Part]) -> dict[tuple[dt.date, str], float]:
    """What each period has, lags applied."""
    found: dict[tuple[dt.date, str], float] = defaultdict(float)
    for facts, measure, lag in parts:
        groups: dict[tuple[dt.date, str], list[Row]] = defaultdict(list)
        for fact in facts:
            groups[fact.period, fact.segment].append(fact.row)
        for (period, segment), rows in groups.items():
            found[next_month(period) if lag else period, segment] += measure(rows)
    return found
