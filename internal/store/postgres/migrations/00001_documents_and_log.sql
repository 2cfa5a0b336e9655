-- +goose Up

-- part stands in every key: it says what lies together. It is the number of a
-- collection under one set of path parameters, made by the nodes from its name and
-- the salt.

CREATE TABLE meta (
	key   text PRIMARY KEY,
	value text NOT NULL
);

CREATE TABLE parts (
	part       bigint PRIMARY KEY,
	collection text COLLATE "C" NOT NULL,
	params     text COLLATE "C" NOT NULL,
	floor      bigint NOT NULL DEFAULT 0 -- no version at or below it may be given out
);
CREATE INDEX parts_by_name ON parts (collection, params);

-- Where each document stands. Its body stands in the log, once. A row with rev 0 is
-- a stub, by which a commit locks a document that is not there; none outlives the
-- commit that made it.
CREATE TABLE documents (
	part        bigint NOT NULL,
	id          text COLLATE "C" NOT NULL,
	rev         bigint NOT NULL DEFAULT 0,
	version     bigint NOT NULL DEFAULT 0,
	life        bigint NOT NULL DEFAULT 0,
	live        boolean NOT NULL DEFAULT false, -- neither deleted nor a stub
	at          bigint NOT NULL DEFAULT 0,      -- microseconds since 1970
	same_second boolean NOT NULL DEFAULT false,
	digest      bytea,
	link        bytea,
	position    bigint NOT NULL DEFAULT 0, -- of the newest log row, in the document's lane
	body_rev    bigint NOT NULL DEFAULT 0, -- of the log row with the body
	kept_rev    bigint NOT NULL DEFAULT 1, -- below it no log row has a body
	lease       text,
	fence       bigint NOT NULL DEFAULT 0,
	lease_until bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (part, id)
) WITH (fillfactor = 80);
-- Lists pay for what they show, not for what was deleted. No other column may stand
-- in this index: rows are updated in place only where none of its columns changes.
CREATE INDEX documents_live ON documents (part, id) WHERE live;

-- One row a write: history, audit and feed at once.
CREATE TABLE log (
	part        bigint NOT NULL,
	id          text COLLATE "C" NOT NULL,
	rev         bigint NOT NULL,
	lane        smallint NOT NULL,
	position    bigint NOT NULL,
	version     bigint NOT NULL,
	life        bigint NOT NULL,
	action      text NOT NULL,
	outcome     text NOT NULL,
	base        bigint NOT NULL,
	blind       boolean NOT NULL,
	merged_from bigint NOT NULL,
	decisions   bytea,
	at          bigint NOT NULL,
	commit_id   uuid NOT NULL,
	correlation text NOT NULL,
	actor       text NOT NULL,
	roles       text NOT NULL, -- JSON array, or empty
	digest      bytea,
	link        bytea,
	body        bytea,
	PRIMARY KEY (part, id, rev)
);
CREATE UNIQUE INDEX log_of_part ON log (part, lane, position);
CREATE INDEX log_of_lane ON log (lane, position);
-- Most documents are never touched: then the row of a version is that of the same rev.
CREATE INDEX log_by_version ON log (part, id, version) WHERE version <> rev AND action <> 'touch';

-- How far each lane of the feed has come. A commit raises the counters of its lanes
-- last, in ascending order, and holds them until it has ended: so in each lane the
-- order of positions is the order of commits, and none is missing. Part 0 stands for
-- the whole store.
CREATE TABLE lanes (
	part     bigint NOT NULL,
	lane     smallint NOT NULL,
	position bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (part, lane)
) WITH (fillfactor = 20);
INSERT INTO lanes (part, lane) SELECT 0, generate_series(0, 15);

-- The greatest position of a row that is no longer in the log, by part and lane; part
-- 0 stands for the whole store.
CREATE TABLE pruned (
	part     bigint NOT NULL,
	lane     smallint NOT NULL,
	position bigint NOT NULL,
	PRIMARY KEY (part, lane)
);

CREATE TABLE claims (
	part  bigint NOT NULL,
	name  text COLLATE "C" NOT NULL, -- of the unique index
	value bytea NOT NULL,
	id    text, -- of the document that holds it; NULL in a stub
	PRIMARY KEY (part, name, value)
);

CREATE TABLE side_rows (
	part   bigint NOT NULL,
	id     text COLLATE "C" NOT NULL,
	kind   text COLLATE "C" NOT NULL,
	row_id bytea NOT NULL,
	value  bytea,
	PRIMARY KEY (part, id, kind, row_id)
);

CREATE TABLE answers (
	part    bigint NOT NULL, -- made from the scope
	scope   bytea NOT NULL,
	key     bytea NOT NULL,
	digest  bytea,
	content bytea,
	expires bigint, -- microseconds since 1970; NULL in a stub
	PRIMARY KEY (part, scope, key)
);
CREATE INDEX answers_by_expiry ON answers (expires);

-- Which indexes the documents of each collection are under; a row for every
-- collection that ever had a document.
CREATE TABLE collections (
	collection text COLLATE "C" PRIMARY KEY,
	names      text[] NOT NULL, -- ascending
	whole      boolean NOT NULL -- false while documents are being put under other ones
);

-- A row for every living document in every index of its collection.
CREATE TABLE index_rows (
	part bigint NOT NULL,
	name text COLLATE "C" NOT NULL,
	key  bytea NOT NULL,
	id   text COLLATE "C" NOT NULL,
	PRIMARY KEY (part, name, key, id)
);

-- Names that are too long to stand in a key. There stands their digest.
CREATE TABLE long_names (
	digest bytea PRIMARY KEY,
	name   bytea NOT NULL
);

-- The keys of a document's rows, so that a write changes those that differ and a
-- list can judge what it walks over.
CREATE TABLE document_keys (
	part  bigint NOT NULL,
	id    text COLLATE "C" NOT NULL,
	names text[] NOT NULL,
	keys  bytea[] NOT NULL, -- in the order of names
	PRIMARY KEY (part, id)
);

INSERT INTO meta (key, value) VALUES
	('program', 'ifmatch'),
	('salt', md5(gen_random_uuid()::text || gen_random_uuid()::text)), -- of the numbers of parts
	('id', md5(gen_random_uuid()::text || gen_random_uuid()::text)),
	('epoch', '1'),
	('floor', '0'), -- of every part, those that are still to come included
	('barrier', '');

-- +goose Down
DROP TABLE meta, parts, documents, log, lanes, pruned, claims, side_rows, answers, collections, index_rows, document_keys, long_names;
