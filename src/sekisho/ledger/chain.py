"""The hash chain: each row seals itself and, through its predecessor, all rows before it."""

import hashlib
import struct

from sekisho.ledger.entry import Columns

# seq, at_us, recorded_us, status; characters of each text, bytes of all seven, bytes of the rest
_HEADER = struct.Struct("<qqqq11I")


def genesis(installation: str) -> bytes:
    """The hash before the first row; it ties a chain to one installation.

    >>> genesis("inst_1") == genesis("inst_2")
    False
    """
    return hashlib.sha256(bytes(32) + installation.encode()).digest()


def seal(previous: bytes, row: Columns) -> bytes:
    """The hash of a row: SHA-256 over the hash before it and the row's bytes.

    Lengths come before contents, so that no byte can move from one field to the next unnoticed.
    """
    seq, kind, event_id, event_type, about, at_us, recorded_us, decision_id, status, *_ = row
    *_, scope, key, body_hash, body, answer = row
    # one encoding of all texts takes half the time of one each
    texts = f"{kind}{event_id}{event_type}{about}{decision_id}{scope}{key}".encode()
    header = _HEADER.pack(
        seq,
        at_us,
        recorded_us,
        status,
        len(kind),
        len(event_id),
        len(event_type),
        len(about),
        len(decision_id),
        len(scope),
        len(key),
        len(texts),
        len(body_hash),
        len(body),
        len(answer),
    )
    return hashlib.sha256(b"".join((previous, header, texts, body_hash, body, answer))).digest()
