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

-- name: outbox_step_2
-- States: 0 ready, 1 leased, 2 done, 3 dead, 4 needs_check, 5 cancelled, 6 noted (never to be run).
-- Held: 0 may be claimed, 1 behind another of its key, 2 its kind or destination is paused.
ALTER TABLE outbox RENAME TO outbox_1;
DROP INDEX outbox_unfinished;
DROP INDEX outbox_by_key;
CREATE TABLE outbox(
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  kind           TEXT NOT NULL,
  payload        BLOB NOT NULL,
  context        BLOB NOT NULL,
  ordering_key   TEXT NOT NULL,
  destination    TEXT NOT NULL,
  origin         TEXT NOT NULL,
  subject        TEXT NOT NULL,
  digest         BLOB NOT NULL,
  traceparent    TEXT NOT NULL,
  retry          TEXT NOT NULL CHECK (retry IN ('safe', 'ask')),
  cause          INTEGER NOT NULL,
  accepted_us    INTEGER NOT NULL,
  due_at_us      INTEGER NOT NULL,
  not_before_us  INTEGER NOT NULL,
  deadline_us    INTEGER NOT NULL,
  dry_run        INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
  undo_of        TEXT NOT NULL,
  follow         BLOB NOT NULL,
  attempts_max   INTEGER NOT NULL,
  state          INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
  held           INTEGER NOT NULL DEFAULT 0 CHECK (held BETWEEN 0 AND 2),
  attempts       INTEGER NOT NULL DEFAULT 0,
  fence          INTEGER NOT NULL DEFAULT 0,
  lease_until_us INTEGER,
  owner          TEXT,
  ended_us       INTEGER,
  result         TEXT,
  error          TEXT
) STRICT;
INSERT INTO outbox
SELECT row_number() OVER (ORDER BY cause, id), id, kind, payload, x'', ordering_key, '', '', '', x'', '',
       retry, cause, due_at_us, due_at_us, not_before_us, 0, 0, '', x'', 8,
       CASE WHEN kind LIKE 'decision.%' OR kind LIKE 'holdout.%' THEN 6 ELSE state END,
       0, attempts, fence, lease_until_us, owner, NULL, NULL, error
FROM outbox_1;
DROP TABLE outbox_1;

-- Rows that wait, run, or need somebody are few among the done: only these are indexed.
CREATE INDEX outbox_ready ON outbox(not_before_us, seq) WHERE state = 0 AND held = 0;
CREATE INDEX outbox_leased ON outbox(lease_until_us) WHERE state = 1;
CREATE INDEX outbox_running ON outbox(ordering_key) WHERE state = 1;
CREATE INDEX outbox_by_key ON outbox(ordering_key, due_at_us, seq)
  WHERE state IN (0, 1) AND ordering_key <> '';
CREATE INDEX outbox_held ON outbox(held, seq) WHERE state = 0 AND held > 0;
CREATE INDEX outbox_origin ON outbox(origin, accepted_us) WHERE origin <> '';
CREATE INDEX outbox_attention ON outbox(state, seq) WHERE state IN (3, 4, 5);

CREATE TABLE action_audit(
  seq        INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  at_us      INTEGER NOT NULL,
  what       TEXT NOT NULL,
  detail     TEXT NOT NULL,
  who        TEXT NOT NULL
) STRICT;
CREATE INDEX action_audit_of ON action_audit(seq);

CREATE TABLE action_pause(
  what     TEXT NOT NULL CHECK (what IN ('kind', 'destination')),
  name     TEXT NOT NULL,
  since_us INTEGER NOT NULL,
  who      TEXT NOT NULL,
  PRIMARY KEY (what, name)
) STRICT, WITHOUT ROWID;

-- name: outbox_insert
INSERT INTO outbox(id, kind, payload, context, ordering_key, destination, origin, subject, digest,
  traceparent, retry, cause, accepted_us, due_at_us, not_before_us, deadline_us, dry_run, undo_of,
  follow, attempts_max, state)

-- name: outbox_insert_new
INSERT OR IGNORE INTO outbox(id, kind, payload, context, ordering_key, destination, origin, subject,
  digest, traceparent, retry, cause, accepted_us, due_at_us, not_before_us, deadline_us, dry_run,
  undo_of, follow, attempts_max, state)

