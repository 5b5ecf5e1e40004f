"""The rows that an import did not take, in a file of their own: which, where, why, and as given."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from sekisho.events import holds_card_number

HIDDEN: Final = "[card number]"
OWNER_ONLY: Final = 0o600
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


class Rejects:
    """A JSON line for each problem, with the row as it was given.

    It has `file`, `row` (1 is the first after a header), `place`, `code`, `message` and `raw`.
    Readable for its owner alone, because the rows are somebody's data; card numbers are left out.
    """

    def __init__(self, path: Path, kept_bytes: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY), "r+b")
        self._file.truncate(kept_bytes)
        self._file.seek(kept_bytes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def write(self, problem: Mapping[str, Any], raw: Mapping[str, Any] | str) -> None:
        """Note a problem with the row as it was given."""
        shown = _hidden(raw) if isinstance(raw, str) else {k: _shown(v) for k, v in raw.items()}
        self._file.write(_ENCODER.encode({**problem, "raw": shown}) + b"\n")

    def sync(self) -> int:
        """Bring all to disk; how many bytes the file has."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()


def _shown(value: Any) -> Any:
    return _hidden(value) if isinstance(value, str) else value


def _hidden(text: str) -> str:
    return HIDDEN if holds_card_number(text) else text
