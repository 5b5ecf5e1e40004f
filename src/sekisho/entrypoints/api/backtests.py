"""Backtests: ask what rules would have done, and come back for long answers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.backtesting import Kind, Question
from sekisho.entrypoints.backtests import Backtests
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import to_us
from sekisho.learning import BacktestRefused, costs_of, variants
from sekisho.rules import MAX_RULES, DraftRule, draft_rules

router = APIRouter(prefix="/v1/backtests", tags=["backtests"], route_class=StrictRoute)


class BacktestIn(BaseModel):
    """A question: one of `rule`, `ruleset` and `sweep`."""

    model_config = ConfigDict(extra="forbid")
    rule: str | None = None
    ruleset: list[str] | None = Field(None, max_length=MAX_RULES)
    sweep: str | None = None
    from_: datetime | None = Field(None, alias="from")
    to: datetime | None = None
    as_of: datetime | None = None
    currency: str = "usd"
    costs: dict[str, float] = Field(default_factory=dict)
    instead_of: str = ""


@router.post("", summary="Try rules on history")
async def ask(request: Request, given: BacktestIn, key: ApiKey = need("read")) -> Response:
    """Send `rule`, `ruleset` (its rules) or `sweep` (a rule with `{50..95..5}` for a number).

    What ends within two seconds is answered with status 200 and `result`. Else the answer is a job
    with status 202: ask `GET /v1/backtests/{id}` until `status` is `done` or `failed`. Decisions go
    on meanwhile; one backtest runs at a time.
    """
    del key
    node = node_of(request)
    question = _question(given)
    await asyncio.to_thread(_check, node, question)
    backtests: Backtests = request.app.state.backtests
    one = await backtests.ask(question)
    return answer(one.told(), 200 if one.status in {"done", "failed"} else 202)


@router.get("/{job_id}", summary="A backtest and its result")
async def get(request: Request, job_id: str, key: ApiKey = need("read")) -> Response:
    """`status` is `waiting`, `running`, `done` or `failed`. The newest 50 are kept, in memory."""
    del key
    backtests: Backtests = request.app.state.backtests
    return answer(backtests.find(job_id).told())


def _question(given: BacktestIn) -> Question:
    asked: dict[Kind, Sequence[str] | None] = {
        "rule": None if given.rule is None else [given.rule],
        "ruleset": given.ruleset,
        "sweep": None if given.sweep is None else [given.sweep],
    }
    named: list[tuple[Kind, Sequence[str]]] = [
        (kind, texts) for kind, texts in asked.items() if texts is not None
    ]
    if len(named) != 1:
        message = "send one of `rule`, `ruleset` and `sweep`"
        raise HttpRefusal(422, "missing_field", message, param="rule")
    kind, texts = named[0]
    return Question(
        kind,
        tuple(texts),
        _moment(given.from_),
        _moment(given.to),
        _moment(given.as_of),
        given.currency.lower(),
        given.costs,
        given.instead_of,
    )


def _moment(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _check(node: Node, question: Question) -> None:
    """Refuse at once what would fail later.

    Raises:
        RulesRefused: a rule has errors.
        HttpRefusal: the sweep or the costs cannot be read.
    """
    texts: Any = question.rules
    try:
        costs_of(question.costs)
        if question.kind == "sweep":
            texts = [text for _, text in variants(question.rules[0])][:1]
    except BacktestRefused as refused:
        raise HttpRefusal(422, "backtest_refused", str(refused)) from refused
    drafts = [DraftRule(text) for text in texts]
    draft_rules(drafts, node.policy.catalogue, node.book.types, lint=False)
