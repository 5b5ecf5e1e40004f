"""What becomes known later: issuer's answers, warnings, disputes, refunds, verdicts, labels."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from sekisho.sandbox.draft import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    Drafts,
    Flags,
    Floats,
    Hard,
    Ints,
    Kind,
    Stream,
    chance,
)
from sekisho.sandbox.places import DECLINES, WALLETS
from sekisho.sandbox.render import UTC_TIME, moments, words

REPORTED = 0.87  # of approved fraud; the rest is never noticed
WITHDRAWN = 0.02  # of fraud reports turn out wrong or are taken back
WARNED = 0.55
DISPUTED = 0.7
HONEST_DISPUTES = 0.0006
MISTAKEN_REPORTS = 0.0003
HONEST_REFUNDS = 0.02
REVIEWED_HONEST, REVIEWED_FRAUD = 0.002, 0.06
REVIEW_ERRORS = 0.07
CHECKS = ("pass", "fail", "unavailable", "not_provided")
KNOWS = {
    Stream.SIGNUP: ("analyst", 1.0),
    Stream.LOGIN: ("customer", 1.0),
    Stream.SENSITIVE_CHANGE: ("customer", 1.3),
    Stream.OTP_REQUEST: ("carrier_invoice", 4.0),
    Stream.PAYMENT: ("customer", 1.5),
    Stream.INBOUND_TRANSFER: ("bank", 2.5),
    Stream.OUTBOUND_TRANSFER: ("bank", 1.2),
}
"""Who reports fraud of a stream, and after how many days (median)."""

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "type": pl.String,
    "id": pl.String,
    "occurred_at": UTC_TIME,
    "about": pl.String,
    "approved": pl.Boolean,
    "decline_code": pl.String,
    "cvc_check": pl.String,
    "address_zip_check": pl.String,
    "address_line1_check": pl.String,
    "three_d_secure.attempted": pl.Boolean,
    "three_d_secure.authenticated": pl.Boolean,
    "reason": pl.String,
    "is_fraudulent": pl.Boolean,
    "network_reason_code": pl.String,
    "amount": pl.Int64,
    "currency": pl.String,
    "fraud_type": pl.String,
    "verdict": pl.String,
    "code": pl.String,
    "label": pl.String,
    "source": pl.String,
}
NEVER = np.iinfo(np.int64).max


@dataclass(slots=True)
class Reports:
    """The outcomes of one stream and shard as they are drawn, and what they say."""

    events: pl.DataFrame
    at_us: Ints
    rng: np.random.Generator
    parts: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    fraud_known_us: Ints = field(init=False)
    legitimate_known_us: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.fraud_known_us = np.full(len(self.at_us), NEVER)
        self.legitimate_known_us = np.full(len(self.at_us), NEVER)

    def chance(self, part: float | Floats) -> Flags:
        """A draw for every event."""
        return chance(self.rng, len(self.at_us), part)

    def delay(self, rows: int, median_days: float, sigma: float = 0.7) -> Ints:
        """Lognormal delays, never under a minute."""
        days = median_days * np.exp(sigma * self.rng.standard_normal(rows))
        return np.maximum((days * DAY_US).astype(np.int64), 60 * SECOND_US)

    def add(self, kind: str, about: Ints, at_us: Ints, **columns: pl.Series) -> None:
        """Outcomes of one type about these rows."""
        self.parts.append(
            pl.DataFrame(
                {
                    "type": pl.Series([kind]).new_from_index(0, len(about)),
                    "occurred_at": moments(at_us),
                    "about": self.events["id"].gather(about),
                    **columns,
                }
            )
        )

    def call_fraud(self, about: Ints, at_us: Ints) -> None:
        """Remember the first time each of these was called fraud."""
        np.minimum.at(self.fraud_known_us, about, at_us)

    def withdraw(self) -> None:
        """A few reports are taken back; the event is then called legitimate."""
        known = np.flatnonzero(self.fraud_known_us < NEVER)
        about = known[chance(self.rng, len(known), WITHDRAWN)]
        at = self.fraud_known_us[about] + self.delay(len(about), 12.0)
        self.add("label", about, at, **_labels("legitimate", "withdrawn", len(about)))
        self.legitimate_known_us[about] = at
        self.fraud_known_us[about] = NEVER

    def verdicts(self) -> pl.DataFrame:
        """Columns `label` and `label_known_at` for the events: what reports say, not the truth."""
        fraud = self.fraud_known_us < NEVER
        fine = ~fraud & (self.legitimate_known_us < NEVER)
        known = np.where(fraud, self.fraud_known_us, self.legitimate_known_us)
        at = pl.Series("at", np.where(fraud | fine, known, 0))
        return pl.select(
            label=pl.lit(
                words(np.where(fraud, 1, np.where(fine, 2, 0)), (None, "fraud", "legitimate"))
            ),
            label_known_at=pl.when(pl.lit(at) > 0).then(pl.lit(at)).cast(UTC_TIME),
        )


def _labels(label: str, source: str, rows: int) -> dict[str, pl.Series]:
    return {"label": _same(label, rows), "source": _same(source, rows)}


def _same(text: str, rows: int) -> pl.Series:
    return pl.Series([text]).new_from_index(0, rows)


def reported(
    drafts: Drafts, events: pl.DataFrame, stream: Stream, rng: np.random.Generator
) -> Reports:
    """Everything that anybody will ever say about these events."""
    reports = Reports(events, drafts["at_us"].astype(np.int64), rng)
    if stream is Stream.PAYMENT:
        _answers(reports, drafts)
        _complaints(reports, drafts)
        _refunds(reports, drafts)
        _reviews(reports, drafts)
    else:
        _statements(reports, drafts, stream)
    reports.withdraw()
    return reports


def _answers(reports: Reports, drafts: Drafts) -> None:
    """The issuer's answer to every payment, with its checks, about a second later."""
    rows, kind, decline = len(drafts), drafts["kind"], drafts["decline"]
    crude = np.isin(kind, (Kind.CARD_TESTING, Kind.MALLORY, Kind.CASH_OUT))
    wallet = drafts["detail"] > WALLETS.index("none")
    cvc = np.where(reports.chance(0.05), 2, 0)
    cvc = np.where(crude & reports.chance(0.12), 1, cvc)
    cvc = np.where(DECLINES.index("incorrect_cvc") == decline, 1, np.where(wallet, 3, cvc))
    mismatch = np.where(crude, 0.3, np.where(kind > 0, 0.15, 0.035))
    postal = np.where(reports.chance(0.08), 2, np.where(reports.chance(mismatch), 1, 0))
    line1 = np.where(reports.chance(0.85), postal, 2)
    asked = reports.chance(0.15)
    reports.add(
        "authorization",
        np.arange(rows),
        drafts["at_us"] + reports.rng.integers(SECOND_US // 4, 3 * SECOND_US, rows),
        approved=pl.Series(decline == 0),
        decline_code=words(decline, (None, *DECLINES[1:])),
        cvc_check=words(cvc, CHECKS),
        address_zip_check=words(postal, CHECKS),
        address_line1_check=words(line1, CHECKS),
        **{
            "three_d_secure.attempted": pl.Series(asked),
            "three_d_secure.authenticated": pl.Series(asked & (decline == 0) & reports.chance(0.9)),
        },
    )


def _complaints(reports: Reports, drafts: Drafts) -> None:
    """Early fraud warnings and disputes of approved payments, some of them unjust."""
    approved, fraud = drafts["decline"] == 0, drafts["kind"] != Kind.HONEST
    own = drafts["kind"] == Kind.FIRST_PARTY
    noticed = approved & fraud & reports.chance(REPORTED)
    warned = np.flatnonzero(noticed & ~own & reports.chance(WARNED))
    at = reports.at_us[warned] + reports.delay(len(warned), 6.0)
    misused = _same("unauthorized_use_of_card", len(warned))
    reports.add("early_fraud_warning", warned, at, fraud_type=misused)
    reports.call_fraud(warned, at)
    silent = np.ones(len(drafts), np.bool_)
    silent[warned] = False
    unjust = approved & ~fraud & reports.chance(HONEST_DISPUTES)
    disputed = np.flatnonzero((noticed & (silent | reports.chance(DISPUTED))) | unjust)
    late = reports.at_us[disputed] + 2 * DAY_US + reports.delay(len(disputed), 16.0, 0.6)
    as_fraud = np.where(own | unjust, reports.chance(0.5), True)[disputed]
    reports.add(
        "dispute",
        disputed,
        late,
        reason=words(as_fraud.astype(np.int64), ("product_not_received", "fraudulent")),
        is_fraudulent=pl.Series(as_fraud),
        network_reason_code=words(as_fraud.astype(np.int64), ("13.1", "10.4")),
        amount=reports.events["amount"].gather(disputed),
        currency=reports.events["currency"].gather(disputed),
    )
    reports.call_fraud(disputed[as_fraud], late[as_fraud])


def _refunds(reports: Reports, drafts: Drafts) -> None:
    """Ordinary returns of goods, and money given back after a warning."""
    approved = drafts["decline"] == 0
    known = reports.fraud_known_us < NEVER
    given_back = known & reports.chance(0.25)
    about = np.flatnonzero(given_back | (approved & ~known & reports.chance(HONEST_REFUNDS)))
    fraudulent = given_back[about]
    since = np.where(fraudulent, reports.fraud_known_us[about], reports.at_us[about])
    days = np.where(fraudulent, reports.delay(len(about), 0.7), reports.delay(len(about), 5.0))
    reports.add(
        "refund",
        about,
        since + days,
        reason=words(fraudulent.astype(np.int64), ("requested_by_customer", "fraudulent")),
        amount=reports.events["amount"].gather(about),
        currency=reports.events["currency"].gather(about),
    )


def _reviews(reports: Reports, drafts: Drafts) -> None:
    """Analysts look at a sample within hours, and err now and then."""
    approved, fraud = drafts["decline"] == 0, drafts["kind"] != Kind.HONEST
    odd = fraud | (drafts["hard"] != Hard.NONE)
    part = np.where(fraud, REVIEWED_FRAUD, np.where(odd, 3 * REVIEWED_HONEST, REVIEWED_HONEST))
    about = np.flatnonzero(approved & reports.chance(part))
    wrong = chance(reports.rng, len(about), REVIEW_ERRORS)
    called = fraud[about] ^ wrong
    at = reports.at_us[about] + np.maximum(reports.delay(len(about), 0.25, 0.9), HOUR_US // 12)
    verdict = words(called.astype(np.int64), ("approved", "refunded_as_fraud"))
    reports.add("review_verdict", about, at, verdict=verdict)
    reports.call_fraud(about[called], at[called])
    reports.legitimate_known_us[about[~called]] = at[~called]


def _statements(reports: Reports, drafts: Drafts, stream: Stream) -> None:
    """What customers, banks, carriers and analysts say about events that no card network covers."""
    fraud = drafts["kind"] != Kind.HONEST
    source, days = KNOWS[stream]
    about = np.flatnonzero(
        (fraud & reports.chance(REPORTED)) | (~fraud & reports.chance(MISTAKEN_REPORTS))
    )
    at = reports.at_us[about] + reports.delay(len(about), days)
    reports.add("label", about, at, **_labels("fraud", source, len(about)))
    reports.call_fraud(about, at)
    if stream is Stream.INBOUND_TRANSFER:
        back = np.flatnonzero(fraud & reports.chance(0.3))
        late = reports.at_us[back] + 2 * DAY_US + reports.delay(len(back), 5.0)
        reports.add(
            "return",
            back,
            late,
            code=_same("R10", len(back)),
            amount=reports.events["amount"].gather(back),
            currency=reports.events["currency"].gather(back),
        )
