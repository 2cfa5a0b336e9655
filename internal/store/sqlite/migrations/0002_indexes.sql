-- Which indexes the documents of a collection are under, and what each is called.
CREATE TABLE indexes (
	number     INTEGER PRIMARY KEY,
	collection TEXT    NOT NULL,
	name       TEXT    NOT NULL,
	whole      INTEGER NOT NULL, -- 0 while documents are being put under other ones
	UNIQUE (collection, name)
) STRICT;

-- A row for every living document in every index of its collection. It is read in
-- its order alone, so that a table without row numbers holds it once.
CREATE TABLE index_rows (
	part   INTEGER NOT NULL,
	number INTEGER NOT NULL, -- of the index
	key    BLOB    NOT NULL,
	id     TEXT    NOT NULL,
	doc    INTEGER NOT NULL,
	PRIMARY KEY (part, number, key, id)
) STRICT, WITHOUT ROWID;

-- The keys of a document's rows, so that a write changes those that differ and a
-- list can judge what it walks over. They are no column of documents, where every
-- write would copy them.
CREATE TABLE document_keys (
	doc  INTEGER PRIMARY KEY,
	keys BLOB NOT NULL -- of each index, in the order of names: its number, the length, the key
) STRICT;
