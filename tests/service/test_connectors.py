"""Money given back, people told and codes asked for, through services of their own."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

KEY = "sk_of_this_test"
Act = Callable[..., dict[str, Any]]


class StripeShaped:
    """A processor with Stripe's manners: keys replay the first answer, whatever it was."""

    def __init__(self) -> None:
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[str, dict[str, str], int, dict[str, Any]]] = {}
        self.mute = 0
        """How many requests are carried out without a word about it."""
        self.calls = 0
        processor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                self.reply(*processor.post(self.path, form, self.headers))

            def do_GET(self) -> None:
                self.reply(*processor.get(self.path, self.headers))

            def reply(self, status: int, told: dict[str, Any]) -> None:
                processor.calls += 1
                if processor.mute and self.command == "POST":
                    processor.mute -= 1
                    self.close_connection = True
                    return
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_said: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, payment: str, status: str, amount: int = 1_000) -> None:
        self.payments[payment] = {"id": payment, "status": status, "amount": amount, "refunded": 0}

    def get(self, path: str, headers: Any) -> tuple[int, dict[str, Any]]:
        if headers["authorization"] != f"Bearer {KEY}":
            return 401, error("invalid_api_key", "no such key")
        found = self.payments.get(path.rpartition("/")[2])
        return (200, found) if found else (404, error("resource_missing", "no such payment"))

    def post(self, path: str, form: dict[str, str], headers: Any) -> tuple[int, dict[str, Any]]:
        if headers["authorization"] != f"Bearer {KEY}":
            return 401, error("invalid_api_key", "no such key")
        key = headers["idempotency-key"]
        if key in self.keys:
            first_path, first_form, status, told = self.keys[key]
            if (first_path, first_form) != (path, form):
                return 400, error("idempotency_error", "the key was used for another request")
            return status, told
        done = self.refund(form) if path == "/v1/refunds" else self.cancel(path.split("/")[3])
        self.keys[key] = (path, form, *done)
        return done

    def refund(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        payment = self.payments.get(form["payment_intent"])
        if payment is None:
            return 404, error("resource_missing", "no such payment")
        left = payment["amount"] - payment["refunded"]
        if left == 0:
            return 400, error("charge_already_refunded", "it has been refunded already")
        amount = int(form.get("amount", left))
        if amount > left:
            return 400, error("amount_too_large", "more than is left")
        payment["refunded"] += amount
        made = {"id": f"re_{len(self.refunds)}", "amount": amount, "status": "succeeded"}
        self.refunds.append({**made, "action": form["metadata[sekisho_action]"]})
        return 200, made

    def cancel(self, name: str) -> tuple[int, dict[str, Any]]:
        payment = self.payments[name]
        if payment["status"] != "requires_capture":
            return 400, error("payment_intent_unexpected_state", "it cannot be cancelled")
        payment["status"] = "canceled"
        return 200, payment


def error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message}}


@pytest.fixture(scope="module")
def processor() -> Iterator[StripeShaped]:
    running = StripeShaped()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connectors")


@pytest.fixture(scope="module")
def codes(new_receiver: Callable[[], Any]) -> Iterator[Any]:
    """Sends one-time codes, as far as anybody can tell."""
    running = new_receiver()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def http(
    place: Path, processor: StripeShaped, codes: Any, server_on: Any
) -> Iterator[httpx.Client]:
    (place / "stripe.key").write_text(f"{KEY}\n")
    (place / "otp.key").write_text("sk_otp\n")
    (place / "team.urls").write_text("# nobody yet\n")
    file = place / "connectors.toml"
    file.write_text(
        f'[payments.main]\nkind = "stripe"\nurl = "{processor.url}"\nkey_file = "stripe.key"\n'
        f'[notify.team]\nurl_file = "team.urls"\n'
        f'[otp.codes]\nurl = "{codes.url}"\nkey_file = "otp.key"\n'
    )
    running = server_on(place / "data", {"SEKISHO_CONNECTORS": str(file)}).start()
    with running.client() as client:
        yield client
    running.kill()


@pytest.fixture
def act(http: httpx.Client, fresh: Callable[[str], str]) -> Act:
    def ask(kind: str, end: str = "done", **params: Any) -> dict[str, Any]:
        event = {"specversion": "1.0", "source": "/t", "id": fresh("e"), "data": params}
        asked = http.post("/v1/actions", json={**event, "type": f"sekisho.action.{kind}"})
        assert asked.status_code == 202, asked.text
        for _ in range(1000):
            told: dict[str, Any] = http.get(f"/v1/actions/{asked.json()['id']}").json()
            if told["state"] == end:
                return told
            time.sleep(0.02)
        raise AssertionError(told)

    return ask


