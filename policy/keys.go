package policy

import (
	"math"
	"slices"

	"github.com/ifmatch/ifmatch"
)

// kind is what a key's value looks like.
type kind uint8

const (
	kindText     kind = iota
	kindBool          // true or false
	kindCount         // a whole number
	kindNumber        // a number of JSON, in its own spelling
	kindSize          // bytes, or KiB or MiB
	kindDuration      // a Go duration, with d for days
	kindWord          // one of words
	kindWords         // a list of words
	kindTexts         // a list of texts, which may be empty
	kindClaims        // a mapping of names of the file's own choice
	kindBlock         // a mapping of keys
	kindChoice        // one of words, or a mapping of keys
	kindRule          // an expression; true and false need no quotes
	kindRules         // an expression, or a mapping of keys that are expressions
	kindBlocks        // a list of such mappings
	kindSchema        // the name of a file, or a JSON Schema
)

// key is one row of the table of keys. Reading, the defaults, the reference page
// and the schema for editors all come from it.
type key struct {
	name string
	kind kind
	doc  string // one sentence for the reference page
	// def is the default as one would write it. Where it depends on other keys it
	// is "" and defDoc describes it.
	def, defDoc string
	words       []word
	min, max    int64  // of counts and sizes
	keys        []*key // of blocks
	// check says what is wrong with a text, "" for nothing.
	check func(string) fault
	// short names the key of a block that its value, a text or a list of texts, can
	// stand for in a list of blocks, and example shows such a list; "" where blocks
	// alone are elements.
	short, example string
	none           bool // a list of words may be empty
	required       bool
	optional       bool // a block that is not there has no defaults either
	later          bool // part of the design that this version does not support
}

// word is one of the values of a key.
type word struct {
	name, doc string
	later     bool
}

// later makes the rows of keys that this version refuses by name.
func later(names ...string) []*key {
	keys := make([]*key, len(names))
	for i, name := range names {
		keys[i] = &key{name: name, later: true}
	}
	return keys
}

// supported returns the names of the keys that a file may hold.
func supported(keys []*key) []string {
	var names []string
	for _, k := range keys {
		if !k.later {
			names = append(names, k.name)
		}
	}
	return names
}

func (k *key) supportedWords() []string {
	var names []string
	for _, w := range k.words {
		if !w.later {
			names = append(names, w.name)
		}
	}
	return names
}

