"""The rule benchmark's workload, and how it is said to the engines it is compared with."""

import ctypes
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from sekisho.language import (
    Action,
    And,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    Not,
    Number,
    Op,
    Or,
    Rule,
    Span,
    Text,
    Type,
)

Record = dict[str, str | float | int | bool]
Hits = list[list[int]]
AT = Span(0, 0)
COUNTRIES = [
    "US",
    "GB",
    "DE",
    "FR",
    "SG",
    "JP",
    "BR",
    "IN",
    "CA",
    "AU",
    "NL",
    "ES",
    "IT",
    "SE",
    "NG",
    "RU",
    "CN",
    "MX",
    "PL",
    "TR",
]
TEXTS: dict[str, tuple[Type, list[str]]] = {
    "card_country": (Type.COUNTRY, COUNTRIES),
    "ip_country": (Type.COUNTRY, COUNTRIES),
    "card_brand": (Type.STRING_CI, ["visa", "mc", "amex", "jcb", "cup", "diners"]),
    "card_funding": (Type.STRING_CI, ["credit", "debit", "prepaid", "unknown"]),
    "email_domain": (Type.STRING_CI, [f"d{n}.example" for n in range(30)]),
    "digital_wallet": (Type.STRING_CI, ["none", "apple_pay", "android_pay"]),
}
QUIET, BUSY = 3.0, 8.0
FLAGS = ["is_anonymous_ip", "is_disposable_email", "is_off_session", "is_recurring"]
NUMBERS = ["amount_in_usd", "risk_score", *(f"velocity_{n}" for n in range(31))]


# ── the work ──────────────────────────────────────────────────────────────────────────────────


def make_records(count: int, rng: Random, counter_mean: float = QUIET) -> list[Record]:
    """Complete records: peers have no third value, so nothing is missing here.

    Counters are exponential around `counter_mean`: the busier, the more tests and rules hold.
    """
    records: list[Record] = []
    for _ in range(count):
        record: Record = {name: float(int(rng.expovariate(1 / counter_mean))) for name in NUMBERS}
        record["amount_in_usd"] = round(rng.lognormvariate(3.5, 1.2), 2)
        record["risk_score"] = float(rng.randrange(100))
        record |= {name: rng.random() < 0.15 for name in FLAGS}
        record |= {name: rng.choice(values) for name, (_, values) in TEXTS.items()}
        records.append(record)
    return records


def make_test(rng: Random, groups: list[list[str]]) -> Condition:
    kind = rng.random()
    if kind < 0.55:
        name = rng.choice(NUMBERS)
        value = {
            "amount_in_usd": 20.0 * rng.randrange(1, 25),
            "risk_score": 5.0 * rng.randrange(8, 20),
        }
        threshold = value.get(name, float(rng.randrange(5, 30)))
        operand = Attribute(name, Type.NUMERIC, AT)
        op = Op.GT if rng.random() < 0.8 else Op.LE
        return Compare(op, operand, Number(threshold, str(threshold), AT), AT)
    if kind < 0.67:
        flag = Flag(Attribute(rng.choice(FLAGS), Type.BOOLEAN, AT), AT)
        return flag if rng.random() < 0.6 else Not(flag, AT)
    if kind < 0.8:
        operand = Attribute(rng.choice(("card_country", "ip_country")), Type.COUNTRY, AT)
        return InItems(operand, tuple(Text(item, AT) for item in rng.choice(groups)), AT)
    name = rng.choice(list(TEXTS))
    of_type, values = TEXTS[name]
    op = Op.EQ if rng.random() < 0.8 else Op.NE
    return Compare(op, Attribute(name, of_type, AT), Text(rng.choice(values), AT), AT)


def make_rules(count: int, rng: Random) -> list[Rule]:
    groups = [rng.sample(COUNTRIES, 4) for _ in range(5)]
    rules: list[Rule] = []
    for _ in range(count):
        parts = [make_test(rng, groups) for _ in range(rng.randint(3, 5))]
        if rng.random() < 0.15:
            parts[-1] = Or((parts[-1], make_test(rng, groups)), AT)
        rules.append(Rule(Action.BLOCK, And(tuple(parts), AT), "", AT))
    return rules


# ── the peers' own spellings ──────────────────────────────────────────────────────────────────


def cel_text(condition: Condition) -> str:
    match condition:
        case And() | Or():
            sign = " && " if isinstance(condition, And) else " || "
            return "(" + sign.join(map(cel_text, condition.parts)) + ")"
        case Not():
            return f"!{cel_text(condition.operand)}"
        case Flag():
            return condition.attribute.name
        case InItems():
            items = ", ".join(repr(item.value) for item in condition.items)
            return f"{condition.operand.name} in [{items}]"
        case Compare():
            op = {Op.EQ: "==", Op.NE: "!="}.get(condition.op, condition.op.value)
            return f"{condition.left.name} {op} {condition.right.value!r}"
    raise ValueError(condition)


def zen_cell(condition: Condition) -> tuple[str, str]:
    """The column and the unary test of a cell."""
    match condition:
        case Flag():
            return condition.attribute.name, "true"
        case Not():
            return condition.operand.attribute.name, "false"
        case InItems():
            return condition.operand.name, ", ".join(repr(item.value) for item in condition.items)
        case Compare(op=Op.NE):
            return condition.left.name, f"$ != {condition.right.value!r}"
        case Compare(op=Op.EQ):
            return condition.left.name, repr(condition.right.value)
        case Compare():
            return condition.left.name, f"{condition.op.value} {condition.right.value!r}"
    raise ValueError(condition)


