// Package policy reads the policy file: one YAML file that says which
// collections are served and what each of them promises.
//
//	p, err := policy.Load("ifmatch.yaml")
//
// A key that is unknown, misplaced or not supported by this version is an
// error, never ignored, and all errors of a file are reported at once, each
// with file, line and column. See docs/reference/policy.md for the keys.
package policy

import (
	"fmt"
	"os"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/merge"
)

// Policy is a policy file with every default filled in. It is plain data: safe
// for concurrent use while nobody changes it.
type Policy struct {
	// Listen is the address to serve on, host:port.
	Listen string
	// Store says where documents are kept: memory:, sqlite:PATH,
	// postgres://HOST/DATABASE or etcd://HOST,…/PREFIX.
	Store string
	// TLS says which certificate is served; nil serves plain HTTP.
	TLS  *TLS
	CORS CORS
	// APIVersions are the values that Api-Version may have; none lets it have any.
	APIVersions []string
	// Auth says how callers prove who they are; nil asks nobody.
	Auth        *Auth
	Limits      Limits
	Signing     Signing
	Idempotency Idempotency
	// Default holds the rules of every collection under /v1/ that Collections
	// does not name; nil serves no others. Its Name and Path are "".
	Default *Collection
	// Collections are in the order of the file. Names and paths are unique.
	Collections []Collection
}

// Limits bound what one request may cost, and all of them together. No number is 0.
type Limits struct {
	Body     int64 // bytes of a request's content
	Depth    int   // nesting of JSON values
	PatchOps int   // operations in one JSON Patch
	Page     int   // items on one page of a list
	BatchOps int   // operations in one batch
	Tags     int   // entity tags in one condition header
	URL      int64 // bytes of a request's target
	Header   int64 // bytes of a request's header, its first line included; more than URL
	// Rate bounds how much each caller may ask for; nil does not.
	Rate *Rate

	Connections   int // at once
	Reads, Writes int // under way at once
}

// Collection is what one collection promises.
type Collection struct {
	// Name stands in metrics and in the change feed.
	Name string
	// Path is that of the collection; a document's is Path/ID. Each segment is a
	// word that needs no percent-encoding, or a {parameter}; the last is a word.
	Path string
	// Singleton makes Path the one document itself.
	Singleton bool
	ID        ID // zero for a singleton
	Contract  Contract
	History   History
	// OnStale is complete: Allow holds StrategyReject and Default too.
	OnStale ifmatch.OnStale
	// Schema is what documents keep to, nil for nothing.
	Schema *Schema
	// Merge says how two changes of a document are merged, and which of its fields
	// are immutable. merge.Compile takes it. Fields and groups are in the order of
	// the file.
	Merge merge.Rules
	// MayResolve has for each of the fields of Merge the expression that says who may
	// settle a conflict over it, "" for whoever may by the field around it; nil where
	// no field has one. The server asks them; package guard parks nothing, and has
	// MayOverwrite for what they say about overwriting.
	MayResolve []string
	// Read has for each of the fields of Merge the expression that says who sees it, ""
	// for whoever sees the field around it; nil where no field has one. The server asks
	// them; package guard has Hide and MayRead.
	Read []string
	// Contributions say how documents are materialised from what several sources say
	// about them; nil takes none.
	Contributions *Contributions
	// Indexes are in the order of the file. No two have one name in queries.
	Indexes []Index
	// Links are in the order of the file, 16 at most. Their relations are unique.
	Links []Link
	// Access says who may do what. The server asks it; package guard leaves that to the
	// service that it stands in.
	Access Access
}

// Contract is what a collection promises about tags, preconditions and refusals.
type Contract struct {
	// Preset is what the other fields started from.
	Preset Preset
	// Its Signer is for whoever opens the key ring to set.
	ifmatch.Contract
	ifmatch.Dialect
	ConflictDetails Details
	// KeyRequired tells that every write has to bring an Idempotency-Key. The server
	// asks for it; package guard has nothing to keep answers with.
	KeyRequired bool
}

// Preset names a set of defaults for a contract.
type Preset string

// The presets.
const (
	// PresetRFC9110 is RFC 9110 to the letter, with preconditions required.
	PresetRFC9110 Preset = "rfc9110"
	// PresetVersionBody has the version in every body, and answers stale writes
	// with 409 and an envelope.
	PresetVersionBody Preset = "version-body"
)

// Details says what a conflict document shows.
type Details string

// The details.
const (
	DetailsFull    Details = "full"    // paths and values
	DetailsSummary Details = "summary" // paths only
)

// History says which versions of a document are kept.
type History struct {
	// Off keeps none but the current one. Keep and For are 0 then.
	Off  bool
	Keep int           // how many versions, at least 1
	For  time.Duration // how long, more than 0
}

// Default returns the policy of an empty file: any collection under /v1/, with
// every default.
func Default() *Policy {
	p, err := Parse("default policy", nil)
	if err != nil {
		panic(fmt.Sprintf("policy: the defaults are not valid: %v", err))
	}
	return p
}

// Load reads the policy file at path. It fails with [Errors] where the file can
// be read but is not a valid policy.
func Load(path string) (*Policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the policy file: %w", err)
	}
	return Parse(path, data)
}

// maxFile bounds the size of a policy file, so that the parser's recursion is
// bounded too.
const maxFile = 1 << 20

// Parse reads a policy file's content; name stands for the file in errors, and
// the files that it names are relative to the folder of it. It fails with
// [Errors]. An empty file is the policy of [Default].
func Parse(name string, data []byte) (*Policy, error) {
	d := &decoder{file: name}
	root := d.parse(data)
	if len(d.errs) == 0 {
		v := d.block(root, &rootKey, "", position{1, 1})
		p := d.policy(v)
		if len(d.errs) == 0 {
			return p, nil
		}
	}
	return nil, d.errs.sorted()
}
