"""Calls to real receivers on the loopback: where they go, what they carry, how they end."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sekisho.egress import (
    AddressPolicy,
    Egress,
    EgressFailed,
    EgressRefused,
    Outcall,
    parse_networks,
)

LOCAL = AddressPolicy(parse_networks(["127.0.0.0/8"]))
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiver(
    answer: bytes | Handler, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that keeps what it gets; its port, and the requests."""
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(answer, bytes)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await (plain if isinstance(answer, bytes) else answer)(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def outgoing(
    policy: AddressPolicy = LOCAL, *answers: Sequence[str]
) -> AsyncIterator[tuple[Egress, list[str]]]:
    """A way out whose resolver gives these answers in turn, the last one for ever."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        await asyncio.sleep(0)
        return answers[min(len(asked), len(answers)) - 1]

    egress = Egress(policy, resolve) if answers else Egress(policy)
    try:
        yield egress, asked
    finally:
        await egress.close()


def certificate(place: Path) -> tuple[Path, Path]:
    """A certificate of `hooks.example` that nobody trusts yet, and its key."""
    command = shutil.which("openssl")
    if command is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is missing: install it")
        pytest.skip("install openssl to make certificates")
    files = place / "hooks.pem", place / "hooks.key"
    made = [command, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example"]
    made += ["-days", "2", "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(made, check=True, capture_output=True)
    return files


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def test_request_carries_the_name_though_an_address_is_called() -> None:
    async def run() -> None:
        async with receiver(OK) as (port, heard), outgoing(LOCAL, ["127.0.0.1"]) as (egress, asked):
            outcall = Outcall(
                f"http://hooks.example:{port}/a?b=c", headers={"x-y": "z"}, body=b"{}"
            )
            returned = await egress.call(outcall)
        assert (returned.status, returned.is_success, returned.body) == (200, True, b"ok")
        assert asked == ["hooks.example"]
        lines = heard[0].split(b"\r\n")
        assert lines[0] == b"POST /a?b=c HTTP/1.1"
        assert f"host: hooks.example:{port}".encode() in lines
        assert b"x-y: z" in lines
        assert heard[0].endswith(b"\r\n\r\n{}")

    asyncio.run(run())


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
def test_name_that_answers_differently_the_second_time_reaches_nothing_new() -> None:
    """Rebinding: looked at as public, then turned inward. Only one look-up is ever made."""

    async def run() -> None:
        inward = AddressPolicy(parse_networks(["127.0.0.2"]))
        async with (
            receiver(OK) as (port, heard),
            outgoing(inward, ["127.0.0.2"], ["127.0.0.1"]) as (egress, asked),
        ):
            url = f"http://rebind.example:{port}/"
            with pytest.raises(EgressFailed) as failed:  # nobody listens there, and 127.0.0.1 does
                await egress.call(Outcall(url))
            assert asked == ["rebind.example"]
            assert not failed.value.maybe_sent
            with pytest.raises(EgressRefused, match=r"127\.0\.0\.1 is not a public address"):
                await egress.call(Outcall(url))
        assert heard == []

    asyncio.run(run())


def test_one_bad_address_among_good_ones_is_enough_to_refuse() -> None:
    async def run() -> None:
        async with (
            receiver(OK) as (port, heard),
            outgoing(LOCAL, ["127.0.0.1", "10.0.0.1"]) as (egress, _),
        ):
            with pytest.raises(EgressRefused, match=r"10\.0\.0\.1"):
                await egress.call(Outcall(f"http://two.example:{port}/"))
        assert heard == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0x7f000001", "127.1", "0177.0.0.1", "0", "localhost", "[::1]"]
)
def test_every_spelling_of_this_machine_is_refused_by_default(host: str) -> None:
    async def run() -> None:
        async with receiver(OK) as (port, heard), outgoing(AddressPolicy()) as (egress, _):
            for url in (f"http://{host}:{port}/", f"https://{host}/"):
                with pytest.raises(EgressRefused, match="SEKISHO_EGRESS_ALLOW"):
                    await egress.call(Outcall(url))
        assert heard == []

    asyncio.run(run())


def test_redirect_to_the_machines_credentials_is_an_answer_not_a_way() -> None:
    async def run() -> None:
        moved = b"HTTP/1.1 307 T\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
        async with receiver(moved) as (port, heard), outgoing() as (egress, _):
            returned = await egress.call(Outcall(f"http://127.0.0.1:{port}/"))
        assert (returned.status, returned.is_success) == (307, False)
        assert len(heard) == 1

    asyncio.run(run())


def test_proxy_of_the_environment_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with receiver(OK) as (proxy, seen), receiver(OK) as (port, heard):
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
            async with outgoing() as (egress, _):
                await egress.call(Outcall(f"http://127.0.0.1:{port}/"))
        assert (len(seen), len(heard)) == (0, 1)

    asyncio.run(run())


@pytest.mark.parametrize(
    "headers",
    [{"x": "a\r\nhost: b"}, {"x\n": "a"}, {"Host": "b"}, {"transfer-encoding": "chunked"}],
)
def test_header_that_would_frame_or_break_the_request_is_refused(headers: dict[str, str]) -> None:
    async def run() -> None:
        async with outgoing() as (egress, _):
            with pytest.raises(EgressRefused, match="header"):
                await egress.call(Outcall("http://127.0.0.1:9/", headers=headers))

    asyncio.run(run())


def test_answer_without_end_is_cut_off() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async def run() -> None:
        async with receiver(flood) as (port, _), outgoing() as (egress, _):
            with pytest.raises(EgressFailed, match="65536 bytes") as failed:
                await egress.call(Outcall(f"http://127.0.0.1:{port}/"))
            assert failed.value.maybe_sent

    asyncio.run(run())


def test_receiver_that_drips_is_given_up_on_in_time_whatever_it_sends() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def run() -> None:
        async with receiver(drip) as (port, _), outgoing() as (egress, _):
            with pytest.raises(EgressFailed, match=r"within 0\.2 seconds") as failed:
                await egress.call(Outcall(f"http://127.0.0.1:{port}/", timeout_s=0.2))
            assert failed.value.maybe_sent

    asyncio.run(run())


def test_what_is_known_of_a_failed_request_is_told() -> None:
    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async def nothing(host: str, port: int) -> Sequence[str]:
        raise OSError(host, port)

    async def run() -> None:
        async with receiver(hang_up) as (port, _), outgoing() as (egress, _):
            with pytest.raises(EgressFailed) as broke:
                await egress.call(Outcall(f"http://127.0.0.1:{port}/"))
            assert broke.value.maybe_sent
            with pytest.raises(EgressFailed, match="has no address") as unknown:
                await Egress(LOCAL, nothing).call(Outcall("https://nowhere.example/"))
            assert not unknown.value.maybe_sent

    asyncio.run(run())


def test_server_that_cannot_prove_its_name_gets_nothing(tmp_path: Path) -> None:
    """TLS is asked for the name, and a certificate that nobody trusts is no proof."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate(tmp_path))
    names: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)

    async def run() -> None:
        async with (
            receiver(OK, tls) as (port, heard),
            outgoing(LOCAL, ["127.0.0.1"]) as (egress, _),
        ):
            with pytest.raises(EgressFailed, match="CERTIFICATE_VERIFY_FAILED") as failed:
                await egress.call(Outcall(f"https://hooks.example:{port}/", body=b"secret"))
            assert not failed.value.maybe_sent
        assert heard == []
        assert names == ["hooks.example"]

    asyncio.run(run())


def test_server_with_a_trusted_certificate_of_its_name_is_talked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate_file, key_file = certificate(tmp_path)
    tls.load_cert_chain(certificate_file, key_file)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file))

    async def run() -> None:
        async with (
            receiver(OK, tls) as (port, heard),
            outgoing(LOCAL, ["127.0.0.1"]) as (egress, _),
        ):
            assert (await egress.call(Outcall(f"https://hooks.example:{port}/"))).status == 200
            with pytest.raises(EgressFailed, match="CERTIFICATE_VERIFY_FAILED"):
                await egress.call(Outcall(f"https://other.example:{port}/"))
        assert len(heard) == 1

    asyncio.run(run())
