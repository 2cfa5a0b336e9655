package main

import "github.com/ifmatch/ifmatch/test/stores"

const (
	sqlite   = "internal/store/sqlite/"
	postgres = "internal/store/postgres/"
)

// Where tests are.
var (
	powerCut = test{"./internal/store/sqlite", "^TestPowerCut$"}
	poison   = test{"./internal/store/sqlite", "^TestFailedCommit$"}
	lock     = test{"./internal/store/sqlite", "^TestOneProcessServesAFile$"}
	races    = test{"./internal/store/sqlite", "^TestConformance$/^(races|concurrency)$"}
	fills    = test{"./internal/store/sqlite", "^TestConformance$/^fills$"}
	groups   = test{"./internal/store/sqlite", "^TestConformance$/^groups$"}
	faults   = test{"./internal/store/sqlite", "^TestConformance$/^faults$"}
	fresh    = test{"./internal/store/sqlite", "^TestConformance$/^(fresh|groups)$"}
	checks   = test{"./internal/store/sqlite", "^TestConformance$/^checks$"}
	purge    = test{"./internal/store/sqlite", "^TestConformance$/^purge$"}
	indexes  = test{"./internal/store/sqlite", "^TestConformance$/^indexes$"}
	restored = test{"./internal/store/sqlite", "^TestConformance$/^restored$"}
	feed     = test{"./internal/store/sqlite", "^TestConformance$/^changes$"}
	rounds   = test{"./internal/engine", "^(TestLostRace|TestPatches|TestOneOfMany|TestRounds)"}
	ordered  = test{"./internal/store/sqlite", "^TestConformance$/^submissions$"}
	line     = test{"./internal/engine", "^(TestRefusalsWait|TestWritesShareAFlush)"}
	keys     = test{"./internal/engine", "^TestKey"}
	kill     = test{"./test/crash", "^TestKill$"}
	finish   = test{"./test/crash", "^TestTerminate$"}
	history  = test{"./test/torture", "^TestSQLite$"}
	audit    = test{"./internal/engine", "^TestChain"}
	evaluate = test{".", "^TestEvaluate"}
	signing  = test{".", "^TestSignedTags(Altered|Carried)"}
	rotating = test{"./test/protocol", "^TestSignedTagsAfterRotation$"}

	lost      = test{"./test/protocol", "^TestLostAnswers$"}
	between   = test{"./test/crash", "^TestKillBetweenCommitAndAnswer$"}
	identical = test{"./test/protocol", "^TestKeyOfAnIdenticalWrite$"}
	merging   = test{"./merge", "^(TestVectors|TestResolve|TestChoices)"}
	parking   = test{"./internal/engine", "^TestPark"}
	deciding  = test{"./test/protocol", "^(TestResolve|TestDiscard)"}
	merged    = test{"./test/protocol", "^TestMerge"}
	values    = test{"./test/protocol", "^TestField"}
	tokens    = test{"./cmd/ifmatch", "^TestForgedTokens$"}
	memory    = test{"./internal/bearer", "^TestSignaturesAreRemembered$"}
	providers = test{"./internal/oidc", "^Test(Flood|Withdrawn)$"}
	rules     = test{"./internal/access", "^(TestRule|TestNoAnswer)$"}
	hidden    = test{"./cmd/ifmatch", "^TestHidden"}
	described = test{"./internal/openapi", "^TestHidden$"}
	served    = test{"./internal/httpapi", "^TestDescriptionIsServed$"}
	leases    = test{"./internal/engine", "^TestLease"}
	late      = test{"./test/protocol", "^TestLateHolder$"}
	access    = test{"./internal/engine", "^TestAccess"}
	lives     = test{"./cmd/ifmatch", "^TestLivesApart$"}
	asked     = test{"./internal/httpapi", "^TestEveryRouteAsksItsAction$"}
	unknown   = test{"./cmd/ifmatch", "^(TestAccess|TestLists)"}
	inLine    = test{"./internal/engine", "^TestLine"}
	skew      = test{"./test/protocol", "^TestWriteSkew$"}
	batches   = test{"./test/crash", "^TestKillBatches$"}
	auditors  = test{"./cmd/ifmatch", "^TestAudit"}
	encrypted = test{"./cmd/ifmatch", "^TestTLS$"}
	nodes     = test{"./internal/store/postgres", "^TestNodes$"}
	followed  = test{"./internal/store/postgres", "^TestFollowingNodes$"}
	unread    = test{"./test/protocol", "^(TestLostUpdate|TestPatchThatLoses|TestWhatACallerHasRead$)"}
)

