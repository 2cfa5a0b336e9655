package httpapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/problem"
)

var collectionMethods = []string{"GET", "HEAD", "OPTIONS", "POST"}

func (s *Server) collection(w http.ResponseWriter, r *http.Request, t door.Target) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.list(w, r, t)
	case http.MethodPost:
		s.create(w, r, t)
	case http.MethodOptions:
		door.Options(w, collectionMethods, false)
	default:
		s.door.MethodNotAllowed(w, r, collectionMethods)
	}
}

func (s *Server) malformed(w http.ResponseWriter, r *http.Request, t door.Target, detail string) {
	s.door.Problem(w, r, &problem.Document{Code: problem.Malformed, Detail: detail, Resource: t.Path, Action: r.Method})
}
