"""Files become history: understood by their columns, broken rows listed, each event once."""

import random
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from sekisho.events import MapError, ReceiveContext
from sekisho.history import (
    Archive,
    Import,
    ImportSettings,
    Shape,
    Tally,
    UnreadableFile,
    known_ids,
    proposed_map,
    read_blocks,
    shape_of,
    source_files,
    understand,
)

CONTEXT = ReceiveContext(currencies=["usd"])
MAP = 'type = "payment"\nid = "id"\noccurred_at = "at"\namount = "amount"\ncurrency = "currency"\n'
CHARGES = """id,created,amount,currency,status,outcome_type,card_fingerprint,card_country,paid
ch_1,2026-01-01 10:00:00,2500,usd,succeeded,authorized,fp_1,US,true
ch_2,2026-01-01 11:00:00,900,usd,failed,issuer_declined,fp_1,US,false
ch_3,2026-01-01 12:00:00,700,usd,failed,invalid,fp_1,US,false
"""
DISPUTES = """id,charge_id,created,amount,currency,reason,network_reason_code
dp_1,ch_1,2026-02-01 10:00:00,2500,usd,fraudulent,10.4
dp_2,ch_2,2026-02-02 10:00:00,900,usd,duplicate,12.6
"""
WARNINGS = """id,charge_id,created,fraud_type,actionable
issfr_1,ch_1,2026-01-20 10:00:00,made_with_stolen_card,true
"""
REFUNDS = """id,charge_id,created,amount,currency,reason,status,receipt_number
re_1,ch_1,2026-01-05 10:00:00,2500,usd,fraudulent,succeeded,1
re_2,ch_2,2026-01-05 10:00:00,100,usd,partial_capture,succeeded,2
re_3,ch_2,2026-01-05 10:00:00,100,usd,,failed,3
"""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "history")


def shape(path: Path) -> Shape:
    block = next(read_blocks(path))
    found = shape_of(path, block.frame.columns)
    assert found is not None, path
    return found


def run(archive: Archive, *paths: Path, **options: Any) -> tuple[Tally, Path]:
    settings = ImportSettings(list(source_files(paths, shape)), CONTEXT, **options)
    rejects = archive.directory / f"{settings.batch}.rejects.jsonl"
    return Import(settings, archive, known_ids(archive, ()), rejects).run(), rejects


def rows_of(archive: Archive) -> pl.DataFrame:
    return archive.scan(0, 2**62).collect().sort("event")


def write(folder: Path, name: str, text: str | bytes, map_text: str = "") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    if map_text:
        path.with_name(path.stem + ".map.toml").write_text(map_text)
    return path


def test_tables_of_stripe_are_recognised_and_outcomes_keep_their_own_time(
    archive: Archive, tmp_path: Path
) -> None:
    texts = {"a": CHARGES, "b": DISPUTES, "c": WARNINGS, "d": REFUNDS}
    paths = [write(tmp_path, f"{name}.csv", text) for name, text in texts.items()]
    tally, _ = run(archive, *paths)
    assert (tally.imported, tally.rejected, tally.left_out) == (7, 0, 2)
    rows = {row["event"]: row for row in rows_of(archive).iter_rows(named=True)}
    charges = [rows[f"ch_{n}"] for n in (1, 2, 3)]
    assert [one["outcome"] for one in charges] == ["authorized", "declined", None]
    assert charges[0]["amount_in_usd"] == 25
    assert {rows[name]["about"] for name in ("dp_1", "issfr_1", "re_1")} == {"ch_1"}
    assert [rows[name]["is_fraudulent"] for name in ("dp_1", "dp_2")] == [True, False]
    assert rows["dp_1"]["at_us"] > rows["issfr_1"]["at_us"] > rows["ch_1"]["at_us"]


def test_the_dashboards_export_is_recognised_with_amounts_in_major_units_and_own_metadata(
    archive: Archive, tmp_path: Path
) -> None:
    text = (
        "id,Created date (UTC),Amount,Currency,Status,Card Brand,shop (metadata)\n"
        "ch_1,2026-01-01 10:00,25.10,usd,Paid,Visa,north\n"
        "ch_2,2026-01-01 11:00,500,jpy,Failed,Visa,\n"
    )
    tally, _ = run(archive, write(tmp_path, "unified_payments.csv", text))
    assert tally.imported == 2
    found = rows_of(archive)
    assert found["amount"].to_list() == [2510, 500]
    assert found["outcome"].to_list() == ["authorized", "declined"]
    assert found["::shop::"].to_list() == ["north", None]


