"""Which attributes exist: the table the checker resolves names against."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sekisho.language.tree import Type


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One row of the catalogue.

    Flags in use: `post_authorization` (known only after the issuer answered), `missing_if_unseen`,
    `pm=card`, `pm=sepa_debit` (missing for other payment methods), `counters` (for counters to add
    up, not for rules: it has no unit that a rule could rely on), `extension` (not in Radar).
    """

    name: str
    type: Type
    meaning: str
    group: str = ""
    flags: frozenset[str] = field(default_factory=frozenset[str])
    alias_of: str = ""


class Catalogue(Mapping[str, AttributeSpec]):
    """An immutable table of attributes by name, legacy spellings included."""

    def __init__(self, specs: Iterable[AttributeSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._for_rules: Catalogue | None = None

    def __getitem__(self, name: str) -> AttributeSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def for_rules(self) -> "Catalogue":
        """The same without what only counters may read."""
        if self._for_rules is None:
            kept = [spec for spec in self._specs.values() if "counters" not in spec.flags]
            self._for_rules = self if len(kept) == len(self) else Catalogue(kept)
        return self._for_rules

    def extended(self, specs: Iterable[AttributeSpec]) -> "Catalogue":
        """A catalogue with more rows, such as declared counters; later rows win."""
        return Catalogue([*self._specs.values(), *specs])