// withoutRev makes an UPDATE change a document wherever it stands.
var withoutRev = edit{sqlite + "statements.go", `updatedColumns + " WHERE doc = ? AND rev = ?"`, `updatedColumns + " WHERE doc = ? AND ? > 0"`}

// mutants is the table: each row loses, shows or accepts something wrong.
var mutants = []mutant{
	{
		name: "synchronous OFF", test: powerCut, short: true,
		edits: []edit{{sqlite + "conn.go", `"synchronous(FULL)"`, `"synchronous(OFF)"`}},
	},
	{
		name: "synchronous NORMAL", test: powerCut,
		edits: []edit{{sqlite + "conn.go", `"synchronous(FULL)"`, `"synchronous(NORMAL)"`}},
	},
	{
		name: "compare dropped", test: races, short: true,
		edits: []edit{
			{sqlite + "judge.go", "if h := g.headOf(w.Ref, e); !w.Fits(&h) {", "if h := g.headOf(w.Ref, e); h.Rev < 0 {"},
			withoutRev,
		},
	},
	{
		name: "cache fill unchecked", test: fills, short: true,
		edits: []edit{{sqlite + "cache.go", "if s.seq == noted && s.held == 0 {", "if noted >= 0 {"}},
	},
	{
		name: "answer before COMMIT", test: fresh, short: true,
		edits: []edit{
			{sqlite + "writer.go", "\terr := g.apply(members)\n", "\terr := g.apply(members)\n\tanswerNow(members)\n"},
			{sqlite + "writer.go", "\tfor _, m := range members {\n\t\tclose(m.done)\n\t}\n", "\tanswerNow(members)\n"},
			{sqlite + "writer.go", "\nfunc fail(members []*member, err error) {", `
func answerNow(members []*member) {
	for _, m := range members {
		select {
		case <-m.done:
		default:
			close(m.done)
		}
	}
}

func fail(members []*member, err error) {`},
		},
	},
	{
		name: "published before it is durable", test: faults,
		edits: []edit{{sqlite + "writer.go", "\terr := g.apply(members)\n", `	err := g.apply(members)
	for ref, e := range g.entries {
		if e != nil {
			w.store.cache.entries.Set(ref, e)
		}
	}
`}},
	},
	{
		name: "members of a group do not see each other", test: groups,
		edits: []edit{
			{sqlite + "group.go", "if e, changed := g.entries[ref]; changed {", "if e, changed := g.entries[ref]; changed && e == nil {"},
			withoutRev,
		},
	},
	{
		name: "the writer goes on after an I/O error", test: poison,
		edits: []edit{{sqlite + "open.go", "if s.trouble.CompareAndSwap(nil, t) {", "if t.cause == nil {"}},
	},
	{
		name: "an I/O error of COMMIT is taken for a rollback", test: poison,
		edits: []edit{{sqlite + "errors.go", "\t\treturn false\n\t}\n\treturn true\n", "\t\treturn false\n\t}\n\treturn false\n"}},
	},
	{
		name: "two processes share a file", test: lock,
		edits: []edit{{sqlite + "lock_unix.go", "syscall.LOCK_EX|syscall.LOCK_NB", "syscall.LOCK_SH|syscall.LOCK_NB"}},
	},
	{
		name: "floor forgotten on purge", test: purge,
		edits: []edit{{sqlite + "purge.go", "p.floor = max(p.floor, e.doc.Version)", "p.floor += 0"}},
	},
	{
		name: "a restore forgets the parts that are to come", test: restored, short: true,
		edits: []edit{{sqlite + "judge.go", "floor := g.floor", "var floor int64"}},
	},
	{
		name: "a restore goes on in its epoch", test: restored,
		edits: []edit{{sqlite + "restored.go", "g.epoch++", "g.epoch += 0"}},
	},
	{
		name: "some groups are rolled back and acknowledged", test: kill,
		edits: []edit{{sqlite + "writer.go", `_, err = w.conn.exec(w.st.end)`, `err = w.conn.do(map[bool]string{true: "ROLLBACK", false: "COMMIT"}[g.position%50 == 0])`}},
	},
	{
		name: "keys are forgotten", test: history,
		edits: []edit{{"internal/engine/idempotency.go", "	if !in.stores() {\n		return do(ctx, in)\n	}\n	if err := e.flights.take(ctx, in, e.keyWait); err != nil {\n		return nil, e.refusalOf(err, nil)\n	}\n	defer", "	if in.Key = nil; !in.stores() {\n		return do(ctx, in)\n	}\n	if err := e.flights.take(ctx, in, e.keyWait); err != nil {\n		return nil, e.refusalOf(err, nil)\n	}\n	defer"}},
	},
	{
		name: "what was accepted is dropped at the end", test: finish,
		edits: []edit{{"cmd/ifmatch/serve.go", "return server.Shutdown(drain)", "return errors.Join(drain.Err(), server.Close())"}},
	},
	{
		name: "a write fits what came after a purge", test: purge,
		edits: []edit{{"internal/store/validate.go", "return w.Rev == h.Rev && w.Version >= h.Next", "return w.Rev == h.Rev"}},
	},
	{
		name: "a row of an index stays when its key changes", test: indexes,
		edits: []edit{{sqlite + "indexes.go", "if !holdsKey(is, k) {", "if len(k.key) > store.MaxIndexKey {"}},
	},
	{
		name: "a page by an index begins with the row before it", test: indexes,
		edits: []edit{{sqlite + "indexlist.go", "(r.key, r.id) > (?, ?)", "(r.key, r.id) >= (?, ?)"}},
	},
	{
		name: "followers are woken before it is durable", test: feed, short: true,
		edits: []edit{{sqlite + "writer.go", "\terr := g.apply(members)\n", "\terr := g.apply(members)\n\tw.store.tail.Publish(store.Mark{g.position}, g.changes)\n"}},
	},
	{
		name: "a change at the border of two pages is skipped", test: feed,
		edits: []edit{{sqlite + "feed.go", "*last = entries[n-1].Position", "*last = entries[n-1].Position + 1"}},
	},
	{
		name: "checks of a commit are not judged", test: checks,
		edits: []edit{{sqlite + "judge.go", "if h := g.headOf(k.Ref, e); !k.Fits(&h) {", "if h := g.headOf(k.Ref, e); h.Rev < 0 {"}},
	},
	{
		name: "a commit stands though what it was built on does not", test: ordered,
		edits: []edit{{sqlite + "group.go", "m.after != nil && m.after.err != nil", "false && m.after != nil"}},
	},
	{
		name: "a refusal tells of what is not durable yet", test: line,
		edits: []edit{{"internal/engine/turn.go", "if err != errLostRace {", "if false {"}},
	},
	{
		name: "a lost race is answered 412", test: rounds,
		edits: []edit{{"internal/engine/commit.go", "return nil, errLostRace", "return nil, &Refusal{Reason: ReasonStale, Current: w.current}"}},
	},
	{
		name: "a lost race goes round with the old candidate", test: rounds,
		edits: []edit{
			{"internal/engine/turn.go", "\tqueue   *queue ", "\tkept    *candidate\n\tqueue   *queue "},
			{"internal/engine/plan.go", "\tp.content, p.candidate = store.ContentBody, c\n", `	if w.kept == nil {
		w.kept = &c
	}
	c = *w.kept
	p.content, p.candidate = store.ContentBody, c
`},
		},
	},
	{
		name: "a natural key is never claimed", test: keys,
		edits: []edit{{"internal/engine/claims.go", "if p.content == store.ContentBody { // also", "if p.content > store.ContentTombstone { // also"}},
	},
	{
		name: "a natural key is never let go", test: keys,
		edits: []edit{{"internal/engine/claims.go", `if was != "" && was != p.candidate.key {`, `if was != "" && was == p.candidate.key {`}},
	},
	{
		name: "an answer is not stored with its commit", test: lost,
		edits: []edit{{"internal/engine/idempotency.go", "\tc.Key = in.Key.answer(content, c.Now)\n", ""}},
	},
	{
		name: "an answer is stored before its commit", test: between,
		edits: []edit{
			{"internal/engine/commit.go", "\treceipt, err := w.send(context.WithoutCancel(ctx), c, p)\n", `	if c.Key != nil {
		first := *c
		first.ID, first.Writes, first.Claims, first.Rows = w.engine.newID(), nil, nil, nil
		if _, err := w.engine.commit(context.WithoutCancel(ctx), &first); err != nil {
			return w.notCommitted(ctx, err)
		}
		c.Key = nil
	}
	receipt, err := w.send(context.WithoutCancel(ctx), c, p)
`},
		},
	},
	{
		name: "a keyed write that changes nothing is forgotten", test: identical,
		edits: []edit{{"internal/engine/idempotency.go", "\tif c.Key == nil {\n", "\tif c.Key == nil || len(c.Writes) == 0 {\n"}},
	},
	{
		name: "a CHECK does not hold until the commit", test: skew, short: true,
		edits: []edit{{"internal/engine/batch.go", "\t\t\tc.Checks = append(c.Checks, w.assertion())\n", "\t\t\t_ = w.assertion()\n"}},
	},
	{
		name: "an atomic batch is a commit for each of its writes", test: batches,
		edits: []edit{{"internal/engine/batch.go", "\treceipt, err := g.engine.commit(context.WithoutCancel(ctx), c)\n", `	var receipt store.Receipt
	for i := 0; i < len(c.Writes) && err == nil; i++ {
		one := *c
		one.ID, one.Writes = g.engine.newID(), c.Writes[i:i+1]
		var of store.Receipt
		of, err = g.engine.commit(context.WithoutCancel(ctx), &one)
		receipt.Heads = append(receipt.Heads, of.Heads...)
	}
`}},
	},
	{
		name: "the audit chain is not looked at", test: audit,
		edits: []edit{{"internal/audit/chain.go", "good = good || hmac.Equal(e.Link, k.seal(prev, e))", "good = good || hmac.Equal(e.Link, e.Link)"}},
	},
	{
		name: "If-Match compares weakly", test: evaluate,
		edits: []edit{{"evaluate.go", "weakly := k.AcceptWeak || k.Weak", "weakly := k.AcceptWeak || !k.AcceptWeak"}},
	},
	{
		name: "last write wins where a precondition is due", test: evaluate,
		edits: []edit{{"evaluate.go", "return Result{Verdict: Required}", "return Result{Verdict: Fresh, Blind: true}"}},
	},
	{
		name: "a dispute is settled for whoever writes last", test: merging, short: true,
		edits: []edit{{"merge/settle.go", "w.disputes = append(roomy(w.disputes), d)\n\treturn v.theirs", "return w.settled(v, Mine, string(d.Rule))"}},
	},
	{
		name: "a group of fields is half theirs and half mine", test: merging,
		edits: []edit{{"merge/together.go", "&& !w.whole(g, value) {", "&& w.policy == nil {"}},
	},
	{
		name: "what nobody chose for is decided for theirs", test: merging,
		edits: []edit{{"merge/resolve.go", "if _, chosen := choices[at]; !chosen {", "if _, chosen := choices[at]; !chosen && len(choices) == 0 {"}},
	},
	{
		name: "a change that nobody else touched is lost in a merge", test: merging, short: true,
		edits: []edit{{"merge/walk.go", "case s.theirsBase:\n\t\treturn v.mine, s", "case s.theirsBase:\n\t\treturn v.theirs, s"}},
	},
	{
		name: "what a merge comes to is not held against the schema", test: merged,
		edits: []edit{{"internal/engine/merged.go", "c, err := w.merged(s)\n\tif err == nil {", "c, err := w.merged(s)\n\tif err != nil {"}},
	},
	{
		name: "a parked write is answered and not kept", test: parking, short: true,
		edits: []edit{{"internal/engine/park.go", "p.rows = append(p.rows, withoutParked(base.Ref, past...)...)", "p.rows = withoutParked(base.Ref, past...)"}},
	},
	{
		name: "a parked write is answered without a commit", test: parking,
		edits: []edit{{"internal/engine/park.go", "carryOut := w.commit\n", "carryOut := w.unchanged\n"}},
	},
	{
		name: "a parked write stays open once it is decided", test: deciding,
		edits: []edit{{"internal/engine/resolve.go", "rows: withoutParked(w.current.Ref, parked.ID)", "rows: withoutParked(w.current.Ref)"}},
	},
	{
		name: "a conflict document shows what is hidden", test: hidden, short: true,
		edits: []edit{{"internal/engine/merged.go", "shown(w.intent.Rules.disputes(s), w.view)", "w.intent.Rules.disputes(s)"}},
	},
	{
		name: "a write of one value is not judged on its tag", test: values, short: true,
		edits: []edit{{"internal/engine/field.go", "w.intent.Conditions, stateOfField(w.current, &f)", "ifmatch.Conditions{IfMatch: ifmatch.Tags(f.ETag)}, stateOfField(w.current, &f)"}},
	},
	{
		name: "the MAC of a signed tag is not looked at", test: signing, short: true,
		edits: []edit{{"signed.go", "if !hmac.Equal(want[:], signed.mac()) || signed.kind() != kind {", "if signed.kind() != kind {"}},
	},
	{
		name: "a signed tag is good for every document", test: signing,
		edits: []edit{{"signer.go", "{s.store, of.Collection, of.Params, of.ID, at}", "{s.store, of.Collection, of.Params, at}"}},
	},
	{
		name: "a tag of an earlier key names no state", test: rotating,
		edits: []edit{{"signer.go", "if k.id == id {", "if k.id == id && k == s.newest() {"}},
	},
	{
		name: "the tag of one value fits another", test: values,
		edits: []edit{{"internal/engine/field.go", "h.Ref.ID, pointer} {", "h.Ref.ID} {"}},
	},
	{
		name: "a change is put down to who changed what is hidden", test: hidden,
		edits: []edit{{"internal/engine/trace.go", "if was = v.Value(was); err != nil", "if err != nil"}},
	},
	{
		name: "a value is shown to who may not see it", test: hidden,
		edits: []edit{{"internal/engine/field.go", "rules.View(a, current).Value(current), &doc.Head, at)", "current, &doc.Head, at)"}},
	},
	{
		name: "what a writer may not see is taken away by a write", test: hidden, short: true,
		edits: []edit{{"internal/view/keep.go", "members = append(members, m)\n\t\t\t}\n\t\t}\n\t}\n\treturn object(members), nil", "members = members[:len(members):len(members)]\n\t\t\t}\n\t\t}\n\t}\n\treturn object(members), nil"}},
	},
	{
		name: "a field is taken away with what is hidden in it", test: hidden,
		edits: []edit{{"internal/engine/field.go", "case w.view.Takes(seen, wanted):", "case w.view.Takes(seen, seen):"}},
	},
	{
		name: "a merge takes away what is hidden", test: hidden,
		edits: []edit{{"internal/engine/merged.go", "case s.view.Takes(s.theirs, s.merged.Value):", "case s.view.Takes(s.theirs, s.theirs):"}},
	},
	{
		name: "a guess at what is hidden is told when it is right", test: hidden,
		edits: []edit{{"internal/engine/content.go", "!w.current.Exists() || c.brings ||", "!w.current.Exists() ||"}},
	},
	{
		name: "a lease is judged before the commit alone", test: late, short: true,
		edits: []edit{{sqlite + "judge.go", "&c.Writes[i].Lease, j.now); err != nil {", "&c.Writes[i].Lease, j.now); err != nil && c.Dry {"}},
	},
	{
		name: "who is locked out is told of something else", test: leases,
		edits: []edit{{"internal/engine/turn.go", "if (err != nil || p.unchanged) && err", "if err != nil && p.unchanged && err"}},
	},
	{
		name: "a lease can be read in the store", test: leases,
		edits: []edit{{"internal/engine/lease.go", "sum := sha256.Sum256([]byte(id))", "sum := []byte(id)"}, {"internal/engine/lease.go", "EncodeToString(sum[:])", "EncodeToString(sum[:0]) + id"}, {"internal/engine/lease.go", "\t\"crypto/sha256\"\n", ""}},
	},
	{
		name: "who comes last is served first", test: inLine,
		edits: []edit{{"internal/engine/leaseline.go", "if l.places = append(l.places, p); len(l.places) == 1 {", "if l.places = append([]*place{p}, l.places...); len(l.places) == 1 {"}},
	},
	{
		name: "who gives a place up leaves the others waiting", test: inLine,
		edits: []edit{{"internal/engine/leaseline.go", "\tif i == 0 {\n\t\tl.call()", "\tif i < 0 {\n\t\tl.call()"}},
	},
	{
		name: "one route asks for less than it does", test: asked, short: true,
		edits: []edit{{"internal/httpapi/resources.go", "{looksBy, plain((*Server).diff)}", "{reads, plain((*Server).diff)}"}, {"internal/engine/past.go", "e.permit(rules, a, judged, ActHistory)", "e.permit(rules, a, judged)"}},
	},
	{
		name: "who creates anew what was deleted reads what it was", test: lives,
		edits: []edit{{"internal/engine/past.go", "return life == p.life || p.ended", "return true"}},
	},
	{
		name: "what a write would leave is nobody's to judge", test: access, short: true,
		edits: []edit{{"internal/engine/authorize.go", "Reserved.Access || !p.writesBody()", "Reserved.Access || p.writesBody()"}},
	},
	{
		name: "who may write is asked of the first state alone", test: access,
		edits: []edit{{"internal/engine/authorize.go", "	if !in.Rules.Reserved.Access {\n		return nil\n	}\n	read,", "	if !in.Rules.Reserved.Access || w.queue != nil {\n		return nil\n	}\n	read,"}},
	},
	{
		name: "a document that one may not know of is refused as forbidden", test: unknown,
		edits: []edit{{"internal/engine/permit.go", "case answer == Depends, answer == No && action == ActRead:", "case answer == Depends:"}},
	},
	{
		name: "a list's cursor tells of what is not in it", test: unknown,
		edits: []edit{{"internal/httpapi/list.go", "cursor = s.sealed(cursor)", "_ = s.sealed(cursor)"}, {"internal/httpapi/list.go", "if cursor, ok = s.open(cursor); !ok {", "if _, ok = s.open(cursor); ok {"}},
	},
	{
		name: "a token made out for others lets its bearer in", test: tokens,
		edits: []edit{{"internal/bearer/verifier.go", "jwt.WithIssuedAt(), jwt.WithAudience(r.Audience),", "jwt.WithIssuedAt(),"}},
	},
	{
		name: "a token says which algorithm its key is for", test: tokens,
		edits: []edit{
			{"internal/bearer/key.go", "if k.Algorithm == algorithm && (k.ID == id || id == \"\") {", "if k.ID == id || id == \"\" {"},
			{"internal/bearer/verifier.go", "err = k.method.Verify(t.signed, t.signature, k.material)", "err = jwt.GetSigningMethod(t.algorithm).Verify(t.signed, t.signature, k.material)"},
		},
	},
	{
		name: "a good signature makes every other over its text good", test: memory,
		edits: []edit{{"internal/bearer/verified.go", "	h.Write(t.signature)\n", ""}},
	},
	{
		name: "a key that the provider has withdrawn is believed", test: providers,
		edits: []edit{{"internal/oidc/provider.go", "	p.keys, p.fetched = keys, p.asked", "	p.keys, p.fetched = append(p.keys, keys...), p.asked"}},
	},
	{
		name: "the audit tells who may not read of what a merge decided", test: auditors,
		edits: []edit{{"internal/engine/audit.go", "	if reads {\n", "	if e != nil {\n"}},
	},
	{
		name: "a lost update is taken for one that was read", test: unread,
		edits: []edit{{"internal/engine/observe.go", "case seen.Version >= w.current.Version:", "case seen.Version > 0:"}},
	},
	{
		name: "what a caller is shown later counts for nothing", test: unread,
		edits: []edit{{"internal/rollout/rollout.go", "if known >= version {", "if known > 0 {"}},
	},
	{
		name: "a description tells what a hidden member may be", test: described, short: true,
		edits: []edit{{"internal/openapi/schema.go", "	if len(c.Hidden) > 0 {\n", "	if len(c.Hidden) > 100 {\n"}},
	},
	{
		name: "a description is for whoever connects", test: served,
		edits: []edit{{"internal/httpapi/authenticate.go", `path == "/healthz" || path == "/readyz"`, `path == "/healthz" || path == "/readyz" || path == describedAt`}},
	},
	{
		name: "a page that came without TLS is the server's own", test: encrypted,
		edits: []edit{{"internal/httpapi/browser.go", `scheme == "http" && r.TLS == nil`, `scheme == "http"`}},
	},
	{
		name: "a rule without an answer allows", test: rules,
		edits: []edit{{"internal/access/rule.go", "\tif err != nil {\n\t\treturn false, err\n\t}\n\treturn result.Value() == true, nil", "\treturn err != nil || result.Value() == true, nil"}},
	},
	{
		name: "a serial-column feed", test: followed, needs: stores.PostgresVar,
		edits: []edit{
			{postgres + "migrations/00001_documents_and_log.sql", "INSERT INTO lanes (part, lane)", "CREATE SEQUENCE serial;\nINSERT INTO lanes (part, lane)"},
			{postgres + "migrations/00002_commit.sql", `UPDATE lanes l SET position = l.position + counter.writes WHERE l.part = 0 AND l.lane = counter.lane
			RETURNING l.position - counter.writes INTO base_at;`, "base_at := 100 * nextval('serial');"},
			{postgres + "feed.go", `"SELECT lane, position FROM lanes WHERE part = $1"`, `"SELECT lane, max(position) FROM log WHERE part <> $1 GROUP BY lane"`},
		},
	},
	{
		name: "a commit locks no documents", test: nodes, needs: stores.PostgresVar,
		edits: []edit{{postgres + "migrations/00002_commit.sql", "ORDER BY d.part, d.id FOR UPDATE OF d;", "ORDER BY d.part, d.id;"}},
	},
	{
		// The key of the log would refuse the second one, and is taken away too.
		name: "two writes of one document in a gather", test: nodes, needs: stores.PostgresVar,
		edits: []edit{
			{postgres + "gather.go", "if !alike || !w.busy.free(m) || !behind.free(m) {", "if !alike {"},
			{postgres + "migrations/00002_commit.sql", "WHERE u.kind >= 2 AND u.member <> ALL (refused);\n\tGET DIAGNOSTICS n = ROW_COUNT;", "WHERE u.kind >= 2 AND u.member <> ALL (refused) ON CONFLICT DO NOTHING;\n\tGET DIAGNOSTICS n = ROW_COUNT;"},
			{postgres + "migrations/00002_commit.sql", "IF n <> stubs THEN", "IF false THEN"},
		},
	},
}