var rootKey = key{kind: kindBlock, doc: "The policy of one server.", keys: append([]*key{
	{name: "listen", kind: kindText, def: "127.0.0.1:8080", check: checkListen, doc: "Address to serve on, `host:port`."},
	{name: "store", kind: kindText, def: "sqlite:ifmatch.db", check: checkStore, doc: "Where documents are kept: `memory:`, which forgets them; `sqlite:PATH`, a file; or, for any number of servers, `postgres://USER@HOST/DATABASE`, in PostgreSQL, and `etcd://HOST,…/PREFIX`, in an etcd cluster. A password had better stand in the environment: `IFMATCH_STORE` goes before what stands here."},
	{name: "tls", kind: kindBlock, keys: tlsKeys, optional: true, defDoc: "off: plain HTTP", doc: "Serves HTTPS, with HTTP/2, from TLS 1.2 on. The files are looked at every few seconds: a pair that has changed serves whoever connects from then on, and one that is not valid is logged and not taken."},
	{name: "cors", kind: kindBlock, keys: corsKeys, doc: "Which web pages may use the API from a browser. Pages that the server itself serves always may."},
	{name: "auth", kind: kindBlock, keys: authKeys, optional: true, defDoc: "off: nobody is asked, and `ifmatch serve` listens on loopback only", doc: "How callers prove who they are. Where it stands, also as `auth: {}`, every request but those to `/healthz` and `/readyz` needs credentials. What whoever has them may do is said by `access`, and is nothing where that is not there."},
	{name: "access", kind: kindRules, keys: accessKeys, optional: true, defDoc: byDefaultDenied, doc: "Who may do what, in the collections that have no `access` of their own: one expression for everything, as in `access: true`, or one for each action." + aboutRules},
	{name: "api_versions", kind: kindTexts, defDoc: "any", check: checkAPIVersion, doc: "Values that the header `Api-Version` may have, as in `[\"2026-11-01\"]`. A request with another one is refused; one without the header is not. The answer repeats it. What is read and written, and under which tags, does not depend on it."},
	{name: "limits", kind: kindBlock, keys: limitKeys, doc: "What one request may cost. What is larger is refused."},
	{name: "signing", kind: kindBlock, keys: signingKeys, optional: true, defDoc: "keys in `PATH.key` beside `store: sqlite:PATH`, or in `ifmatch.key` in the working folder for a store that servers share, made when the first of them starts; for `memory:` keys that end with it", doc: "The keys that sign entity tags where `token` is `signed`, and that seal the log. The newest signs; what an earlier one has signed stays good for as long as it is in the ring."},
	{name: "idempotency", kind: kindBlock, keys: idempotencyKeys, doc: "What is kept so that a write can be sent again without harm. A write with an `Idempotency-Key` is carried out once."},
	{name: "default", kind: kindBlock, keys: collectionKeys, optional: true, defDoc: "with `collections`, none; else every default", doc: "The rules of every `/v1/{collection}` that `collections` does not name."},
	{name: "collections", kind: kindBlocks, keys: append(nameKeys, collectionKeys...), optional: true, defDoc: "any under `/v1/`", doc: "The collections that are served. Others are not, unless there is a `default`."},
}, later("admin_listen")...)}

var limitKeys = []*key{
	{name: "body", kind: kindSize, def: "1MiB", min: 1, max: 1 << 30, doc: "A request's content."},
	{name: "depth", kind: kindCount, def: "64", min: 1, max: 8192, doc: "Nesting of JSON values."},
	{name: "patch_ops", kind: kindCount, def: "1000", min: 1, max: 1_000_000, doc: "Operations in one JSON Patch."},
	{name: "page", kind: kindCount, def: "1000", min: 1, max: 100_000, doc: "Items on one page of a list."},
	{name: "batch_ops", kind: kindCount, def: "1000", min: 1, max: 100_000, doc: "Operations in one batch. All of a batch is one request, whose content `body` bounds."},
	{name: "tags", kind: kindCount, def: "100", min: 1, max: 100_000, doc: "Entity tags in one condition header."},
	{name: "url", kind: kindSize, def: "8KiB", min: 256, max: 1 << 20, doc: "A request's target: path and query."},
	{name: "header", kind: kindSize, def: "16KiB", min: 8 << 10, max: 2 << 20, doc: "A request's header, its first line and so its URL included. Must be more than `url`."},
	{name: "rate", kind: kindBlock, keys: rateKeys, optional: true, defDoc: "off", doc: "How much one caller may ask for, as in `{burst: 600, per: 1m}`; what is more is refused with 429. A caller is a principal; where nobody is asked who they are it is an address, and with IPv6 a network of 64 bits. `/healthz`, `/readyz` and preflights are free."},
	{name: "connections", kind: kindCount, def: "4096", min: 16, max: 1_000_000, doc: "Connections at once, but no more than the process may have files open, less 128. Whoever comes beyond that is refused with 503, health checks excepted."},
	{name: "reads", kind: kindCount, def: "256", min: 1, max: 1_000_000, doc: "Reads under way at once. As many again may wait for a moment; the rest is refused with 503. Who only waits for a change does not count."},
	{name: "writes", kind: kindCount, def: "64", min: 1, max: 1_000_000, doc: "Writes under way at once, likewise. Who only waits for a lease does not count."},
}

