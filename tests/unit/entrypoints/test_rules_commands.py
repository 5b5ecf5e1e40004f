"""`sekisho rules …`: exit codes 0, 1, 2 and exact JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
Write = Callable[[str, str], Path]

GOOD = "Block if :amount_in_usd: > 1000"
BAD = "Block if :risk_scor: > 65"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


# ── check ───────────────────────────────────────────────────────────────────────────────────────


def test_check_of_good_rules_is_0(run: Run, write: Write) -> None:
    file = write("rules.sekisho", f"{GOOD}\n\nReview if :card_country: != 'US'\n")
    status, out, _ = run("rules", "check", file, "--json")
    assert status == 0
    told = json.loads(out)
    assert [one["rule"] for one in told] == [GOOD, "Review if :card_country: != 'US'"]
    assert all(one["ok"] is True and one["errors"] == [] for one in told)


def test_check_of_a_wrong_rule_is_1_with_the_place(run: Run, write: Write) -> None:
    lines = [json.dumps({"rule": rule}) for rule in (GOOD, BAD)]
    status, out, _ = run("rules", "check", write("rules.jsonl", "\n".join(lines)), "--json")
    assert status == 1
    good, bad = json.loads(out)
    assert (good["ok"], bad["ok"]) == (True, False)
    (error,) = bad["errors"]
    assert error["kind"] == "unknown_attribute"
    assert (error["line"], error["column"], error["length"]) == (1, 10, 11)
    assert error["hint"] == ":risk_score:"
    assert "line 1, column 10" in error["message"]


def test_check_tells_warnings_and_stays_0(run: Run, write: Write) -> None:
    file = write("r.sekisho", "Block if :refund_count_on_card_daily: > 25")
    status, out, _ = run("rules", "check", file, "--json")
    assert status == 0
    (told,) = json.loads(out)
    assert told["ok"] is True
    assert told["warnings"][0]["kind"]


def test_check_knows_the_lists_it_is_given(run: Run, write: Write) -> None:
    file = write("r.sekisho", "Block if :card_country: in @bad_lands")
    right = write("right.json", '{"bad_lands": "country"}')
    wrong = write("wrong.json", '{"bad_lands": "email"}')
    other = write("other.json", '{"other": "country"}')
    assert run("rules", "check", file, "--lists", right)[0] == 0
    for lists, kind in ((wrong, "list_type_mismatch"), (other, "unknown_list")):
        status, out, _ = run("rules", "check", file, "--lists", lists, "--json")
        assert status == 1
        assert json.loads(out)[0]["errors"][0]["kind"] == kind


def test_check_for_people_points_at_the_mistake(run: Run, write: Write) -> None:
    status, out, _ = run("rules", "check", write("r.sekisho", f"{GOOD}\n\n{BAD}"))
    assert status == 1
    assert ":risk_score:" in out
    assert "^^^" in out
    assert "1 of 2" in out


def test_check_of_no_rules_is_an_empty_list(run: Run, write: Write) -> None:
    status, out, _ = run("rules", "check", write("r.sekisho", "\n\n"), "--json")
    assert (status, json.loads(out)) == (0, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [("r.jsonl", "nope"), ("r.jsonl", '{"rul": 1}'), ("r.jsonl", "[1]")],
)
def test_file_that_is_no_rules_file_is_2(run: Run, write: Write, name: str, text: str) -> None:
    status, _, err = run("rules", "check", write(name, text))
    assert status == 2
    assert "error:" in err
    assert "hint:" in err


def test_missing_or_unreadable_file_is_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bytes.sekisho").write_bytes(b"Block if \xff")
    for path in (tmp_path / "none.sekisho", tmp_path / "bytes.sekisho", tmp_path):
        status, _, err = run("rules", "check", path)
        assert status == 2
        assert "error:" in err


@pytest.mark.parametrize(
    "lists", ["[]", "{", '{"a": 5}', '{"a": "colour"}', '{"a": {"items": []}}']
)
def test_lists_that_are_none_are_2(run: Run, write: Write, lists: str) -> None:
    file = write("r.sekisho", GOOD)
    status, _, err = run("rules", "check", file, "--lists", write("lists.json", lists))
    assert (status, "error:" in err) == (2, True)


def test_unknown_option_and_no_argument_are_2(run: Run) -> None:
    assert run("rules", "check")[0] == 2
    assert run("rules", "check", "x", "--jsn")[0] == 2
    assert run("ruels")[0] == 2


# ── format ──────────────────────────────────────────────────────────────────────────────────────


def test_format_writes_the_canonical_form_once(run: Run, write: Write) -> None:
    file = write("r.sekisho", "block  IF :amount_in_usd:>5 AND  not:is_anonymous_ip:\n\n" + GOOD)
    status, out, _ = run("rules", "format", file)
    assert status == 0
    assert out == ("Block if :amount_in_usd: > 5 and not :is_anonymous_ip:\n\n" + GOOD + "\n")
    assert run("rules", "format", file, "--check")[0] == 1
    assert run("rules", "format", file, "--write")[:2] == (0, "")
    assert file.read_text() == out
    assert run("rules", "format", file, "--check")[0] == 0


def test_format_touches_no_file_with_an_error(run: Run, write: Write) -> None:
    file = write("r.sekisho", BAD)
    assert run("rules", "format", file, "--write")[0] == 1
    assert file.read_text() == BAD


# ── explain ─────────────────────────────────────────────────────────────────────────────────────

EVENT: dict[str, Any] = {
    "type": "payment",
    "id": "p",
    "amount": 200_000,
    "currency": "usd",
    "card": {"country": "US"},
}


def test_explain_shows_what_is_true_false_and_unknown(run: Run, write: Write) -> None:
    rules = f"{GOOD}\n\nBlock if :card_country: != 'US'\n\nBlock if :email_domain: = 'x.example'"
    event = write("event.json", json.dumps(EVENT))
    status, out, _ = run("rules", "explain", write("r", rules), "--event", event, "--json")
    assert status == 0
    told = json.loads(out)
    assert [one["matched"] for one in told] == [True, False, False]
    assert "2000" in json.dumps(told[0]["why"])
    status, out, _ = run("rules", "explain", write("r", rules), "--event", event)
    assert (status, "✓" in out, "✗" in out) == (0, True, True)


def test_explain_takes_counters_as_attributes(run: Run, write: Write) -> None:
    rules = write("r", "Block if :total_charges_per_customer_hourly: > 3")
    event = write("event.json", json.dumps(EVENT))
    attributes = write("a.json", '{"total_charges_per_customer_hourly": 4}')
    arguments = ("rules", "explain", rules, "--event", event, "--json")
    assert json.loads(run(*arguments, "--attributes", attributes)[1])[0]["matched"] is True
    assert json.loads(run(*arguments)[1])[0]["matched"] is False


def test_explain_of_no_event_is_2(run: Run, write: Write) -> None:
    rules = write("r", GOOD)
    for text in ("{", '{"type": "paymint"}', '{"type": "payment", "id": "p", "amount": -1}'):
        status, _, err = run("rules", "explain", rules, "--event", write("e.json", text))
        assert (status, "error:" in err) == (2, True)
    assert run("rules", "explain", rules, "--event", "nowhere.json")[0] == 2


# ── test ────────────────────────────────────────────────────────────────────────────────────────


def test_test_compares_outcome_and_rules(run: Run, write: Write) -> None:
    rules = write("r", f"{GOOD}\n\nReview if :risk_score: > 60")
    good = [
        {"name": "large", "event": EVENT, "expect": {"outcome": "block", "rules": [GOOD]}},
        {
            "name": "risky",
            "event": {**EVENT, "amount": 1},
            "attributes": {"risk_score": 70},
            "expect": {"outcome": "review"},
        },
    ]
    bad = {"name": "wrong", "event": EVENT, "expect": {"outcome": "allow", "rules": []}}
    cases = write("good.jsonl", "\n".join(map(json.dumps, good)))
    status, out, _ = run("rules", "test", rules, cases, "--json")
    assert status == 0
    assert [(one["name"], one["ok"]) for one in json.loads(out)] == [
        ("large", True),
        ("risky", True),
    ]
    status, out, _ = run("rules", "test", rules, write("bad.jsonl", json.dumps(bad)), "--json")
    assert status == 1
    (told,) = json.loads(out)
    assert (told["ok"], told["outcome"], len(told["problems"])) == (False, "block", 2)


@pytest.mark.parametrize(
    "line", ["nope", "{}", '{"event": {}}', "[]", '{"event": {}, "expect": 5}', '{"event": 1}']
)
def test_test_of_a_broken_case_is_2(run: Run, write: Write, line: str) -> None:
    status, _, err = run("rules", "test", write("r", GOOD), write("c.jsonl", line))
    assert (status, "error:" in err) == (2, True)


def test_test_with_wrong_rules_is_2(run: Run, write: Write) -> None:
    case = json.dumps({"event": EVENT, "expect": {}})
    assert run("rules", "test", write("r", BAD), write("c.jsonl", case))[0] == 2


# ── the whole command ───────────────────────────────────────────────────────────────────────────


def test_every_command_has_help(run: Run) -> None:
    _, out, _ = run("--help")
    for name in ("serve", "rules", "replay", "counters"):
        assert name in out
        assert run(name, "--help")[0] == 0


def test_version_is_told(run: Run) -> None:
    status, out, _ = run("--version")
    assert (status, out.split()[0]) == (0, "sekisho")


def test_misspelt_setting_ends_with_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEKISHO_PROT", "1")
    status, _, err = run("serve", "--dev")
    assert status == 2
    assert "SEKISHO_PROT" in err
    assert "Traceback" not in err


def test_developer_mode_beyond_the_loopback_is_refused(run: Run, tmp_path: Path) -> None:
    status, _, err = run("serve", "--dev", "--host", "0.0.0.0", "--data", tmp_path / "d")  # noqa: S104 — refused
    assert (status, "loopback" in err) == (2, True)
    assert not (tmp_path / "d").exists()


# ── sql ─────────────────────────────────────────────────────────────────────────────────────────


def test_rules_become_a_query_with_the_items_of_lists(run: Run, write: Write) -> None:
    lists = write("lists.json", '{"bad": {"item_type": "email", "items": ["A@x.io"]}}')
    rules = write("r.rules", f"{GOOD}\n\nBlock if :email: in @bad\n")
    status, out, _ = run("rules", "sql", rules, "--dialect", "trino", "--lists", lists)
    assert status == 0
    assert "AS rule_2" in out
    assert "'a@x.io'" in out
    assert out.rstrip().endswith("FROM events;")


def test_a_rule_that_does_not_check_is_no_query(run: Run, write: Write) -> None:
    status, out, err = run("rules", "sql", write("r.rules", BAD))
    assert (status, out) == (2, "")
    assert "did you mean" in err


def test_an_unknown_dialect_is_2_and_names_the_others(run: Run, write: Write) -> None:
    status, _, err = run("rules", "sql", write("r.rules", GOOD), "--dialect", "cobol")
    assert status == 2
    assert "snowflake" in err
