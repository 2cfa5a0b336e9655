package postgres

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The kinds of references, as ifmatch_commit knows them.
const (
	kindCheck  = 0
	kindExists = 1
	kindTouch  = 2 // and the kinds of content after it
)

// statement is the arguments of ifmatch_commit, in columns, for some commits.
type statement struct {
	dry   bool
	clock *int64

	commit                   [][16]byte
	correlation, actor, role []string
	now                      []int64

	member                     []int32
	part                       []int64
	id                         []string
	kind                       []int16
	rev, version               []int64
	collection, params         []string
	lane                       []int16
	life, at                   []int64
	digest, body               [][]byte
	keep, keepSince            []int64
	op                         []int16
	lease                      []string
	ttl                        []int64
	action, outcome            []string
	base                       []int64
	blind                      []bool
	mergedFrom                 []int64
	decisions, link            [][]byte
	indexes                    []string
	keyRef                     []int32
	keyName                    []string
	key                        [][]byte
	claimMember                []int32
	claimPart                  []int64
	claimName                  []string
	claimValue                 [][]byte
	claimID                    []string
	claimRelease               []bool
	rowRef                     []int32
	rowKind                    []string
	rowID, rowValue            [][]byte
	rowDelete                  []bool
	answerMember               []int32
	answerPart                 []int64
	answerScope, answerKey     [][]byte
	answerDigest, answerAnswer [][]byte
	answerExpires              []int64
}

// callCommit has as many parameters as args returns.
var callCommit = "SELECT * FROM ifmatch_commit(" + parameters(54) + ")"

func parameters(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String()
}

func (t *statement) args() []any {
	return []any{
		t.dry, t.clock,
		t.commit, t.correlation, t.actor, t.role, t.now,
		t.member, t.part, t.id, t.kind, t.rev, t.version, t.collection, t.params, t.lane, t.life, t.at,
		t.digest, t.body, t.keep, t.keepSince, t.op, t.lease, t.ttl,
		t.action, t.outcome, t.base, t.blind, t.mergedFrom, t.decisions, t.link, t.indexes,
		t.keyRef, t.keyName, t.key,
		t.claimMember, t.claimPart, t.claimName, t.claimValue, t.claimID, t.claimRelease,
		t.rowRef, t.rowKind, t.rowID, t.rowValue, t.rowDelete,
		t.answerMember, t.answerPart, t.answerScope, t.answerKey, t.answerDigest, t.answerAnswer, t.answerExpires,
	}
}

// separator stands between the names of a collection's indexes.
const separator = "\x1f"

// place is where the columns of one member begin, and which member it is.
type place struct {
	member, ref, claim int
}

// newStatement returns the arguments for members, which are dry or not alike.
func (s *Store) newStatement(members []*member) *statement {
	t := emptyStatement()
	t.dry = members[0].commit.Dry
	if s.opts.Clock != nil {
		now := s.opts.Clock().UnixMicro()
		t.clock = &now
	}
	for _, m := range members {
		m.at = place{member: len(t.commit) + 1, ref: len(t.member), claim: len(t.claimMember)}
		t.add(s, m)
	}
	return t
}

// emptyStatement returns one whose columns are empty and none NULL.
func emptyStatement() *statement {
	return &statement{
		commit: [][16]byte{}, correlation: []string{}, actor: []string{}, role: []string{}, now: []int64{},
		member: []int32{}, part: []int64{}, id: []string{}, kind: []int16{}, rev: []int64{}, version: []int64{},
		collection: []string{}, params: []string{}, lane: []int16{}, life: []int64{}, at: []int64{},
		digest: [][]byte{}, body: [][]byte{}, keep: []int64{}, keepSince: []int64{}, op: []int16{}, lease: []string{}, ttl: []int64{},
		action: []string{}, outcome: []string{}, base: []int64{}, blind: []bool{}, mergedFrom: []int64{},
		decisions: [][]byte{}, link: [][]byte{}, indexes: []string{}, keyRef: []int32{}, keyName: []string{}, key: [][]byte{},
		claimMember: []int32{}, claimPart: []int64{}, claimName: []string{}, claimValue: [][]byte{}, claimID: []string{}, claimRelease: []bool{},
		rowRef: []int32{}, rowKind: []string{}, rowID: [][]byte{}, rowValue: [][]byte{}, rowDelete: []bool{},
		answerMember: []int32{}, answerPart: []int64{}, answerScope: [][]byte{}, answerKey: [][]byte{},
		answerDigest: [][]byte{}, answerAnswer: [][]byte{}, answerExpires: []int64{},
	}
}