var nameKeys = []*key{
	{name: "name", kind: kindText, required: true, check: checkName, doc: "Names the collection, also in metrics and in the change feed. Matches `" + ifmatch.NameForm + "`."},
	{name: "path", kind: kindText, defDoc: "`/v1/NAME`", check: checkPath, doc: "Path of the collection; a document's is `PATH/ID`. Every segment has the form of a name, or is a `{parameter}`: each of its values has documents, lists and natural keys of its own. It ends with a word. No request may fit the paths of two collections."},
	{name: "singleton", kind: kindBool, def: "false", doc: "The path itself is the one document. There is no list and no POST."},
}

var collectionKeys = slices.Concat([]*key{
	{name: "id", kind: kindBlock, keys: idKeys, doc: "How documents come by their ids. Not for a singleton."},
	{name: "contract", kind: kindBlock, keys: contractKeys, doc: "What the collection promises about tags, preconditions and refusals, and what it adds to bodies. Whatever it says, `?include=meta` shows under `_meta` how the version came to be, as the history has it; a member of that name is never stored."},
	{name: "history", kind: kindChoice, keys: historyKeys, words: []word{{name: historyOff, doc: "keeps none, so that no conflict can be explained"}}, doc: "Which earlier versions are kept."},
	{name: "on_stale", kind: kindBlock, keys: staleKeys, doc: "What happens to a write that is based on an earlier version."},
	{name: "schema", kind: kindSchema, optional: true, defDoc: "none", doc: "JSON Schema 2020-12 that documents keep to: it stands here, or in a file whose name is relative to this one. Formats are asserted; regular expressions have RE2 syntax; a `$ref` stays within the schema. A write that does not fit is refused with 422. What is stored already is not looked at."},
}, mergeKeys, []*key{
	{name: "links", kind: kindBlocks, keys: linkKeys, optional: true, defDoc: "none", doc: "Documents and lists that documents are related to, at most 16. Who reads one with `?include=links` finds them under `_links`, each with its `href` and, where something is there, its current entity tag as `etag`. Such an answer has a weak entity tag over all that it shows; the document's own stands in `Ifmatch-ETag`. `_links` is not stored: where it comes back in content, it is taken out first."},
	indexesKey,
	{name: "access", kind: kindRules, keys: accessKeys, optional: true, defDoc: "that at the top", doc: "Who may do what to documents: one expression for everything, or one for each action. Nothing of what stands at the top holds here then."},
}, contributionKeys, later("redact", "feed", "origin"))

var idKeys = []*key{
	{name: "param", kind: kindText, def: defaultParam, check: checkParam, doc: "Names the id in paths: `orgId` makes `/v1/orgs/{orgId}`. The paths of collections below use the same name."},
	{name: "generate", kind: kindWord, def: string(UUIDv7), words: []word{{name: string(UUIDv7), doc: "a UUID of version 7, which orders by time"}}, doc: "How a POST makes an id where no natural key gives one."},
	{name: "natural_key", kind: kindTexts, defDoc: "none", check: checkPointer, doc: "JSON Pointers to the members that no two documents of a list may share, as in `[/email]`. Each must be a text that is not empty, or a number. A POST makes the id of them."},
}

var preconditionWords = []word{
	{name: "required", doc: "an unconditional write to an existing document is refused with 428"},
	{name: "optional", doc: "writers who ask for nothing overwrite"},
	{name: "tag", doc: "nothing but an entity tag in `If-Match` will do"},
	{name: "observe", doc: "as `optional`, and what such a write overwrites that its sender had not read is counted, and noted in the history: the first step of a roll-out of `required`"},
	{name: "warn", doc: "as `observe`, and the answer tells its sender, in `Ifmatch-Warning`: the second step"},
}

