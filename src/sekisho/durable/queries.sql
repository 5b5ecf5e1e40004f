-- Tables of the durable engine. A released step is never edited, only followed by another.

-- name: outbox_step_1
-- States: 0 ready, 1 sending (leased), 2 done, 3 dead, 4 needs_check.
CREATE TABLE outbox(
  id            TEXT PRIMARY KEY,
  kind          TEXT NOT NULL,
  payload       BLOB NOT NULL,
  ordering_key  TEXT NOT NULL,
  due_at_us     INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL,
  retry         TEXT NOT NULL CHECK (retry IN ('safe', 'ask')),
  cause         INTEGER NOT NULL,
  state         INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
  attempts      INTEGER NOT NULL DEFAULT 0,
  fence         INTEGER NOT NULL DEFAULT 0,
  lease_until_us INTEGER,
  owner         TEXT,
  error         TEXT
) STRICT, WITHOUT ROWID;

-- Only unfinished rows are looked for by time or by key.
CREATE INDEX outbox_unfinished ON outbox(not_before_us, id) WHERE state IN (0, 1);
CREATE INDEX outbox_by_key ON outbox(ordering_key, due_at_us, id)
  WHERE state IN (0, 1) AND ordering_key <> '';

-- name: outbox_insert
INSERT INTO outbox(id, kind, payload, ordering_key, due_at_us, not_before_us, retry, cause)

-- name: outbox_of
-- Looked through as a whole: for developers, not for an executor.
SELECT id, kind, payload, ordering_key, due_at_us, retry FROM outbox
WHERE kind >= ? AND kind < ? ORDER BY cause DESC, id DESC