def test_every_broken_row_is_listed_as_it_was_given(archive: Archive, tmp_path: Path) -> None:
    text = (
        b"id,at,amount,currency,note\n"
        b'e1,2026-01-01T00:00:00Z,1,usd,"two\nlines, one row"\n'
        b"e2,2026-01-01T00:00:00Z,1\n"
        b"e3,2026-01-01T00:00:00Z,1,usd,\xff\xfe\n"
        b"e4,yesterday,1,usd,\n"
        b"e5,2026-01-01T00:00:00Z,12.5,usd,\n"
        b'e6,2026-01-01T00:00:00Z,1,usd,st"ray\n'
        b"e7,2026-01-01T00:00:00Z,1,xxx,4242 4242 4242 4242\n"
        b"e8,2026-01-01T00:00:00Z,1,usd,fine\n"
    )
    tally, rejects = run(archive, write(tmp_path, "p.csv", text, MAP))
    told = [msgspec.json.decode(line) for line in rejects.read_bytes().splitlines()]
    codes = {one["row"]: one["code"] for one in told}
    assert codes == {
        2: "wrong_field_count",
        3: "bad_encoding",
        4: "unreadable",
        5: "unreadable",
        6: "bad_quotes",
        7: "bad_currency",
    }
    assert told[0]["raw"] == "e2,2026-01-01T00:00:00Z,1"
    assert "4242" not in rejects.read_text()
    assert rejects.stat().st_mode & 0o077 == 0
    assert rows_of(archive)["event"].to_list() == ["e1", "e8"]
    assert (tally.read, tally.imported, tally.rejected) == (8, 2, 6)


def test_broken_json_lines_are_listed_and_nested_objects_have_dotted_names(
    archive: Archive, tmp_path: Path
) -> None:
    lines = [
        '{"id": "e1", "at": 1767225600, "amount": 5, "currency": "usd", "who": {"mail": "a@b.co"}}',
        '{"id": "e2", "at": 17672',
        '{"id": "e3", "at": "2026-01-01", "amount": 5, "currency": "usd"}',
    ]
    text = MAP + 'email = "who.mail"\n'
    tally, rejects = run(archive, write(tmp_path, "p.jsonl", "\n".join(lines) + "\n", text))
    assert (tally.imported, tally.rejected) == (2, 1)
    (told,) = [msgspec.json.decode(line) for line in rejects.read_bytes().splitlines()]
    assert (told["row"], told["code"], told["raw"]) == (2, "bad_json", lines[1])
    assert rows_of(archive)["email"].to_list() == ["a@b.co", None]
    assert rows_of(archive)["at_us"].n_unique() == 1


def test_an_id_counts_once_in_a_file_across_files_and_across_imports(
    archive: Archive, tmp_path: Path
) -> None:
    def payments(*ids: str) -> str:
        rows = [f"{one},2026-01-01T00:00:00Z,{n},usd" for n, one in enumerate(ids)]
        return "id,at,amount,currency\n" + "\n".join(rows) + "\n"

    first = write(tmp_path, "a.csv", payments("e1", "e2", "e1"), MAP)
    second = write(tmp_path, "b.csv", payments("e2", "e3"), MAP)
    third = write(tmp_path, "c.csv", payments("e3", "e4"), MAP)
    assert run(archive, first, second)[0].duplicates == 2
    assert run(archive, third)[0].duplicates == 1
    found = rows_of(archive)
    assert found["event"].to_list() == ["e1", "e2", "e3", "e4"]
    assert found["amount"].to_list() == [0, 1, 1, 1]  # the first one met


