package load

// Kind is what the requests of a run do.
type Kind int

// The kinds of request. Each names the one status that counts as success; any
// other ends the run with an error, since a fast refusal is not throughput.
const (
	Create        Kind = iota // PUT with If-None-Match: *, each document once; 201
	CreateFields              // the same with documents that have a member for each writer; 201
	Replace                   // PUT with the tag last seen in If-Match; 200
	ReplaceInBody             // PUT with the version in the tag last seen as a member "version"; 200
	Read                      // GET; 200
	Unchanged                 // GET with the tag last seen in If-None-Match; 304

	// The rest change with a merge patch the one member that is the client's own,
	// of documents made by CreateFields.

	Patch       // of documents of its own, with the tag last seen in If-Match; 200
	PatchShared // all of document 0, each with the tag of its own last answer in If-Match; 200
	// PatchRetry is of document 0 too: GET, then the patch with the tag of that in
	// If-Match, both again at once while the patch is refused with 412; 200.
	PatchRetry

	numKinds
)

var forms = [numKinds]struct {
	method string
	status int
}{
	Create: {"PUT ", 201}, CreateFields: {"PUT ", 201}, Replace: {"PUT ", 200}, ReplaceInBody: {"PUT ", 200},
	Read: {"GET ", 200}, Unchanged: {"GET ", 304},
	Patch: {"PATCH ", 200}, PatchShared: {"PATCH ", 200}, PatchRetry: {"PATCH ", 200},
}

func (k Kind) creates() bool { return k == Create || k == CreateFields }

func (k Kind) writes() bool { return k != Read && k != Unchanged }

func (k Kind) patches() bool { return k == Patch || k.shares() }

// shares tells whether all clients write document 0.
func (k Kind) shares() bool { return k == PatchShared || k == PatchRetry }
