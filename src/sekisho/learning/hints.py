"""What a rule's metrics suggest. Source: rule-language contract, section 16."""

from typing import Any, Final

ENOUGH: Final = 20
"""Matches below which nothing but their absence says much."""
MOSTLY: Final = 0.8
FEW: Final = 0.02
MANY: Final = 0.1
HOLDS: Final = 0.25
"""Fraud that changed by less than this share between the halves of a period holds."""
MOVED: Final = 0.5
"""Matches that changed by more than this share fell or rose."""


def hints_for(
    metrics: dict[str, Any], halves: tuple[tuple[int, int], tuple[int, int]]
) -> list[dict[str, str]]:
    """Advice, each with what was observed; none where too little was seen.

    Args:
        metrics: of the rule, as `rule_metrics` tells them.
        halves: (matches, fraud among all events) in the first and second half of the period.
    """
    matched = int(metrics["matched"]["count"])
    if not matched:
        return [_hint("no matches", "delete the rule")]
    if matched < ENOUGH:
        return []
    match metrics["action"]:
        case "request_3ds":
            return _of_3ds(metrics)
        case "allow":
            bad = _share(metrics["fraud_among_matched"], metrics["matched"])
            bad = max(bad, _share(metrics["refunds"], metrics["allowed"]))
            told = "many disputes, early fraud warnings or refunds"
            return [_hint(told, "delete the rule")] if bad > MANY else []
        case "block":
            return _of_block(halves)
        case "review":
            return _of_review(metrics)
        case _:
            return []


def _of_3ds(metrics: dict[str, Any]) -> list[dict[str, str]]:
    if metrics["approved"]["count"] < ENOUGH:
        return []
    bad = _share(metrics["disputes_after"], metrics["approved"])
    if bad > MANY:
        return [_hint("fraud passes 3DS", "block instead")]
    if bad < FEW:
        return [_hint("3DS passes, and few disputes follow", "it is friction: delete the rule")]
    return []


def _of_block(halves: tuple[tuple[int, int], tuple[int, int]]) -> list[dict[str, str]]:
    (matches, fraud), (matches_later, fraud_later) = halves
    if not matches or abs(fraud_later - fraud) > HOLDS * max(fraud, 1):
        return []
    if matches_later < (1 - MOVED) * matches:
        return [_hint("blocks fall while fraud holds", "the rule is stale: renew it")]
    if matches_later > (1 + MOVED) * matches:
        return [_hint("blocks rise while fraud holds", "good customers are being hit: narrow it")]
    return []


def _of_review(metrics: dict[str, Any]) -> list[dict[str, str]]:
    if metrics["sent_to_review"]["count"] < ENOUGH:
        return []
    if _share(metrics["approved"], metrics["sent_to_review"]) > MOSTLY:
        return [_hint("reviews are mostly approved", "loosen the rule, or allow")]
    if (metrics["refund_rate"] or 0) > MOSTLY:
        return [_hint("reviews are mostly refunded", "turn it into a block")]
    return []


def _share(part: dict[str, Any], whole: dict[str, Any]) -> float:
    return part["count"] / whole["count"] if whole["count"] else 0.0


def _hint(observed: str, advice: str) -> dict[str, str]:
    return {"observed": observed, "advice": advice}
