package main

// server is one of the programs that are measured.
type server int

const (
	constant server = iota
	handwritten
	handwrittenPostgres
	handwrittenEtcd
	ifmatch
	ifmatchLarge    // ifmatch again, with a million documents
	ifmatchKeyed    // ifmatch again, which asks for an API key
	ifmatchBody     // ifmatch again, with the version in the body
	ifmatchReject   // ifmatch again, with 64 documents of a member for each client
	ifmatchMerge    // the same, which merges stale writes
	ifmatchApart    // ifmatch again, on a processor of its own
	ifmatchPostgres // ifmatch again, over PostgreSQL
	ifmatchPair     // two of these on one database
	ifmatchEtcd     // ifmatch again, over etcd
)

// kind is what a server is.
type kind struct {
	name    string
	program string // the package of its program
	store   backing
	also    int // how many further nodes there are on its store
}

const (
	ours    = "./cmd/ifmatch"
	byHand  = "./test/bench/yardstick/handwritten"
	nothing = "./test/bench/yardstick/constant"
)

var kinds = [...]kind{
	constant:            {"constant", nothing, onNothing, 0},
	handwritten:         {"handwritten", byHand, onSQLite, 0},
	handwrittenPostgres: {"handwritten-postgres", byHand, onPostgres, 0},
	handwrittenEtcd:     {"handwritten-etcd", byHand, onEtcd, 0},
	ifmatch:             {"ifmatch", ours, onSQLite, 0},
	ifmatchLarge:        {"ifmatch-large", ours, onSQLite, 0},
	ifmatchKeyed:        {"ifmatch-keyed", ours, onSQLite, 0},
	ifmatchBody:         {"ifmatch-body", ours, onSQLite, 0},
	ifmatchReject:       {"ifmatch-reject", ours, onSQLite, 0},
	ifmatchMerge:        {"ifmatch-merge", ours, onSQLite, 0},
	ifmatchApart:        {"ifmatch-apart", ours, onSQLite, 0},
	ifmatchPostgres:     {"ifmatch-postgres", ours, onPostgres, 0},
	ifmatchPair:         {"ifmatch-pair", ours, onPostgres, 1},
	ifmatchEtcd:         {"ifmatch-etcd", ours, onEtcd, 0},
}

func (s server) String() string { return kinds[s].name }

// isOurs tells whether it is ifmatch, as opposed to what that is held against.
func (s server) isOurs() bool { return kinds[s].program == ours }