-- name: outbox_of
-- Looked through as a whole: for developers, not for an executor.
SELECT id, kind, payload, ordering_key, due_at_us, retry FROM outbox
WHERE kind >= ? AND kind < ? ORDER BY cause DESC, id DESC

-- Each statement below hands over, or takes in, all its rows as one JSON text. A step of a statement
-- gives the interpreter lock away and queues for it again, so rows are not stepped through.

-- name: queue_job
-- The columns of a job, spliced into the selects.
json_array(o.seq, o.id, o.kind, CAST(o.payload AS TEXT), CAST(o.context AS TEXT), o.ordering_key,
  o.destination, o.origin, o.subject, hex(o.digest), o.traceparent, o.retry, o.cause, o.accepted_us,
  o.due_at_us, o.not_before_us, o.deadline_us, o.dry_run, o.undo_of, CAST(o.follow AS TEXT),
  o.attempts_max, o.state, o.held,
  o.attempts, o.fence, o.lease_until_us, o.ended_us, o.result, o.error)

-- name: queue_due
-- What may be claimed now, with what hinders it. Order within a key is by due time, then arrival.
SELECT json_group_array(json_array(
  CASE
    WHEN o.deadline_us > 0 AND o.deadline_us <= :now THEN 'late'
    WHEN o.attempts >= o.attempts_max THEN 'used_up'
    WHEN EXISTS (SELECT 1 FROM action_pause p WHERE (p.what = 'kind' AND p.name = o.kind)
                 OR (p.what = 'destination' AND p.name = o.destination)) THEN 'paused'
    WHEN o.ordering_key <> '' AND (
      EXISTS (SELECT 1 FROM outbox e WHERE e.state = 1 AND e.ordering_key = o.ordering_key)
      OR EXISTS (SELECT 1 FROM outbox e WHERE e.state IN (0, 1) AND e.ordering_key <> ''
                 AND e.ordering_key = o.ordering_key
                 AND (e.due_at_us, e.seq) < (o.due_at_us, o.seq))) THEN 'behind'
    ELSE ''
  END, {job}))
FROM (SELECT * FROM outbox WHERE state = 0 AND held = 0 AND not_before_us <= :now
      ORDER BY not_before_us, seq LIMIT :limit) o

-- name: queue_lease
UPDATE outbox SET state = 1, attempts = attempts + 1, fence = fence + 1, owner = :owner,
  lease_until_us = :until WHERE seq IN (SELECT value FROM json_each(:seqs))

-- name: queue_hold
UPDATE outbox SET held = :held WHERE state = 0 AND seq IN (SELECT value FROM json_each(:seqs))

-- name: queue_next
SELECT min(not_before_us) FROM outbox WHERE state = 0 AND held = 0

-- name: queue_owned
-- Of these (seq, fence), those whose lease still is the one given.
SELECT json_group_array(o.seq) FROM json_each(:pairs) j
JOIN outbox o ON o.seq = j.value ->> 0 AND o.fence = j.value ->> 1 WHERE o.state = 1

-- name: queue_end
-- seq, state, not before, ended, result, error, held, attempts to give back
UPDATE outbox SET state = j.value ->> 1, not_before_us = max(not_before_us, j.value ->> 2),
  ended_us = j.value ->> 3, result = coalesce(j.value ->> 4, result), error = j.value ->> 5,
  held = j.value ->> 6, attempts = attempts - (j.value ->> 7), lease_until_us = NULL
FROM json_each(:endings) j WHERE outbox.seq = j.value ->> 0

-- name: queue_unblock
-- The next of each key that one of these rows leaves.
UPDATE outbox SET held = 0 WHERE held = 1 AND seq IN (
  SELECT (SELECT n.seq FROM outbox n WHERE n.ordering_key = k.ordering_key AND n.ordering_key <> ''
            AND n.state IN (0, 1) ORDER BY n.due_at_us, n.seq LIMIT 1)
  FROM (SELECT DISTINCT ordering_key FROM outbox
        WHERE ordering_key <> '' AND seq IN (SELECT value FROM json_each(:seqs))) k)