var contractKeys = append([]*key{
	{name: "preset", kind: kindWord, def: "rfc9110", words: []word{
		{name: string(PresetRFC9110), doc: "RFC 9110 to the letter"}, {name: string(PresetVersionBody), doc: "versions in bodies, as many APIs have them: `body_version: always`, `stale_status: 409`, `errors: envelope`"},
	}, doc: "Where the other keys' defaults come from."},
	{name: "token", kind: kindWord, def: "version", words: []word{
		{name: "version", doc: "the number of the version"}, {name: "hash", doc: "a digest of the content"}, {name: "signed", doc: "the number of the version under a signature, which nobody can guess, and which is good for the one document that it was made for; see `signing`"},
	}, doc: "What entity tags are made of."},
	{name: "weak", kind: kindBool, def: "false", doc: "Publishes weak entity tags, `W/\"…\"`."},
	{name: "weak_if_match", kind: kindWord, defDoc: "`accept` where `weak` is true, else `reject`", words: []word{
		{name: "reject", doc: "a weak tag in `If-Match` never matches, as RFC 9110 has it"}, {name: "accept", doc: "it matches like a strong one"},
	}, doc: "For intermediaries that weaken tags on their way."},
	{name: "precondition", kind: kindChoice, def: "required", words: preconditionWords, keys: methodKeys, doc: "What a write to an existing document must bring along; one word for all methods, or one for each."},
	{name: "already_applied", kind: kindWord, def: "reject", words: []word{
		{name: "reject", doc: "it is refused like any other, and told that it is there"}, {name: "accept", doc: "it is answered as a success that changed nothing"},
	}, doc: "A stale write whose result is there already."},
	{name: "idempotency_key", kind: kindWord, def: keyOptional, words: []word{
		{name: keyOptional, doc: "who sends none may write"}, {name: keyRequired, doc: "a write without one is refused with 400; that of a batch is its operations'"},
	}, doc: "Whether writes have to bring an `Idempotency-Key`."},
	{name: "conflict_details", kind: kindWord, def: "full", words: []word{
		{name: string(DetailsFull), doc: "paths and values"}, {name: string(DetailsSummary), doc: "paths only"},
	}, doc: "What a conflict document shows."},
}, dialectKeys...)

// The words of idempotency_key.
const (
	keyOptional = "optional"
	keyRequired = "required"
)

var methodKeys = []*key{
	{name: "put", kind: kindWord, def: "required", words: preconditionWords, doc: "For PUT."},
	{name: "patch", kind: kindWord, def: "required", words: preconditionWords, doc: "For PATCH."},
	{name: "delete", kind: kindWord, def: "required", words: preconditionWords, doc: "For DELETE."},
}

const historyOff = "off"

var historyKeys = []*key{
	{name: "keep", kind: kindCount, def: "100", min: 1, max: math.MaxInt32, doc: "How many versions of a document are kept."},
	{name: "for", kind: kindDuration, def: "90d", doc: "How long a version is kept."},
}

var strategyWords = []word{
	{name: string(ifmatch.StrategyReject), doc: "it is refused, and told what changed"},
	{name: string(ifmatch.StrategyOverwrite), doc: "it wins, and the history says so"},
	{name: string(ifmatch.StrategyMerge), doc: "it is merged with what was stored since it was read, by `fields`, `together` and `detect`; where that leaves a conflict it is refused, and told of it. `history` must keep 2 versions or more"},
	{name: string(ifmatch.StrategyPark), doc: "as `merge`, but what leaves a conflict is kept under the document's `_conflicts`, up to 100 of them, until somebody decides (who asked for that is answered 202, everybody else is refused and told where it is). `history` must keep 2 versions or more"},
}

var staleKeys = []*key{
	{name: "default", kind: kindWord, def: string(ifmatch.StrategyReject), words: strategyWords, doc: "Where the caller asks for nothing."},
	{name: "allow", kind: kindWords, defDoc: "`reject` and `default`", words: strategyWords, doc: "What a caller may ask for with `Prefer: conflict=…`."},
	overwriteKey,
}
