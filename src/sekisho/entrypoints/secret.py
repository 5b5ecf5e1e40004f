"""The installation's secret: made once, kept in a file that only its owner reads."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from sekisho.durable import sync_directory
from sekisho.entrypoints.settings import PREFIX, Settings, SettingsError

FILE_NAME: Final = "installation.secret"
BYTES: Final = 32
FOR_CHECKPOINTS: Final = b"sekisho checkpoints of the chain, 1"
FOR_HOLDOUT: Final = b"sekisho holdout, 1"
FOR_WEBHOOKS: Final = b"sekisho keys of webhook endpoints, 1"


def secret_file(settings: Settings) -> Path:
    """Where the secret is kept."""
    return settings.secret_file or settings.data / FILE_NAME


def make_secret(settings: Settings) -> bool:
    """Make the secret unless there is one; whether it was made now.

    Raises:
        OSError: it cannot be written.
    """
    path = secret_file(settings)
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)
    return True


def signing_key(settings: Settings) -> bytes:
    """The key that signs checkpoints of the chain, drawn from the secret.

    Raises:
        SettingsError: the file holds no secret.
        OSError: it cannot be read.
    """
    return _drawn(settings, FOR_CHECKPOINTS)


def holdout_key(settings: Settings) -> bytes:
    """The key that draws which would-be blocks pass.

    Raises:
        SettingsError: the file holds no secret.
        OSError: it cannot be read.
    """
    return _drawn(settings, FOR_HOLDOUT)


def webhook_root(settings: Settings) -> bytes:
    """What the keys of webhook endpoints are drawn from.

    Raises:
        SettingsError: the file holds no secret.
        OSError: it cannot be read.
    """
    return _drawn(settings, FOR_WEBHOOKS)


def _drawn(settings: Settings, purpose: bytes) -> bytes:
    path = secret_file(settings)
    secret = b""
    with suppress(ValueError):
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    if len(secret) != BYTES:
        raise SettingsError(
            f"{path} holds no secret: it must be {2 * BYTES} hexadecimal digits"
            f" (see {PREFIX}SECRET_FILE)"
        )
    return hmac.new(secret, purpose, hashlib.sha256).digest()