def test_refund_whose_answer_is_lost_is_given_once(processor: StripeShaped, act: Act) -> None:
    processor.add("pi_lost", "succeeded")
    processor.mute = 2
    told = act("payment.refund", payment="pi_lost", amount=300, reason="fraudulent")
    given = [one for one in processor.refunds if one["action"] == told["id"]]
    assert [one["amount"] for one in given] == [300]
    assert told["attempts"] == 3
    assert told["result"] == {"refund": given[0]["id"]}
    assert processor.payments["pi_lost"]["refunded"] == 300


def test_refund_that_is_refused_is_dead_with_the_processors_words(
    processor: StripeShaped, act: Act
) -> None:
    processor.add("pi_small", "succeeded", 10)
    told = act("payment.refund", "dead", payment="pi_small", amount=11)
    assert told["error"] == "the receiver answered 400: more than is left"
    assert told["attempts"] == 1


@pytest.mark.parametrize(
    ("status", "refunded", "after"),
    [
        ("requires_capture", 0, ("canceled", 0)),
        ("succeeded", 0, ("succeeded", 1_000)),
        ("succeeded", 400, ("succeeded", 1_000)),
        ("succeeded", 1_000, ("succeeded", 1_000)),
        ("canceled", 0, ("canceled", 0)),
    ],
)
def test_payment_is_reversed_from_wherever_it_stands(
    processor: StripeShaped, act: Act, status: str, refunded: int, after: tuple[str, int]
) -> None:
    payment = f"pi_{status}_{refunded}"
    processor.add(payment, status)
    processor.payments[payment]["refunded"] = refunded
    act("payment.reverse", about=payment, event="ev", rule="rule_1")
    told = processor.payments[payment]
    assert (told["status"], told["refunded"]) == after


def test_cancelled_payment_stays_cancelled_when_the_answer_is_lost(
    processor: StripeShaped, act: Act
) -> None:
    processor.add("pi_open", "requires_capture")
    processor.mute = 1
    assert act("payment.cancel", payment="pi_open")["result"] == {"status": "canceled"}
    processor.add("pi_paid", "succeeded")
    assert "cannot be cancelled" in act("payment.cancel", "dead", payment="pi_paid")["error"]


def test_money_cannot_be_taken_back_by_undo(
    http: httpx.Client, processor: StripeShaped, act: Act
) -> None:
    processor.add("pi_back", "succeeded")
    told = act("payment.refund", payment="pi_back")
    assert http.post(f"/v1/actions/{told['id']}/undo").status_code == 409


def test_people_are_told_through_apprise(act: Act, place: Path, receiver: Any) -> None:
    address = receiver.url.replace("http://", "json://")
    (place / "team.urls").write_text(f"# the team\n{address}\n")
    told = act("notify.send", to="team", text="look at pay_1", title="Fraud")
    assert told["result"] == {"told": 1}
    message = json.loads(receiver.heard[0][1])
    assert (message["title"], message["message"]) == ("Fraud", "look at pay_1")


def test_code_is_asked_for_under_the_actions_id(act: Act, codes: Any) -> None:
    codes.answer = b'{"id": "ch_1", "status": "sent"}'
    told = act("step_up.otp", to="+6591234567", channel="sms", reference="login_1")
    assert told["result"] == {"challenge": "ch_1"}
    headers, body = codes.heard[-1]
    assert json.loads(body) == {"to": "+6591234567", "channel": "sms", "reference": "login_1"}
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer sk_otp", told["id"])


@pytest.mark.parametrize(
    ("kind", "params", "word"),
    [
        ("payment.refund", {"payment": "pi_1", "connector": "other"}, "other"),
        ("payment.refund", {"payment": "pi_1", "amount": 0}, "amount"),
        ("payment.refund", {"payment": "pi_1", "reason": "mood"}, "reason"),
        ("payment.cancel", {"payment": ""}, "payment"),
        ("payment.reverse", {}, "payment"),
        ("notify.send", {"to": "nobody", "text": "x"}, "nobody"),
        ("notify.send", {"to": "team", "text": ""}, "text"),
        ("step_up.otp", {"to": "x", "channel": "pigeon"}, "channel"),
    ],
)
def test_parameters_that_cannot_be_are_refused_at_the_door(
    http: httpx.Client, kind: str, params: dict[str, Any], word: str
) -> None:
    event = {"specversion": "1.0", "source": "/t", "id": f"bad_{word}_{kind}", "data": params}
    refused = http.post("/v1/actions", json={**event, "type": f"sekisho.action.{kind}"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "params_refused")
    assert word in refused.json()["error"]["message"]
