package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// batchForm is the content of a request for a batch.
type batchForm struct {
	operations []operation
	atomic     bool
}

// operation is one of them.
type operation struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte // JSON, nil for none
}

// formError says what is wrong with the form of a batch: with an operation of that
// index, or with -1 as a whole.
type formError struct {
	index  int
	detail string
}

// formDepth is how much deeper than a document of its own the body of an operation lies.
const formDepth = 3

const formOfBatch = `A batch is {"operations": [{"method": "PUT", "path": "/v1/notes/1", "headers": {"If-Match": "\"5\""}, "body": {…}}], "atomic": true}`

// parseBatch reads the content of a request for a batch.
func (s *Server) parseBatch(body []byte) (batchForm, *formError) {
	whole := func(detail string) (batchForm, *formError) {
		return batchForm{}, &formError{-1, detail + " Nothing was done."}
	}
	v, err := jsonvalue.Parse(body, jsonvalue.Limits{Depth: s.door.Engine.Limits().Depth + formDepth})
	if err != nil {
		return whole("The content cannot be read: " + err.Error() + ". Correct it and send it again.")
	}
	if v.Kind() != jsonvalue.KindObject {
		return whole(formOfBatch + ".")
	}
	for _, m := range v.Members() {
		if m.Name != "operations" && m.Name != "atomic" {
			return whole("A batch has no member " + strconv.Quote(shorten(m.Name)) + ". " + formOfBatch + ".")
		}
	}
	list, atomic := v.Lookup("operations"), v.Lookup("atomic")
	switch {
	case list.Kind() != jsonvalue.KindArray || list.Len() == 0:
		return whole("The operations of a batch are an array of at least one. " + formOfBatch + ".")
	case list.Len() > s.maxBatch:
		return whole("A batch has at most " + strconv.Itoa(s.maxBatch) + " operations, and this one has " + strconv.Itoa(list.Len()) + ". Send several, each with a part of them.")
	case atomic.Kind() != jsonvalue.KindBool:
		return whole("Say whether all operations are carried out or none, with \"atomic\": true, or each by itself, with \"atomic\": false.")
	}
	form := batchForm{atomic: atomic.IsTrue(), operations: make([]operation, list.Len())}
	for i, entry := range list.Elems() {
		wrong := form.operations[i].read(entry, form.atomic)
		if wrong != "" {
			return batchForm{}, &formError{i, opName(i) + " " + wrong + " Nothing was done."}
		}
	}
	return form, nil
}

// opName names an operation, counted from 0 as failedIndex does.
func opName(index int) string { return "Operation " + strconv.Itoa(index) }

// read reads an operation, and says what is wrong with it.
func (op *operation) read(v jsonvalue.Value, atomic bool) (wrong string) {
	if v.Kind() != jsonvalue.KindObject {
		return "is no object. " + formOfBatch + "."
	}
	for _, m := range v.Members() {
		switch m.Name {
		case "method":
			op.method = m.Value.Text()
		case "path", "headers":
		case "body":
			op.body = m.Value.Append(nil)
		default:
			return "has a member " + strconv.Quote(shorten(m.Name)) + ". It may have method, path, headers and body."
		}
	}
	if wrong = op.checkMethod(v.Lookup("method"), atomic); wrong != "" {
		return wrong
	}
	if wrong = op.readPath(v.Lookup("path")); wrong != "" {
		return wrong
	}
	return op.readHeader(v.Lookup("headers"))
}

// checkMethod says what is wrong with a method. GET has none: what a batch reads would
// be of no one moment, and what one depends on is checked.
func (op *operation) checkMethod(v jsonvalue.Value, atomic bool) (wrong string) {
	bare := op.method == "DELETE" || op.method == door.MethodCheck
	switch {
	case v.Kind() != jsonvalue.KindString || !slices.Contains([]string{"PUT", "PATCH", "DELETE", "POST", door.MethodCheck}, op.method):
		return "has no method that a batch knows: PUT, PATCH, DELETE, POST, or CHECK for a document that must not change. Names are in upper case."
	case op.method == door.MethodCheck && !atomic:
		return "is a CHECK, which holds until the commit of all operations. There is no such commit where atomic is false."
	case bare && op.body != nil:
		return "is a " + op.method + ", which has no body."
	case !bare && op.body == nil:
		return "is a " + op.method + " without a body."
	}
	return ""
}

func (op *operation) readPath(v jsonvalue.Value) (wrong string) {
	text := v.Text()
	if v.Kind() != jsonvalue.KindString || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.Contains(text, "#") {
		return "has no path. It is that of a request of its own, such as /v1/notes/1, without scheme and host."
	}
	var err error
	if op.url, err = url.ParseRequestURI(text); err != nil {
		return "has a path that is none of a request. Escape it as in a URL."
	}
	if values, err := url.ParseQuery(op.url.RawQuery); err == nil && values.Has("dryRun") {
		return "asks for a dry run. All of a batch is one, or nothing: send the batch to " + batchPath + "?dryRun=true."
	}
	return ""
}

// headersOfOperations are what an operation may say for itself. All else is that of the
// request that carries the batch.
var headersOfOperations = []string{"Content-Type", "If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "Ifmatch-Lease", "Prefer"}

func (op *operation) readHeader(v jsonvalue.Value) (wrong string) {
	op.header = make(http.Header)
	if v.Kind() != jsonvalue.KindObject && !v.IsAbsent() {
		return `has headers that are no object. Write them as {"If-Match": "\"5\""}.`
	}
	for _, m := range v.Members() {
		name := http.CanonicalHeaderKey(m.Name)
		switch {
		case name == "Idempotency-Key":
			return "has an Idempotency-Key. A batch has one for all of it: send it as a header of the request."
		case !slices.Contains(headersOfOperations, name):
			return "has a header " + strconv.Quote(shorten(m.Name)) + ", which is not one operation's to say. It may have " + strings.Join(headersOfOperations, ", ") + "."
		case op.header[name] != nil:
			return "has the header " + name + " twice. Write one, with its values separated by commas."
		case m.Value.Kind() != jsonvalue.KindString || !isFieldValue(m.Value.Text()):
			return "has a header " + name + " that is no text as a header has it."
		}
		op.header[name] = []string{strings.Trim(m.Value.Text(), " \t")}
	}
	if op.method == door.MethodCheck {
		return op.checkCheck()
	}
	if op.body != nil && op.header["Content-Type"] == nil {
		op.header["Content-Type"] = []string{"application/json"}
	}
	return ""
}

// checkCheck says what is wrong with the headers of a CHECK.
func (op *operation) checkCheck() (wrong string) {
	match, none := op.header["If-Match"] != nil, op.header["If-None-Match"]
	if len(op.header) == 1 && (match || len(none) == 1 && none[0] == "*") {
		return ""
	}
	return `is a CHECK, and has to say of what: with one header, either If-Match or "If-None-Match": "*".`
}

// isFieldValue tells whether a text can be the value of a header field (RFC 9110 §5.5).
func isFieldValue(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