def test_a_label_is_an_outcome_from_when_it_was_known(archive: Archive, tmp_path: Path) -> None:
    text = "id,at,amount,currency,fraud\ne1,2026-01-01T00:00:00Z,1,usd,1\ne2,2026-01-01,1,usd,\n"
    labelled = MAP + 'label = { column = "fraud", known_after = "7d" }\n'
    assert run(archive, write(tmp_path, "p.csv", text, labelled))[0].labels == 1
    found = rows_of(archive)
    assert found["event"].to_list() == ["e1", "e2", "label_e1"]
    assert found["label"].to_list() == [None, None, "fraud"]
    day_us = 86_400_000_000
    assert found["at_us"][2] - found["at_us"][0] == 7 * day_us
    assert found["about"].to_list() == [None, None, "e1"]


def test_what_happened_after_the_moment_asked_for_is_left_out(
    archive: Archive, tmp_path: Path
) -> None:
    text = "id,at,amount,currency\n" + "".join(
        f"e{n},2026-01-0{n}T00:00:00Z,1,usd\n" for n in range(1, 6)
    )
    at_us = 1_767_398_400_000_000  # 2026-01-03
    tally, _ = run(archive, write(tmp_path, "p.csv", text, MAP), as_of_us=at_us)
    assert (tally.imported, tally.left_out) == (3, 2)


def test_a_try_writes_nothing_and_tells_the_same(archive: Archive, tmp_path: Path) -> None:
    path = write(tmp_path, "p.csv", "id,at,amount,currency\ne1,x,1,usd\ne2,2026-01-01,1,usd\n", MAP)
    settings = ImportSettings(list(source_files([path], shape)), CONTEXT)
    tried = Import(settings, None, known_ids(archive, ()), None)
    tally = tried.run()
    assert not archive.directory.exists()
    assert tried.first_problems[0] | {"message": ""} == {
        "file": "p.csv", "row": 1, "place": "occurred_at", "code": "unreadable", "message": "",
    }  # fmt: skip
    done, _ = run(archive, path)
    assert (tally.imported, tally.rejected) == (done.imported, done.rejected) == (1, 1)


def test_text_gives_the_records_that_typed_columns_give(tmp_path: Path) -> None:
    rng = random.Random(2)
    frame = pl.DataFrame({
        "id": [f"e{n}" for n in range(500)],
        "at": [1_767_225_600_123_456 + rng.randrange(10**12) for _ in range(500)],
        "amount": [rng.randrange(10**6) for _ in range(500)],
        "currency": rng.choices(["usd", "jpy", "EUR"], k=500),
    }).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))  # fmt: skip
    frame.write_parquet(tmp_path / "p.parquet")
    frame.write_csv(tmp_path / "q.csv")
    frame.with_columns(pl.col("at").dt.to_string("%+")).write_ndjson(tmp_path / "r.jsonl")
    found: list[pl.DataFrame] = []
    for name in ("p.parquet", "q.csv", "r.jsonl"):
        (tmp_path / name).with_name(name.partition(".")[0] + ".map.toml").write_text(MAP)
        archive = Archive(tmp_path / name.replace(".", "_"))
        run(archive, tmp_path / name)
        found.append(rows_of(archive))
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])


def test_a_file_without_a_map_gets_one_proposed(tmp_path: Path) -> None:
    text = "transaction_id,tx_time,Amount,customer_id,colour\n1,2026-01-01,5,c,red\n"
    path = write(tmp_path, "p.csv", text)
    frame = next(read_blocks(path)).frame
    assert shape_of(path, frame.columns) is None
    understood = understand(frame, None)
    assert {one.column: one.guess for one in understood}["customer_id"] == "customer"
    proposed = proposed_map(understood)
    assert 'id = "transaction_id"' in proposed
    assert 'amount = "Amount"' in proposed
    assert "colour" not in proposed


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.xlsx", "x", "use .parquet, .csv"),
        ("p.csv", "", "has no header"),
        ("p.csv", "id,id\n", "two columns `id`"),
        ("p.parquet", "not parquet", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(UnreadableFile, match=said):
        list(read_blocks(write(tmp_path, name, text)))


def test_a_column_that_the_map_names_and_the_file_lacks_is_told(
    archive: Archive, tmp_path: Path
) -> None:
    path = write(tmp_path, "p.csv", "id,att,amount,currency\ne1,2026-01-01,1,usd\n", MAP)
    with pytest.raises(MapError, match="did you mean `att`"):
        run(archive, path)