func (t *statement) add(s *Store, m *member) {
	c := m.commit
	number := int32(m.at.member)
	t.commit, t.correlation = append(t.commit, c.ID), append(t.correlation, c.Correlation)
	t.actor, t.role = append(t.actor, c.Actor.Name), append(t.role, encodeRoles(c.Actor.Roles))
	t.now = append(t.now, c.Now.UnixMicro())
	for i := range c.Checks {
		k := &c.Checks[i]
		kind := int16(kindCheck)
		rev := k.Rev
		if k.Exists {
			kind, rev = kindExists, 0
		}
		t.reference(s, number, k.Ref, kind, rev, k.Version)
		t.write(&store.Write{})
	}
	written := make(map[store.Ref]int32)
	for i := range c.Writes {
		w := &c.Writes[i]
		t.reference(s, number, w.Ref, kindTouch+kindOf(w.Content), w.Rev, w.Version)
		t.write(w)
		written[w.Ref] = int32(len(t.member))
		for k := range w.Keys {
			t.keyRef, t.keyName = append(t.keyRef, written[w.Ref]), append(t.keyName, w.Keys[k].Index)
			t.key = append(t.key, present(w.Keys[k].Key))
		}
	}
	for i := range c.Claims {
		cl := &c.Claims[i]
		t.claimMember, t.claimPart = append(t.claimMember, number), append(t.claimPart, s.number(cl.Part))
		t.claimName, t.claimValue = append(t.claimName, cl.Index), append(t.claimValue, keyOf(cl.Value))
		t.claimID, t.claimRelease = append(t.claimID, cl.ID), append(t.claimRelease, cl.Release)
	}
	for _, r := range lastChanges(c.Rows) {
		t.rowRef, t.rowKind = append(t.rowRef, written[r.Ref]), append(t.rowKind, r.Kind)
		t.rowID, t.rowValue = append(t.rowID, []byte(r.ID)), append(t.rowValue, r.Value)
		t.rowDelete = append(t.rowDelete, r.Delete)
	}
	if k := c.Key; k != nil {
		t.answerMember, t.answerPart = append(t.answerMember, number), append(t.answerPart, s.numberOf("scope", k.Scope))
		t.answerScope, t.answerKey = append(t.answerScope, keyOf(k.Scope)), append(t.answerKey, keyOf(k.Key))
		t.answerDigest, t.answerAnswer = append(t.answerDigest, k.Digest[:]), append(t.answerAnswer, k.Content)
		t.answerExpires = append(t.answerExpires, k.Expires.UnixMicro())
	}
}

// kindOf returns how far behind touches a content's kind is.
func kindOf(c store.Content) int16 {
	switch c {
	case store.ContentBody:
		return 1
	case store.ContentTombstone:
		return 2
	case store.ContentTouch:
	}
	return 0
}

func (t *statement) reference(s *Store, member int32, ref store.Ref, kind int16, rev, version int64) {
	part := s.number(ref.Part)
	t.member, t.part, t.id = append(t.member, member), append(t.part, part), append(t.id, ref.ID)
	t.kind, t.rev, t.version = append(t.kind, kind), append(t.rev, rev), append(t.version, version)
	t.collection, t.params = append(t.collection, ref.Part.Collection), append(t.params, ref.Part.Params)
	t.lane = append(t.lane, int16(laneOf(ref)))
}

// write adds the columns of a write, which those of a check have no use for.
func (t *statement) write(w *store.Write) {
	var content []byte
	if w.Content == store.ContentBody {
		content = present(w.Body)
	}
	t.life, t.at = append(t.life, w.Life), append(t.at, w.At.UnixMicro())
	t.digest, t.body = append(t.digest, digestColumn(w)), append(t.body, content)
	t.keep, t.keepSince = append(t.keep, w.Keep), append(t.keepSince, since(w.KeepSince))
	t.op, t.lease, t.ttl = append(t.op, int16(w.Lease.Op)), append(t.lease, w.Lease.ID), append(t.ttl, w.Lease.TTL.Microseconds())
	t.action, t.outcome = append(t.action, string(w.Log.Action)), append(t.outcome, w.Log.Outcome)
	t.base, t.blind, t.mergedFrom = append(t.base, w.Log.Base), append(t.blind, w.Log.Blind), append(t.mergedFrom, w.Log.MergedFrom)
	t.decisions, t.link = append(t.decisions, w.Log.Decisions), append(t.link, w.Log.Link)
	t.indexes = append(t.indexes, strings.Join(store.Names(w.Keys), separator))
}

// digestColumn returns what the log says of the body; a deletion leaves none.
func digestColumn(w *store.Write) []byte {
	if w.Content == store.ContentTombstone || w.Digest == ([32]byte{}) {
		return nil
	}
	return w.Digest[:]
}

// since returns microseconds, 0 for no time.
func since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// present returns b where nil would be NULL.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// lastChanges leaves out the changes of a side row that another one follows.
func lastChanges(rows []store.RowChange) []store.RowChange {
	type key struct {
		ref      store.Ref
		kind, id string
	}
	last := make(map[key]int, len(rows))
	for i := range rows {
		last[key{rows[i].Ref, rows[i].Kind, rows[i].ID}] = i
	}
	var left []store.RowChange
	for i := range rows {
		if last[key{rows[i].Ref, rows[i].Kind, rows[i].ID}] == i {
			left = append(left, rows[i])
		}
	}
	return left
}

func encodeRoles(roles []string) string {
	if len(roles) == 0 {
		return ""
	}
	b, err := json.Marshal(roles)
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return string(b)
}
