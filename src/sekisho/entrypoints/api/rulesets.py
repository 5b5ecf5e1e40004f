"""Rule sets: check, draft, publish, versions, differences."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal, as_dicts, as_refusal
from sekisho.entrypoints.rulesets_told import live_told, published_told, shadow_told
from sekisho.entrypoints.versions import found_published, found_shadow
from sekisho.language import check_rule, format_rule
from sekisho.rules import (
    MAX_RULES,
    DraftRule,
    FailurePolicy,
    HoldoutPlan,
    Mode,
    Rollout,
    RulesRefused,
    check_size,
)
from sekisho.rules.rollout import MOST_SHARE
from sekisho.rules.sqlite import drafted

router = APIRouter(prefix="/v1", tags=["rules"], route_class=StrictRoute)


class RolloutIn(BaseModel):
    """The share of a key's values for which a rule is in force."""

    model_config = ConfigDict(extra="forbid")
    percent: float = Field(ge=0, le=100)
    by: str = Field(max_length=100)


class HoldoutIn(BaseModel):
    """A small share of would-be blocks passes, so that their precision can be measured."""

    model_config = ConfigDict(extra="forbid")
    share: float = Field(gt=0, le=MOST_SHARE)
    per_payment: int = Field(gt=0)
    per_day: int = Field(gt=0)
    currency: str = Field(pattern="^[a-z]{3}$")


class RuleIn(BaseModel):
    """A rule with its settings."""

    model_config = ConfigDict(extra="forbid")
    predicate: str
    id: str = Field("", max_length=100)
    on_failure: FailurePolicy | None = None
    mode: Mode = Mode.LIVE
    rollout: RolloutIn | None = None


class DraftIn(BaseModel):
    """A whole rule set, as texts or as objects."""

    model_config = ConfigDict(extra="forbid")
    rules: list[str | RuleIn] = Field(max_length=MAX_RULES)
    holdout: HoldoutIn | None = None


