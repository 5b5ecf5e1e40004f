"""The file of connectors, and what a receiver's answer comes to."""

import asyncio
from pathlib import Path

import pytest

from sekisho.actions import GiveUp, TryAgain, Unknown
from sekisho.actions.shipped import ConnectorsRefused, read_connectors
from sekisho.actions.shipped.answers import Refused, called, wait_of
from sekisho.egress import Egress, EgressFailed, EgressRefused, Outcall, Returned

GOOD = '[payments.main]\nkind = "stripe"\nkey_file = "key"\n'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[", "connectors.toml"),
        ('[payments.main]\nkind = "barter"\nkey_file = "key"\n', "barter"),
        ('[payments.main]\nkind = "stripe"\n', "key_file"),
        (GOOD + 'key = "sk"\n', "key"),
        (GOOD + 'url = "ftp://a"\n', "https"),
        (GOOD.replace('"key"', '"gone"'), "gone"),
        ('[notify.a]\nurl_file = "gone"\n', "gone"),
        ('[otp.a]\nurl = "https://a.example/"\nkey_file = "gone"\n', "gone"),
        ("[mail.a]\n", "mail"),
    ],
)
def test_file_that_cannot_be_used_is_refused_with_the_place(
    tmp_path: Path, text: str, word: str
) -> None:
    (tmp_path / "key").write_text("sk")
    file = tmp_path / "connectors.toml"
    file.write_text(text)
    with pytest.raises(ConnectorsRefused, match=word):
        read_connectors(file)


def test_file_names_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk")
    (tmp_path / "connectors.toml").write_text(GOOD)
    assert read_connectors(tmp_path / "connectors.toml").payments["main"].key_file == "key"


class Answering(Egress):
    """Answers, or fails, as told."""

    def __init__(self, answer: Returned | Exception) -> None:
        self._answer = answer

    async def call(self, outcall: Outcall) -> Returned:
        del outcall
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Returned(200, {}, b""), None),
        (Returned(302, {}, b""), Refused),
        (Returned(400, {}, b'{"error":{"code":"c","message":"m"}}'), Refused),
        (Returned(400, {}, b"\xff"), Refused),
        (Returned(409, {}, b""), TryAgain),
        (Returned(429, {"retry-after": "7"}, b""), TryAgain),
        (Returned(500, {}, b""), Unknown),
        (Returned(503, {}, b""), TryAgain),
        (EgressRefused("inward"), GiveUp),
        (EgressFailed("no connection", maybe_sent=False), TryAgain),
        (EgressFailed("broke", maybe_sent=True), Unknown),
    ],
)
def test_what_an_answer_comes_to(
    answer: Returned | Exception, kind: type[Exception] | None
) -> None:
    call = called(Answering(answer), Outcall("https://a.example/"), 0)
    if kind is None:
        assert asyncio.run(call) is answer
        return
    with pytest.raises(kind) as raised:
        asyncio.run(call)
    assert type(raised.value) is kind
    if isinstance(raised.value, TryAgain) and isinstance(answer, Returned):
        assert raised.value.after_s == (7 if answer.status == 429 else None)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("0", 0),
        ("100000", 3_600),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_kept_to_within_an_hour(text: str, wait_s: float | None) -> None:
    assert wait_of(Returned(503, {"retry-after": text}, b""), 0) == wait_s
