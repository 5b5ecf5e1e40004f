"""The nearest known name to a misspelt one: by edit distance and by words in common."""

import re
from collections import Counter
from collections.abc import Iterable

CLOSE_ENOUGH = 0.55  # below this a suggestion looks arbitrary to the author
CONTAINED = 0.58  # every word of one name is a word of the other
SUGGESTED_NAME_CHARS = 80  # nobody misspells a longer name; bounds the cost of a hostile one
EDIT_WEIGHT = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name the author most likely meant, or None.

    Of equally near names the one made of the most common words wins.

    >>> nearest("risk_scor", ["risk_level", "risk_score"])
    'risk_score'
    >>> nearest("customer_id", ["currency", "customer", "hours_since_customer_was_created"])
    'customer'
    """
    if not name or len(name) > SUGGESTED_NAME_CHARS:
        return None
    wanted = name.lower()
    words = _words(wanted)
    best: list[str] = []
    best_score = CLOSE_ENOUGH
    names = list(known)
    for candidate in names:
        score = _likeness(wanted, words, candidate.lower(), best_score)
        if score > best_score:
            best, best_score = [candidate], score
        elif best and score == best_score:
            best.append(candidate)
    return best[0] if len(best) == 1 else _most_common(best, names)


def edit_distance(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from one text to the other.

    >>> edit_distance("amuont", "amount"), edit_distance("abc", "")
    (1, 3)

    Source: optimal string alignment, Damerau 1964.
    """
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        line = [row]
        for column, b in enumerate(right, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (a != b))
            if row > 1 and column > 1 and a == right[column - 2] and left[row - 2] == b:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, above = above, line
    return above[-1]


def _likeness(wanted: str, words: frozenset[str], candidate: str, at_least: float) -> float:
    """From 0 to 1; stops early when the two cannot reach `at_least`."""
    if wanted == candidate:
        return 1.0
    its_words = _words(candidate)
    shared = len(words & its_words) / max(1, len(words | its_words))
    longest = max(len(wanted), len(candidate))
    contained = CONTAINED + 0.04 * shared if _contains(words, its_words) else 0.0
    best_edit = _letters_in_common(wanted, candidate) / longest
    if not _beats(best_edit, shared, at_least):
        return contained
    edit = 1 - edit_distance(wanted, candidate) / longest
    return max(contained, edit - 0.15, EDIT_WEIGHT * edit + (1 - EDIT_WEIGHT) * shared)


def _beats(best_edit: float, shared: float, at_least: float) -> bool:
    reachable = EDIT_WEIGHT * best_edit + (1 - EDIT_WEIGHT) * shared
    return max(best_edit - 0.15, reachable) >= at_least


def _letters_in_common(left: str, right: str) -> int:
    """Bounds the edit distance cheaply: letters without a partner must be edited."""
    return sum(min(left.count(letter), right.count(letter)) for letter in set(left))


def _contains(words: frozenset[str], others: frozenset[str]) -> bool:
    """Whether all words of one name are words of the other."""
    return bool(words and others) and (words <= others or others <= words)


def _most_common(tied: list[str], names: list[str]) -> str | None:
    if not tied:
        return None
    counts = Counter(word for name in names for word in _words(name.lower()))
    return max(tied, key=lambda name: sum(counts[word] for word in _words(name.lower())))


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z0-9]+", name) if word)
