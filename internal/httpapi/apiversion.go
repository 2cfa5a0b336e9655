package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// maxAPIVersion bounds what is echoed of Api-Version, in bytes.
const maxAPIVersion = 128

// apiVersion repeats a request's Api-Version in the answer, and refuses one that is not
// served. What it says has no part in what is read or written, nor in any tag.
func (s *Server) apiVersion(w http.ResponseWriter, r *http.Request, path string) (refused bool) {
	lines := r.Header["Api-Version"]
	if lines == nil {
		return false
	}
	asked := strings.Join(lines, ", ") // several are none that could be served
	if len(s.versions) > 0 && !slices.Contains(s.versions, asked) {
		s.door.Problem(w, r, &problem.Document{Code: problem.UnsupportedVersion, Resource: path, Action: r.Method, Allowed: s.versions,
			Detail: "Api-Version is " + strconv.Quote(shorten(asked)) + ", and this API is served as " + strings.Join(s.versions, ", ") + ". Send one of these, or leave the header out. Nothing was done."})
		return true
	}
	if len(asked) <= maxAPIVersion {
		w.Header()["Api-Version"] = []string{asked}
	}
	return false
}
