package sqlite

const headColumns = `d.doc, d.rev, d.version, d.life, d.deleted, d.at, d.same_second, d.digest, d.link,
	d.position, d.body_at, d.lease, d.fence, d.lease_until`

const headWidth = 14

const logColumns = `l.position, l.prev, l.rev, l.version, l.life, l.action, l.outcome, l.base, l.blind, l.merged_from,
	l.decisions, l.at, l.commit_id, l.correlation, l.actor, l.roles, l.digest, l.link`

const logWidth = 18

// updatedColumns are in the order in which writeDocument binds them.
const updatedColumns = `rev = ?, version = ?, life = ?, at = ?, same_second = ?, digest = ?, link = ?,
	position = ?, body_at = ?, lease = ?, fence = ?, lease_until = ?`

// newestPosition is the greatest position that was ever given out.
const newestPosition = `SELECT max((SELECT value FROM meta WHERE key = 'position'), (SELECT coalesce(max(position), 0) FROM log))`

// writeStatements are those of the writer.
type writeStatements struct {
	head, body, logRow                         *stmt
	milestoneByRev, milestoneByVersion         *stmt
	kept, dropBody                             *stmt
	begin, end                                 *stmt
	insertDocument, updateDocument             *stmt
	turnDocument                               *stmt
	insertLog, insertMilestone                 *stmt
	insertPart, raiseFloor, raisePruned        *stmt
	claim, putClaim, deleteClaim               *stmt
	putRow, deleteRow                          *stmt
	answer, putAnswer, forgetAnswers           *stmt
	deleteDocument, deleteLog, deleteSides     *stmt
	deleteMilestones, keepPosition, checkpoint *stmt
	indexes, keys, putKeys, deleteKeys         *stmt
	insertIndex, setWhole, deleteIndex         *stmt
	putIndexRow, deleteIndexRow                *stmt
	anyDocument, standing                      *stmt
}

func (s *writeStatements) prepare(c *conn) error {
	return c.prepareAll(map[**stmt]string{
		&s.begin:              "BEGIN IMMEDIATE",
		&s.end:                "COMMIT",
		&s.head:               "SELECT " + headColumns + " FROM documents d WHERE d.part = ? AND d.id = ?",
		&s.body:               "SELECT body FROM log WHERE position = ?",
		&s.logRow:             "SELECT " + logColumns + " FROM log l WHERE l.position = ?",
		&s.milestoneByRev:     milestoneByRev,
		&s.milestoneByVersion: milestoneByVersion,
		&s.kept:               "SELECT prev, version, at, action, body IS NOT NULL FROM log WHERE position = ?",
		&s.dropBody:           "UPDATE log SET body = NULL WHERE position = ?",
		&s.checkpoint:         checkpointPragma,
		&s.insertDocument: `INSERT INTO documents (rev, version, life, at, same_second, digest, link, position, body_at,
			lease, fence, lease_until, deleted, doc, part, id) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		// Naming the column deleted makes SQLite write the index of living documents
		// anew, whatever its value; that is for those whose value turns.
		&s.updateDocument: "UPDATE documents SET " + updatedColumns + " WHERE doc = ? AND rev = ?",
		&s.turnDocument:   "UPDATE documents SET " + updatedColumns + ", deleted = 1 - deleted WHERE doc = ? AND rev = ?",
		&s.insertLog: `INSERT INTO log (position, doc, prev, rev, version, life, action, outcome, base, blind, merged_from,
			decisions, at, commit_id, correlation, actor, roles, digest, link, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		&s.insertMilestone:  "INSERT INTO milestones (doc, rev, version, position) VALUES (?,?,?,?)",
		&s.insertPart:       "INSERT INTO parts (part, collection, params, floor) VALUES (?,?,?,?)",
		&s.raiseFloor:       "UPDATE parts SET floor = ?, pruned = max(pruned, ?) WHERE part = ?",
		&s.raisePruned:      "UPDATE meta SET value = max(value, ?) WHERE key = 'pruned'",
		&s.claim:            "SELECT id FROM claims WHERE part = ? AND name = ? AND value = ?",
		&s.putClaim:         "INSERT OR REPLACE INTO claims (part, name, value, id) VALUES (?,?,?,?)",
		&s.deleteClaim:      "DELETE FROM claims WHERE part = ? AND name = ? AND value = ?",
		&s.putRow:           "INSERT OR REPLACE INTO side_rows (doc, kind, id, value) VALUES (?,?,?,?)",
		&s.deleteRow:        "DELETE FROM side_rows WHERE doc = ? AND kind = ? AND id = ?",
		&s.answer:           "SELECT digest, content, expires FROM answers WHERE scope = ? AND key = ?",
		&s.putAnswer:        "INSERT OR REPLACE INTO answers (scope, key, digest, content, expires) VALUES (?,?,?,?,?)",
		&s.forgetAnswers:    "DELETE FROM answers WHERE (scope, key) IN (SELECT scope, key FROM answers WHERE expires <= ? ORDER BY expires LIMIT 2)",
		&s.deleteDocument:   "DELETE FROM documents WHERE doc = ?",
		&s.deleteLog:        "DELETE FROM log WHERE position = ?",
		&s.deleteSides:      "DELETE FROM side_rows WHERE doc = ?",
		&s.deleteMilestones: "DELETE FROM milestones WHERE doc = ?",
		&s.keepPosition:     "UPDATE meta SET value = ? WHERE key = 'position'",
		&s.indexes:          collectionIndexes,
		&s.keys:             "SELECT keys FROM document_keys WHERE doc = ?",
		&s.putKeys:          "INSERT OR REPLACE INTO document_keys (doc, keys) VALUES (?,?)",
		&s.deleteKeys:       "DELETE FROM document_keys WHERE doc = ?",
		&s.anyDocument:      "SELECT 1 FROM documents WHERE part = ? LIMIT 1",
		&s.insertIndex:      "INSERT INTO indexes (number, collection, name, whole) VALUES (?,?,?,?)",
		&s.setWhole:         "UPDATE indexes SET whole = ? WHERE collection = ?",
		&s.deleteIndex:      "DELETE FROM indexes WHERE number = ?",
		&s.putIndexRow:      "INSERT OR REPLACE INTO index_rows (part, number, key, id, doc) VALUES (?,?,?,?,?)",
		&s.deleteIndexRow:   "DELETE FROM index_rows WHERE part = ? AND number = ? AND key = ? AND id = ?",
		&s.standing:         "SELECT version, deleted FROM documents WHERE doc = ?",
	})
}
