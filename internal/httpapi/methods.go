package httpapi

import (
	"maps"
	"net/http"
	"slices"

	"github.com/ifmatch/ifmatch/internal/door"
)

// methods are what a resource that is about no collection does for each method. GET does for HEAD too, and OPTIONS
// is answered from what there is.
type methods map[string]http.HandlerFunc

// allow returns all that a resource answers, in order.
func (m methods) allow() []string {
	all := append(slices.Collect(maps.Keys(m)), http.MethodOptions)
	if m[http.MethodGet] != nil {
		all = append(all, http.MethodHead)
	}
	slices.Sort(all)
	return all
}

// serveMethod answers a request by its method.
func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request, m methods) {
	asked := r.Method
	if asked == http.MethodHead {
		asked = http.MethodGet
	}
	switch do := m[asked]; {
	case do != nil:
		do(w, r)
	case asked == http.MethodOptions:
		door.Options(w, m.allow(), false)
	default:
		s.door.MethodNotAllowed(w, r, m.allow())
	}
}
