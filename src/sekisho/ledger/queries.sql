-- Tables and statements of the ledger. A released step is never edited, only followed by another.

-- name: step_1
-- One row for each thing recorded; the chain seals rows in the order of seq, which has no gaps.
CREATE TABLE ledger(
  seq         INTEGER PRIMARY KEY,
  kind        TEXT NOT NULL CHECK (kind IN ('decision', 'event', 'control')),
  event_id    TEXT NOT NULL,
  event_type  TEXT NOT NULL,
  about       TEXT NOT NULL,
  at_us       INTEGER NOT NULL,
  recorded_us INTEGER NOT NULL,
  decision_id TEXT NOT NULL,
  status      INTEGER NOT NULL,
  scope       TEXT NOT NULL,
  key         TEXT NOT NULL,
  body_hash   BLOB NOT NULL,
  body        BLOB NOT NULL,
  answer      BLOB NOT NULL,
  hash        BLOB NOT NULL
) STRICT;

-- Ids of decisions begin with their time, so this index grows at its end, which is cheap.
CREATE UNIQUE INDEX ledger_decision ON ledger(decision_id) WHERE decision_id <> '';

CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE ON ledger BEGIN
  SELECT raise(ABORT, 'the ledger is append-only: record a correction instead');
END;
CREATE TRIGGER ledger_is_append_only_2 BEFORE DELETE ON ledger BEGIN
  SELECT raise(ABORT, 'the ledger is append-only: record a correction instead');
END;

-- Hashes of the ids of recent rows, one blob for each commit: an index over random event ids
-- would dirty a page for every row. Memory holds them; `archive` takes them when they are old.
CREATE TABLE recent_ids(
  first_seq   INTEGER PRIMARY KEY,
  recorded_us INTEGER NOT NULL,
  hashes      BLOB NOT NULL
) STRICT;

-- Where ids too old for memory are found; filled in sorted order, in the background.
CREATE TABLE archive(
  hash INTEGER NOT NULL,
  seq  INTEGER NOT NULL,
  PRIMARY KEY (hash, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE installation(id TEXT NOT NULL) STRICT;

-- name: step_2
-- Few rows tell what was in force, and every start reads them: other rows do not touch this index.
CREATE INDEX ledger_control ON ledger(seq) WHERE kind = 'control';

-- name: insert_ledger
INSERT INTO ledger

-- name: insert_recent
INSERT INTO recent_ids VALUES (?, ?, ?)

-- name: insert_archive
INSERT OR IGNORE INTO archive

-- name: installation
SELECT id FROM installation

-- name: insert_installation
INSERT INTO installation VALUES (?)

-- name: head
SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1

-- name: row
SELECT * FROM ledger WHERE seq = ?

-- name: row_of_decision
SELECT * FROM ledger WHERE decision_id = ? AND decision_id <> ''

-- name: page
SELECT * FROM ledger WHERE seq >= ? AND seq < ? ORDER BY seq

-- name: hash
SELECT hash FROM ledger WHERE seq = ?

-- name: recent
SELECT first_seq, recorded_us, hashes FROM recent_ids ORDER BY first_seq

-- name: recent_oldest
SELECT recorded_us, first_seq FROM recent_ids ORDER BY first_seq LIMIT 1

-- name: recent_before
-- The batches before the first one that is young enough, so that no gap can arise.
SELECT first_seq, recorded_us, hashes FROM recent_ids
 WHERE first_seq < coalesce(
   (SELECT min(first_seq) FROM recent_ids WHERE recorded_us >= ?),
   (SELECT max(first_seq) + 1 FROM recent_ids)
 )
 ORDER BY first_seq

-- name: newest_recorded
SELECT recorded_us FROM ledger ORDER BY seq DESC LIMIT 1

-- name: forget_recent
DELETE FROM recent_ids WHERE first_seq <= ?

-- name: archived
SELECT seq FROM archive WHERE hash = ?

-- name: event_ids
SELECT event_id, kind FROM ledger WHERE kind <> 'control'

-- name: controls
SELECT * FROM ledger WHERE kind = 'control' AND event_type <> 'profiles' ORDER BY seq

-- name: profiles_page
SELECT * FROM ledger WHERE kind = 'control' AND event_type = 'profiles' AND seq > ? AND seq <= ?
ORDER BY seq LIMIT 200

-- name: last_decided
SELECT recorded_us FROM ledger WHERE kind <> 'control' ORDER BY seq DESC LIMIT 1

-- name: abouts
SELECT DISTINCT about FROM ledger WHERE kind = 'event'
