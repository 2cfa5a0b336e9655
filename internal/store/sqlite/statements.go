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
	insertPart, raiseFloor                     *stmt
	claim, putClaim, deleteClaim               *stmt
	putRow, deleteRow                          *stmt
	answer, putAnswer                          *stmt
	deleteDocument, deleteLog, deleteSides     *stmt
	deleteMilestones, keepPosition, checkpoint *stmt
}

func (s *writeStatements) prepare(c *conn) error {
	return c.prepareAll(map[**stmt]statement{
		&s.begin:              {"BEGIN IMMEDIATE", 0},
		&s.end:                {"COMMIT", 0},
		&s.head:               {"SELECT " + headColumns + " FROM documents d WHERE d.part = ? AND d.id = ?", headWidth},
		&s.body:               {"SELECT body FROM log WHERE position = ?", 1},
		&s.logRow:             {"SELECT " + logColumns + " FROM log l WHERE l.position = ?", logWidth},
		&s.milestoneByRev:     {milestoneByRev, 1},
		&s.milestoneByVersion: {milestoneByVersion, 1},
		&s.kept:               {"SELECT prev, version, at, action, body IS NOT NULL FROM log WHERE position = ?", 5},
		&s.dropBody:           {"UPDATE log SET body = NULL WHERE position = ?", 0},
		&s.checkpoint:         {checkpointPragma, 3},
		&s.insertDocument: {`INSERT INTO documents (rev, version, life, at, same_second, digest, link, position, body_at,
			lease, fence, lease_until, deleted, doc, part, id) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, 0},
		// Naming the column deleted makes SQLite write the index of living documents
		// anew, whatever its value; that is for those whose value turns.
		&s.updateDocument: {"UPDATE documents SET " + updatedColumns + " WHERE doc = ? AND rev = ?", 0},
		&s.turnDocument:   {"UPDATE documents SET " + updatedColumns + ", deleted = 1 - deleted WHERE doc = ? AND rev = ?", 0},
		&s.insertLog: {`INSERT INTO log (position, doc, prev, rev, version, life, action, outcome, base, blind, merged_from,
			decisions, at, commit_id, correlation, actor, roles, digest, link, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, 0},
		&s.insertMilestone:  {"INSERT INTO milestones (doc, rev, version, position) VALUES (?,?,?,?)", 0},
		&s.insertPart:       {"INSERT INTO parts (part, collection, params, floor) VALUES (?,?,?,0)", 0},
		&s.raiseFloor:       {"UPDATE parts SET floor = ? WHERE part = ?", 0},
		&s.claim:            {"SELECT id FROM claims WHERE part = ? AND name = ? AND value = ?", 1},
		&s.putClaim:         {"INSERT OR REPLACE INTO claims (part, name, value, id) VALUES (?,?,?,?)", 0},
		&s.deleteClaim:      {"DELETE FROM claims WHERE part = ? AND name = ? AND value = ?", 0},
		&s.putRow:           {"INSERT OR REPLACE INTO side_rows (doc, kind, id, value) VALUES (?,?,?,?)", 0},
		&s.deleteRow:        {"DELETE FROM side_rows WHERE doc = ? AND kind = ? AND id = ?", 0},
		&s.answer:           {"SELECT digest, content, expires FROM answers WHERE scope = ? AND key = ?", 3},
		&s.putAnswer:        {"INSERT OR REPLACE INTO answers (scope, key, digest, content, expires) VALUES (?,?,?,?,?)", 0},
		&s.deleteDocument:   {"DELETE FROM documents WHERE doc = ?", 0},
		&s.deleteLog:        {"DELETE FROM log WHERE position = ?", 0},
		&s.deleteSides:      {"DELETE FROM side_rows WHERE doc = ?", 0},
		&s.deleteMilestones: {"DELETE FROM milestones WHERE doc = ?", 0},
		&s.keepPosition:     {"UPDATE meta SET value = ? WHERE key = 'position'", 0},
	})
}