-- name: queue_renew
UPDATE outbox SET lease_until_us = :until
WHERE state = 1 AND seq IN (SELECT value FROM json_each(:seqs))

-- name: queue_lapsed
-- Leases that ran out; with an owner, also those of every other process, which is dead.
SELECT json_group_array({job}) FROM outbox o
WHERE o.state = 1 AND (o.lease_until_us <= :now OR (:owner <> '' AND o.owner <> :owner))

-- name: queue_audit
INSERT INTO action_audit(seq, attempt, started_us, at_us, what, detail, who)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM json_each(:lines)

-- name: queue_audit_of
SELECT json_group_array(json_array(attempt, started_us, at_us, what, detail, who))
FROM (SELECT * FROM action_audit WHERE seq = :seq ORDER BY rowid)

-- name: queue_find
SELECT {job} FROM outbox o WHERE o.id = :id

-- name: queue_submitted
SELECT json_group_array(json_array(o.id, hex(o.digest), o.accepted_us)) FROM outbox o
WHERE o.id IN (SELECT value FROM json_each(:ids))

-- name: queue_list
SELECT json_group_array({job}) FROM (
  SELECT * FROM outbox WHERE seq < :before AND (:state < 0 OR state = :state)
    AND (:kind = '' OR kind = :kind) AND (:origin = '' OR origin = :origin)
    AND (:noted OR state <> 6)
  ORDER BY seq DESC LIMIT :limit) o

-- name: queue_list_state
-- The same where an index on the state exists; the literal states let SQLite use it.
SELECT json_group_array({job}) FROM (
  SELECT * FROM outbox INDEXED BY outbox_attention WHERE seq < :before AND state IN (3, 4, 5)
    AND state = :state AND (:kind = '' OR kind = :kind) AND (:origin = '' OR origin = :origin)
  ORDER BY seq DESC LIMIT :limit) o

-- name: queue_depths
SELECT json_array(
  (SELECT count(*) FROM outbox WHERE state = 0 AND held = 0),
  (SELECT count(*) FROM outbox WHERE state = 0 AND held > 0),
  (SELECT count(*) FROM outbox WHERE state = 1),
  (SELECT count(*) FROM outbox WHERE state IN (3, 4, 5) AND state = 3),
  (SELECT count(*) FROM outbox WHERE state IN (3, 4, 5) AND state = 4))

-- name: queue_move
-- By a person: what is not in one of the states expected is left alone.
UPDATE outbox SET state = :to, held = 0, fence = fence + 1, lease_until_us = NULL,
  not_before_us = CASE WHEN :to = 0 THEN :now ELSE not_before_us END,
  deadline_us = CASE WHEN :to = 0 THEN 0 ELSE deadline_us END,
  attempts_max = CASE WHEN :to = 0 THEN attempts + :more ELSE attempts_max END,
  ended_us = CASE WHEN :to = 0 THEN NULL ELSE :now END,
  error = CASE WHEN :to = 0 THEN NULL ELSE coalesce(:detail, error) END
WHERE id = :id AND state IN (SELECT value FROM json_each(:expected))

-- name: queue_pause
INSERT INTO action_pause VALUES (:what, :name, :now, :who) ON CONFLICT DO NOTHING

-- name: queue_resume
DELETE FROM action_pause WHERE what = :what AND name = :name

-- name: queue_release
-- What the pause held; another pause or its key may hold it again at the next claim.
UPDATE outbox SET held = 0 WHERE state = 0 AND held = 2
  AND CASE :what WHEN 'kind' THEN kind ELSE destination END = :name

-- name: queue_pauses
SELECT json_group_array(json_array(what, name, since_us, who)) FROM action_pause

-- name: queue_since
-- What origins like this one asked for since a moment: for limits that outlive the process.
SELECT json_group_array(json_array(origin, subject, accepted_us)) FROM outbox
WHERE origin <> '' AND origin >= :low AND origin < :high AND accepted_us > :since

-- name: queue_prune
DELETE FROM outbox WHERE seq IN (
  SELECT seq FROM outbox WHERE state IN (2, 5, 6) AND accepted_us <= :before LIMIT :limit)

-- name: queue_prune_audit
DELETE FROM action_audit WHERE seq NOT IN (SELECT seq FROM outbox)
