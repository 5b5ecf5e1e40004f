"""What rules did: metrics from the archive, computed beside the thread that decides."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.entrypoints.rule_figures import (
    EVER_US,
    WEEK_US,
    Period,
    days_told,
    folded,
    matches_told,
    rules_with_edits,
    summary,
)
from sekisho.entrypoints.versions import found_shadow
from sekisho.kit.clock import iso, to_us
from sekisho.learning import RuleAsked, compare_beside, matches_of, rule_metrics

router = APIRouter(prefix="/v1", tags=["rules"], route_class=StrictRoute)
Moment = Annotated[AwareDatetime | None, Query()]


@router.get("/rules/summary", summary="The last week of every rule")
async def week(request: Request, before: Moment = None, key: ApiKey = need("read")) -> Response:
    """Beside the week before, with hints; `before` ends the week, now when left out."""
    del key
    node = node_of(request)
    until_us = to_us(before) if before else node.clock.now_us()

    def work() -> list[dict[str, object]]:
        rules = rules_with_edits(node.policy.published())
        records = folded(node.settings.data, node.ledger, node.policy.context)
        return summary(rules, records, until_us)

    async with node.folding:
        lines = await asyncio.to_thread(work)
    span = {"from": iso(until_us - WEEK_US), "to": iso(until_us)}
    return answer({"object": "list", "week": span, "data": lines})


@router.get("/rules/{rule_id}/metrics", summary="What a rule did")
async def metrics(
    request: Request,
    rule_id: str,
    after: Moment = None,
    before: Moment = None,
    key: ApiKey = need("read"),
) -> Response:
    """Matches, money, false positives, what came after; by day, with a mark at each edit."""
    del key
    node, period = node_of(request), _period(after, before)

    def work() -> dict[str, object]:
        rule = _rule(node, rule_id)
        records = folded(node.settings.data, node.ledger, node.policy.context)
        return days_told(rule_metrics([rule], records, period, node.clock.now_us())[0])

    async with node.folding:
        return answer(await asyncio.to_thread(work))


@router.get("/rules/{rule_id}/matches", summary="The events a rule matched, as CSV")
async def matches(
    request: Request,
    rule_id: str,
    after: Moment = None,
    before: Moment = None,
    key: ApiKey = need("read"),
) -> Response:
    """In shadow too; with what became of each."""
    del key
    node, period = node_of(request), _period(after, before)

    def work() -> str:
        rule = _rule(node, rule_id)
        records = folded(node.settings.data, node.ledger, node.policy.context)
        return matches_told(matches_of(rule.id, records, period, node.clock.now_us())).write_csv()

    async with node.folding:
        return Response(await asyncio.to_thread(work), media_type="text/csv; charset=utf-8")


@router.get("/rulesets/shadow/metrics", summary="The rule set in shadow against the live one")
async def beside(
    request: Request,
    version: str = "",
    after: Moment = None,
    before: Moment = None,
    key: ApiKey = need("read"),
) -> Response:
    """Decisions that differ, by outcome, in number and money, with what became of them.

    Of the set in shadow, or of the `version` of one that was.
    """
    del key
    node, period = node_of(request), _period(after, before)

    def work() -> dict[str, object]:
        wanted = version or found_shadow(node.store.read()).version
        records = folded(node.settings.data, node.ledger, node.policy.context)
        return days_told(compare_beside(records, period, node.clock.now_us(), wanted))

    async with node.folding:
        return answer(await asyncio.to_thread(work))


def _rule(node: Node, rule_id: str) -> RuleAsked:
    for one in rules_with_edits(node.policy.published()):
        if one.id == rule_id:
            return one
    raise HttpRefusal(404, "resource_missing", f"no such rule: '{rule_id}'", param="rule_id")


def _period(after: AwareDatetime | None, before: AwareDatetime | None) -> Period:
    return (to_us(after) if after else 0, to_us(before) if before else EVER_US)
