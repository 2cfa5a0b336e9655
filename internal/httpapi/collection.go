package httpapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/problem"
)

func (s *Server) malformed(w http.ResponseWriter, r *http.Request, t door.Target, detail string) {
	s.door.Problem(w, r, &problem.Document{Code: problem.Malformed, Detail: detail, Resource: t.Path, Action: r.Method})
}
