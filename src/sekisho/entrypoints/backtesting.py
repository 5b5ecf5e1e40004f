"""A backtest as a job: all it needs in one message, so that it can run in a process of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from sekisho.entrypoints.declared import counter_attribute
from sekisho.entrypoints.foundation import database_of, history_of
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.profile_past import past_versions, specs_of_tables
from sekisho.events import ExchangeRates, default_catalogue
from sekisho.history import Archive, fold_log
from sekisho.language import Catalogue
from sekisho.learning import (
    Past,
    ask,
    backtest_rule,
    backtest_ruleset,
    backtest_sweep,
    costs_of,
)
from sekisho.rules import (
    DraftRule,
    Mode,
    StoredRule,
    assemble,
    builtin_rules,
    draft_rules,
    restore,
    with_builtin,
)
from sekisho.scoring import Scorecard
from sekisho.velocity import CounterSpec, parse_counter

Kind = Literal["rule", "ruleset", "sweep"]
Told = Callable[[int], None]


class Question(msgspec.Struct, frozen=True):
    """What somebody asks.

    Attributes:
        kind: of one rule, of a whole set, or of one rule under many thresholds.
        rules: one text, or those of a set.
        from_us: events from this moment on; None for the last six months of history.
        to_us: events before this moment; None for the end of history.
        as_of_us: outcomes known by this moment; None for all.
        currency: of amounts.
        costs: what decisions cost, by name; the rest has its default.
        instead_of: id of a rule in force that the one rule is to replace.
    """

    kind: Kind
    rules: tuple[str, ...]
    from_us: int | None = None
    to_us: int | None = None
    as_of_us: int | None = None
    currency: str = "usd"
    costs: dict[str, float] = {}
    instead_of: str = ""


class LiveRule(msgspec.Struct, frozen=True):
    """A rule in force; one in shadow is none."""

    id: str
    predicate: str
    created_us: int


class Job(msgspec.Struct, frozen=True):
    """A question with everything it depends on; it is plain JSON.

    Attributes:
        question: what is asked.
        history: folder of the archive.
        live: the published rules; the built-in ones are added again where it runs.
        list_types: alias → item type.
        lists: alias → items, of every list with any.
        counters: declared counters by name.
        usd_per_unit: exchange rates.
        now_us: the age of rules of a candidate set.
        log: the database with every version of profiles and parameters.
        tables: their declarations by name.
    """

    question: Question
    history: str
    live: tuple[LiveRule, ...]
    list_types: dict[str, str]
    lists: dict[str, list[str]]
    counters: dict[str, dict[str, Any]]
    usd_per_unit: dict[str, float]
    now_us: int
    log: str = ""
    tables: dict[str, dict[str, Any]] = {}


def job_of(
    node: Node,
    question: Question,
    counters: Mapping[str, dict[str, Any]] | None = None,
    history: Path | None = None,
) -> Job:
    """A question put to what a node has in force.

    Args:
        node: whose rules, lists and counters count.
        question: what is asked.
        counters: more declared counters, which need not be in force.
        history: folder of the archive; the node's own when left out.
    """
    policy, book = node.policy, node.book
    live = [
        LiveRule(rule.id, rule.rule.text, rule.created_us)
        for rule in policy.live.ruleset.rules
        if not rule.builtin and rule.mode is Mode.LIVE
    ]
    declared = {name: one.declaration for name, one in policy.declared.items()}
    return Job(
        question=question,
        history=str(history or history_of(node.settings.data)),
        live=tuple(live),
        list_types=dict(book.types),
        lists={alias: list(values) for alias, values in book.values.items() if values},
        counters={**declared, **(counters or {})},
        usd_per_unit=dict(node.base.rates.usd_per_unit),
        now_us=node.clock.now_us(),
        log=str(database_of(node.settings.data)),
        tables=node.profiles.declarations(),
    )


def pin_history(node: Node, name: str) -> Path:
    """The history up to the end of the log, in a folder that nobody changes; drop it after use."""
    fold_history(node)
    folder = reading_of(node) / name
    Archive(history_of(node.settings.data)).pin(folder)
    return folder


def reading_of(node: Node) -> Path:
    """Where histories lie that backtests read just now; what a crash left there may go."""
    return history_of(node.settings.data) / "reading"


def fold_history(node: Node, told: Told = lambda _: None) -> None:
    """Bring the archive of a node up to the end of its log; one thread at a time."""
    archive = Archive(history_of(node.settings.data))
    fold_log(node.ledger, archive, node.policy.context, progress=told)


def run_job(job: Job, told: Told = lambda _: None) -> dict[str, Any]:
    """The answer.

    Raises:
        BacktestRefused: the question cannot be answered; the message says what to change.
        RulesRefused: rules of a candidate set have errors.
        CounterRefused: a declared counter cannot be read.
    """
    question = job.question
    plain = default_catalogue()
    specs = {name: parse_counter(name, one, plain) for name, one in job.counters.items()}
    catalogue = plain.extended(counter_attribute(spec) for spec in specs.values())
    catalogue = catalogue.extended(specs_of_tables(job.tables))
    past = _past(job, catalogue, specs)
    costs = costs_of(question.costs)
    match question.kind:
        case "rule":
            asked = ask(past, question.rules[0], job.list_types)
            return backtest_rule(past, asked, costs, instead_of=question.instead_of, told=told)
        case "sweep":
            return backtest_sweep(past, question.rules[0], job.list_types, costs, told=told)
        case "ruleset":
            builtin = builtin_rules(catalogue, job.list_types)
            candidate = candidate_rules(question.rules, past, job.list_types, job.now_us)
            return backtest_ruleset(past, with_builtin(candidate, builtin), costs, told=told)


def candidate_rules(
    texts: Sequence[str], past: Past, list_types: Mapping[str, str], now_us: int
) -> list[StoredRule]:
    """The rules of a candidate set: those that are in force keep their ids, new ones are numbered.

    Raises:
        RulesRefused: some have errors.
    """
    drafts = [DraftRule(text) for text in texts]
    draft_rules(drafts, past.catalogue, list_types, lint=False)
    taken = {rule.id for rule in past.live}
    return assemble(
        drafts, past.catalogue, list_types, _names(taken).__next__, before=past.live, now_us=now_us
    )


def _names(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if f"candidate_{number}" not in taken:
            yield f"candidate_{number}"


def _past(job: Job, catalogue: Catalogue, specs: Mapping[str, CounterSpec]) -> Past:
    live = restore(
        [(DraftRule(one.predicate, one.id), one.created_us) for one in job.live],
        catalogue,
        job.list_types,
    )
    question = job.question
    said = " ".join(question.rules).lower()
    fields = {one.name for one in specs_of_tables(job.tables) if one.name in said}
    fields = fields.union(*(rule.fields for rule in live))
    return Past(
        Archive(Path(job.history)),
        with_builtin(live, builtin_rules(catalogue, job.list_types)),
        {alias: job.lists.get(alias, []) for alias in job.list_types},
        catalogue,
        Scorecard(catalogue),
        specs,
        known=past_versions(Path(job.log), job.tables, fields) if job.tables else (),
        rates=ExchangeRates(job.usd_per_unit, "", ""),
        currency=question.currency,
        from_us=question.from_us,
        to_us=question.to_us,
        as_of_us=question.as_of_us,
    )
