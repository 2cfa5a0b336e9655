-- Rowid tables with integer keys: a text key doubles the cost of every write.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- One collection under one set of path parameters.
CREATE TABLE parts (
	part       INTEGER PRIMARY KEY,
	collection TEXT    NOT NULL,
	params     TEXT    NOT NULL,
	floor      INTEGER NOT NULL, -- no version at or below it may be given out
	UNIQUE (collection, params)
) STRICT;

-- Where each document stands. Its body stands in the log, once.
CREATE TABLE documents (
	doc         INTEGER PRIMARY KEY,
	part        INTEGER NOT NULL,
	id          TEXT    NOT NULL,
	rev         INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	life        INTEGER NOT NULL,
	deleted     INTEGER NOT NULL,
	at          INTEGER NOT NULL, -- microseconds since 1970
	same_second INTEGER NOT NULL,
	digest      BLOB,
	link        BLOB,
	position    INTEGER NOT NULL, -- of the newest log row
	body_at     INTEGER NOT NULL, -- position of the log row with the body
	lease       TEXT,
	fence       INTEGER NOT NULL DEFAULT 0,
	lease_until INTEGER NOT NULL DEFAULT 0,
	UNIQUE (part, id)
) STRICT;
-- Lists pay for what they show, not for what was deleted.
CREATE INDEX documents_live ON documents (part, id) WHERE deleted = 0;

-- One row a write: history, audit and feed at once. Rows are appended in the
-- order of commits. There is no index on doc: prev chains a document's rows, and
-- every sixteenth has a milestone.
CREATE TABLE log (
	position    INTEGER PRIMARY KEY,
	doc         INTEGER NOT NULL,
	prev        INTEGER NOT NULL, -- position of the document's row before, 0 for none
	rev         INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	life        INTEGER NOT NULL,
	action      TEXT    NOT NULL,
	outcome     TEXT,
	base        INTEGER NOT NULL,
	blind       INTEGER NOT NULL,
	merged_from INTEGER NOT NULL,
	decisions   BLOB,
	at          INTEGER NOT NULL,
	commit_id   BLOB    NOT NULL,
	correlation TEXT,
	actor       TEXT,
	roles       TEXT, -- JSON array
	digest      BLOB,
	link        BLOB,
	body        BLOB
) STRICT;

CREATE TABLE milestones (
	doc      INTEGER NOT NULL,
	rev      INTEGER NOT NULL,
	version  INTEGER NOT NULL,
	position INTEGER NOT NULL,
	PRIMARY KEY (doc, rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX milestones_by_version ON milestones (doc, version);

CREATE TABLE claims (
	part  INTEGER NOT NULL,
	name  TEXT    NOT NULL, -- of the unique index
	value TEXT    NOT NULL,
	id    TEXT    NOT NULL, -- of the document that holds it
	PRIMARY KEY (part, name, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE side_rows (
	doc   INTEGER NOT NULL,
	kind  TEXT    NOT NULL,
	id    TEXT    NOT NULL,
	value BLOB,
	PRIMARY KEY (doc, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
	scope   TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	digest  BLOB    NOT NULL,
	content BLOB,
	expires INTEGER NOT NULL,
	PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES
	('id', lower(hex(randomblob(16)))),
	('epoch', 1),
	('position', 0); -- the greatest that was given out to a row since purged
