"""The history of a data directory as the tables that indicators ask: views, in DuckDB's SQL.

Tables and columns are named as in the published schema of Stripe Sigma, so that a query written for
one runs on the other; `fx_usd`, `bank_debits` and `bank_returns` are Sekisho's own.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sekisho.events import OUTCOME_TYPES, ExchangeRates
from sekisho.history import Archive
from sekisho.kit.money import EXPONENTS

_COLUMNS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("event", "type", "about"), "varchar"),
    "at_us": "bigint",
    **dict.fromkeys(("decided", "outcome", "rule", "risk_level"), "varchar"),
    **dict.fromkeys(("amount", "risk_score"), "double"),
    **dict.fromkeys(
        ("currency", "customer", "destination", "payment_method_type", "digital_wallet"), "varchar"
    ),
    **dict.fromkeys(("card_brand", "card_country", "card_funding", "card_fingerprint"), "varchar"),
    **dict.fromkeys(("dispute_reason", "network_reason_code", "fraud_type"), "varchar"),
    **dict.fromkeys(("refund_reason", "verdict", "return_code"), "varchar"),
    "is_fraudulent": "boolean",
}
"""What is read of history, with its type there; a file without a column has nulls."""
_INTENT: Final = "::payment_intent::"
_BRANDS: Final = {
    "visa": "Visa",
    "mastercard": "MasterCard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
_BANK_METHODS: Final = "'us_bank_account', 'ach_debit'"


def table_statements(archive: Archive, rates: ExchangeRates) -> Iterator[str]:
    """Statements that make the tables; nothing is read before something is asked.

    Raises:
        HistoryDamaged: a segment is missing.
    """
    yield f"create view rows as {_rows(archive)}"
    yield f"create view history as {_once(archive)}"
    yield f"create view answers as {_ANSWERS}"
    yield f"create view charges as {_charges()}"
    yield f"create view charges_metadata as {_metadata(archive)}"
    for name, query in _TOLD.items():
        yield f"create view {name} as {query}"
    yield f"create view fx_usd as {_rates(rates)}"


def _rows(archive: Archive) -> str:
    """All rows, numbered as they lie in the archive."""
    metadata = _metadata_columns(archive)
    columns = {**_COLUMNS, **dict.fromkeys(metadata, "varchar")}
    parts: list[str] = []
    for number, segment in enumerate(archive.segments):
        here = archive.lazy(segment).collect_schema().names()
        chosen = ", ".join(
            f"cast({_quoted(name) if name in here else 'null'} as {kind}) as {_quoted(name)}"
            for name, kind in columns.items()
        )
        path = _text(str(archive.directory / segment.name))
        parts.append(
            f"select {number} as segment, file_row_number as place, {chosen}"  # noqa: S608 — names quoted
            f" from read_parquet({path}, file_row_number = true)"
        )
    return " union all ".join(parts)


def _once(archive: Archive) -> str:
    """Each event once: repetitions can only be where rows have different origins."""
    if len({(one.source, one.batch) for one in archive.segments}) <= 1:
        return "select * from rows"
    outcomes = _listed(OUTCOME_TYPES)
    return (
        "select * from rows qualify row_number() over"  # noqa: S608 — names of ours
        f" (partition by event, type in ({outcomes}) order by segment, place) = 1"
    )


_ANSWERS: Final = """
select about as charge_id, arg_max(outcome, (at_us, segment, place)) as answer
  from history where type = 'authorization' group by about
"""


def _charges() -> str:
    """Payments; what is known to be neither blocked nor declined went through."""
    brands = " ".join(f"when '{name}' then '{shown}'" for name, shown in _BRANDS.items())
    return f"""
select event as id, make_timestamp(at_us) as created, cast(amount as bigint) as amount, currency,
       {_quoted(_INTENT)} as payment_intent, customer as customer_id, destination as destination_id,
       payment_method_type, nullif(digital_wallet, 'none') as card_tokenization_method,
       case card_brand {brands} else card_brand end as card_brand,
       card_country, card_funding, card_fingerprint, cast(null as varchar) as card_network,
       cast(risk_score as bigint) as outcome_risk_score, risk_level as outcome_risk_level,
       rule as outcome_rule_id,
       case when decided = 'block' or outcome = 'blocked' then 'blocked'
            when coalesce(outcome, answer) = 'declined' then 'issuer_declined'
            when decided = 'review' then 'manual_review'
            else 'authorized' end as outcome_type,
       outcome_type in ('authorized', 'manual_review') as paid, paid as captured,
       case when paid then created end as captured_at
  from history left join answers on charge_id = event where type = 'payment'
"""  # noqa: S608 — names of ours


_TOLD: Final = {
    "disputes": """
select event as id, about as charge_id, make_timestamp(at_us) as created,
       cast(amount as bigint) as amount, currency, network_reason_code,
       case when is_fraudulent then 'fraudulent' when dispute_reason = 'fraudulent' then 'general'
            else coalesce(dispute_reason, 'general') end as reason,
       cast(null as varchar) as status,
       cast(null as boolean) as network_details_visa_rapid_dispute_resolution
  from history where type = 'dispute'
""",
    "early_fraud_warnings": """
select event as id, about as charge_id, make_timestamp(at_us) as created, fraud_type
  from history where type = 'early_fraud_warning'
""",
    "refunds": """
select event as id, about as charge_id, make_timestamp(at_us) as created,
       cast(amount as bigint) as amount,
       case when verdict = 'refunded_as_fraud' then 'fraudulent' else refund_reason end as reason
  from history
 where type = 'refund'
    or (type = 'review_verdict' and verdict in ('refunded', 'refunded_as_fraud'))
""",
    "bank_debits": f"""
select event as id, make_timestamp(at_us) as created, cast(amount as bigint) as amount, currency,
       customer as customer_id
  from history
 where type = 'inbound_transfer'
    or (type = 'payment' and payment_method_type in ({_BANK_METHODS}))
""",  # noqa: S608 — names of ours
    "bank_returns": """
select event as id, about as debit_id, make_timestamp(at_us) as created, return_code as code
  from history where type = 'return'
""",
}


def _metadata(archive: Archive) -> str:
    """Metadata of payments: one row for each key and value."""
    parts = [
        f"select event as charge_id, {_text(name.strip(':'))} as key, {_quoted(name)} as value"  # noqa: S608 — quoted
        f" from history where type = 'payment' and {_quoted(name)} is not null"
        for name in _metadata_columns(archive)
    ]
    return " union all ".join(parts)


def _metadata_columns(archive: Archive) -> list[str]:
    found = {
        name: None
        for segment in archive.segments
        for name in archive.lazy(segment).collect_schema().names()
        if name.startswith("::")
    }
    return list({**found, _INTENT: None})


def _rates(rates: ExchangeRates) -> str:
    """What a minor unit of each currency is worth in dollars: the same on all days."""
    known = ", ".join(
        f"('{code}', {rate / 10 ** EXPONENTS[code]!r}::double)"
        for code, rate in sorted(rates.usd_per_unit.items())
    )
    return f"""
select day, currency, usd_per_minor_unit
  from (select distinct cast(created as date) as day from charges)
 cross join (values {known}) as known(currency, usd_per_minor_unit)
"""  # noqa: S608 — numbers and codes of ours


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
