package httpapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/internal/door"
)

// leaseName is the reserved name of the lease on a document.
const leaseName = "_lease"

// lease serves the lease on the document of t. Nobody can read it: who holds it was
// told when they got it.
func (s *Server) lease(w http.ResponseWriter, r *http.Request, t door.Target, _ *route) {
	s.door.ServeLease(w, r, t)
}