def zen_rows(rules: list[Rule]) -> list[dict[str, str]]:
    """A table row per rule; a rule with an OR takes two rows, a column used twice an `and`."""
    rows: list[dict[str, str]] = []
    for number, rule in enumerate(rules):
        *parts, last = rule.condition.parts
        for branch in last.parts if isinstance(last, Or) else (last,):
            row: dict[str, list[str]] = {}
            for part in (*parts, branch):
                column, cell = zen_cell(part)
                row.setdefault(column, []).append(cell)
            rows.append({"rule": str(number), **{c: join_cells(v) for c, v in row.items()}})
    return rows


def join_cells(cells: list[str]) -> str:
    if len(cells) == 1:
        return cells[0]
    return " and ".join(f"({spell_out(cell)})" for cell in cells)


def spell_out(cell: str) -> str:
    """A cell as a full expression on `$`, which joined cells need."""
    if cell.startswith("$"):
        return cell
    if cell[0] in "<>":
        return f"$ {cell}"
    return f"$ in [{cell}]"


def zen_engine(rules: list[Rule]) -> Callable[[list[Record]], Hits]:
    import zen  # noqa: PLC0415 — peers are optional

    columns = [*NUMBERS, *FLAGS, *TEXTS]
    rows = [
        {"_id": f"r{at}", "out": row["rule"], **{c: row.get(c, "") for c in columns}}
        for at, row in enumerate(zen_rows(rules))
    ]
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": c, "name": c, "field": c} for c in columns],
        "outputs": [{"id": "out", "name": "rule", "field": "rule"}],
        "rules": rows,
    }
    nodes = [
        {"id": "i", "type": "inputNode", "name": "in"},
        {"id": "t", "type": "decisionTableNode", "name": "table", "content": table},
        {"id": "o", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": "e1", "type": "edge", "sourceId": "i", "targetId": "t"},
        {"id": "e2", "type": "edge", "sourceId": "t", "targetId": "o"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    def answer(records: list[Record]) -> Hits:
        found = (decision.evaluate(record)["result"] for record in records)
        return [sorted({int(hit["rule"]) for hit in hits}) for hits in found]

    return answer


def cel_engine(rules: list[Rule]) -> Callable[[list[Record]], Hits]:
    import cel  # noqa: PLC0415 — peers are optional

    programs = [cel.compile(cel_text(rule.condition)) for rule in rules]

    def answer(records: list[Record]) -> Hits:
        answers: Hits = []
        for record in records:
            context = cel.Context(variables=record)
            answers.append([at for at, p in enumerate(programs) if p.execute(context)])
        return answers

    return answer


def c_test(condition: Condition) -> str:
    match condition:
        case And() | Or():
            sign = " && " if isinstance(condition, And) else " || "
            return "(" + sign.join(map(c_test, condition.parts)) + ")"
        case Not():
            return f"!{c_test(condition.operand)}"
        case Flag():
            return f"x[{SLOT[condition.attribute.name]}]"
        case InItems():
            name = condition.operand.name
            equal = (f"x[{SLOT[name]}] == {code_of(name, i.value)}" for i in condition.items)
            return "(" + " || ".join(equal) + ")"
        case Compare():
            op = {Op.EQ: "==", Op.NE: "!="}.get(condition.op, condition.op.value)
            right = condition.right
            value = (
                right.value
                if isinstance(right, Number)
                else code_of(condition.left.name, right.value)
            )
            return f"x[{SLOT[condition.left.name]}] {op} {value}"
    raise ValueError(condition)


SLOT = {name: at for at, name in enumerate([*NUMBERS, *FLAGS, *TEXTS])}


def code_of(name: str, value: str) -> int:
    return TEXTS[name][1].index(value)


def c_engine(rules: list[Rule], records: list[Record]) -> Callable[[], Hits] | None:
    """Rules as C over doubles packed beforehand: the floor."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    lines = [f"if ({c_test(rule.condition)}) *h++ = {at};" for at, rule in enumerate(rules)]
    text = (
        "void run(const double *x, long n, int *h, long *ends) {\n int *start = h;\n"
        f" for (long i = 0; i < n; i++, x += {len(SLOT)}) {{\n"
        + "\n".join(lines)
        + "\n ends[i] = h - start; } }\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "rules.c"), Path(folder, "rules.so")
        source.write_text(text)
        command = [gcc, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        run = ctypes.CDLL(str(library)).run
    packed = [
        float(value) if not isinstance(value, str) else float(code_of(name, value))
        for record in records
        for name, value in ((name, record[name]) for name in SLOT)
    ]
    x = (ctypes.c_double * len(packed))(*packed)
    hits = (ctypes.c_int * (len(records) * len(rules)))()
    ends = (ctypes.c_long * len(records))()

    def answer() -> Hits:
        run(x, ctypes.c_long(len(records)), hits, ends)
        starts = [0, *ends[:-1]]
        return [hits[a:b] for a, b in zip(starts, ends, strict=True)]

    answer()
    answer.raw = lambda: run(x, ctypes.c_long(len(records)), hits, ends)
    return answer