class NoteIn(BaseModel):
    """Why a version is published."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field("", max_length=2_000)


@router.post("/rules/check", summary="Check rules without keeping them")
async def check(request: Request, draft: DraftIn, key: ApiKey = need("read")) -> Response:
    """Diagnostics for each rule: kind, line, column, length, message, hint."""
    del key
    drafts = _drafts(draft)
    try:
        check_size(drafts)
    except ValueError as error:
        raise _refused(error) from error
    checked = await asyncio.to_thread(_checked, node_of(request), drafts)
    return answer({"object": "list", "data": checked})


@router.put("/rulesets/draft", summary="Replace the draft")
async def put_draft(request: Request, draft: DraftIn, key: ApiKey = need("rules")) -> Response:
    """Keeps the draft, with warnings; or refuses it with every error of every rule."""
    node = node_of(request)
    try:
        plan = HoldoutPlan(**draft.holdout.model_dump()) if draft.holdout else None
        told = await node.policy.save_draft(_drafts(draft), key.id, plan)
    except (RulesRefused, ValueError) as error:
        raise _refused(error) from error
    return answer(told)


@router.get("/rulesets/draft", summary="The draft")
async def get_draft(request: Request, key: ApiKey = need("read")) -> Response:
    """The draft as kept, with its warnings."""
    del key
    told = await asyncio.to_thread(node_of(request).policy.draft)
    if told is None:
        raise HttpRefusal(
            404, "resource_missing", "there is no draft: PUT /v1/rulesets/draft first"
        )
    return answer(told)


@router.post("/rulesets/draft/publish", summary="Make the draft the live rule set")
async def publish(
    request: Request, note: NoteIn | None = None, key: ApiKey = need("rules")
) -> Response:
    """Compiles the draft, fills counters it newly needs from history, puts it in force at once."""
    node = node_of(request)
    try:
        published = await node.policy.publish(key.id, note.note if note else "")
    except (RulesRefused, ValueError) as error:
        raise _refused(error) from error
    return answer(published_told(published, live=True))


@router.post("/rulesets/draft/shadow", summary="Put the draft in shadow, beside the live rule set")
async def put_in_shadow(
    request: Request, note: NoteIn | None = None, key: ApiKey = need("rules")
) -> Response:
    """Decisions record what it would have decided, in `shadow_ruleset`; nothing acts on it."""
    policy = node_of(request).policy
    try:
        candidate = await policy.put_in_shadow(key.id, note.note if note else "")
    except (RulesRefused, ValueError) as error:
        raise _refused(error) from error
    return answer(shadow_told(candidate, policy.live.ruleset.version))


@router.get("/rulesets/shadow", summary="The rule set in shadow")
async def get_shadow(request: Request, key: ApiKey = need("read")) -> Response:
    """Its rules, since when, and the live version beside it."""
    del key
    node = node_of(request)
    return answer(shadow_told(found_shadow(node.store.read()), node.policy.live.ruleset.version))


@router.delete("/rulesets/shadow", summary="End the shadow")
async def end_shadow(request: Request, key: ApiKey = need("rules")) -> Response:
    """Decisions are recorded without it from now on; what was recorded stays."""
    del key
    policy = node_of(request).policy
    ended = await policy.end_shadow()
    return answer({**shadow_told(ended, policy.live.ruleset.version), "ended": True})


@router.post("/rulesets/shadow/publish", summary="Make the rule set in shadow the live one")
async def publish_shadow(
    request: Request, note: NoteIn | None = None, key: ApiKey = need("rules")
) -> Response:
    """Its rules keep their ids; the draft, if there is one, stays."""
    policy = node_of(request).policy
    return answer(
        published_told(await policy.publish_shadow(key.id, note.note if note else ""), live=True)
    )


@router.get("/rulesets", summary="Every published version")
async def versions(request: Request, key: ApiKey = need("read")) -> Response:
    """Newest first."""
    del key
    node = node_of(request)
    live = node.policy.live.ruleset.version

    def told() -> list[dict[str, Any]]:
        published = node.policy.published()
        return [published_told(one, live=one.version == live, rules=False) for one in published]

    return answer({"object": "list", "data": await asyncio.to_thread(told)})


@router.get("/rulesets/diff", summary="What changed between two versions")
async def diff(
    request: Request,
    before: Annotated[str, Query()],
    after: Annotated[str, Query()],
    key: ApiKey = need("read"),
) -> Response:
    """Rules added, removed and changed. `draft` and `live` are versions too."""
    del key
    policy = node_of(request).policy
    earlier, later = policy.rules_of(before), policy.rules_of(after)
    old, new = _by_identity(earlier, later), _by_identity(later, earlier)
    return answer(
        {
            "object": "ruleset_diff",
            "before": before,
            "after": after,
            "added": [text for rule, text in new.items() if rule not in old],
            "removed": [text for rule, text in old.items() if rule not in new],
            "changed": [
                {"id": rule, "before": old[rule], "after": text}
                for rule, text in new.items()
                if rule in old and old[rule] != text
            ],
        }
    )


@router.get("/rulesets/{version}", summary="One version")
async def get_version(request: Request, version: str, key: ApiKey = need("read")) -> Response:
    """By its name, its number, or `live`."""
    del key
    node = node_of(request)
    if version == "live":
        return answer(live_told(node.policy.live.ruleset))
    found = found_published(node.store.read(), version)
    return answer(published_told(found, live=found.version == node.policy.live.ruleset.version))


@router.post("/rulesets/{version}/publish", summary="Go back to a version")
async def republish(request: Request, version: str, key: ApiKey = need("rules")) -> Response:
    """Publishes the rules of an earlier version as a new one."""
    node = node_of(request)
    found = found_published(node.store.read(), version)
    rules = [drafted(one) for one in found.rules]
    await node.policy.save_draft(rules, key.id, found.holdout)
    published = await node.policy.publish(key.id, f"back to {found.version}")
    return answer(published_told(published, live=True))


def _checked(node: Node, drafts: Sequence[DraftRule]) -> list[dict[str, Any]]:
    checked = [check_rule(one.predicate, node.policy.catalogue, node.book.types) for one in drafts]
    return [
        {
            "rule": draft.predicate,
            "ok": not one.errors,
            "formatted": format_rule(one.rule) if one.rule else None,
            "errors": as_dicts(one.errors),
            "warnings": as_dicts(one.warnings),
        }
        for draft, one in zip(drafts, checked, strict=True)
    ]


def _by_identity(rules: Sequence[DraftRule], others: Sequence[DraftRule]) -> dict[str, str]:
    """Rule id → text. A drafted rule without an id is the one of its text on the other side."""
    ids = {one.predicate: one.id for one in others if one.id}
    return {one.id or ids.get(one.predicate, one.predicate): one.predicate for one in rules}


def _drafts(draft: DraftIn) -> list[DraftRule]:
    return [DraftRule(one) if isinstance(one, str) else _draft(one) for one in draft.rules]


def _draft(one: RuleIn) -> DraftRule:
    rollout = Rollout(one.rollout.percent, one.rollout.by) if one.rollout else None
    return DraftRule(one.predicate, one.id, one.on_failure, one.mode, rollout)


def _refused(error: Exception) -> HttpRefusal:
    if isinstance(error, RulesRefused):
        return as_refusal(error)
    return HttpRefusal(400, "ruleset_refused", str(error), param="rules")
