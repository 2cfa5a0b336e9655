package httpapi

import (
	"net/http"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// envelopes tells whether any collection words its refusals as envelopes.
func (c *Config) envelopes() bool {
	if c.Default != nil && c.DefaultDialect.Envelope {
		return true
	}
	for i := range c.Collections {
		if c.Collections[i].Dialect.Envelope {
			return true
		}
	}
	return false
}

// dialect finds the form of a request's refusals by its path, so that whatever
// refuses it, and however early, speaks as the collection does. Of a path that
// nothing has, what it lies below decides.
func (s *Server) dialect(r *http.Request) problem.Dialect {
	for path := rawPath(r); path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		if route, ok := s.router.match(path); ok && route.dialect.Envelope {
			return problem.Envelope
		} else if ok || path[0] != '/' {
			break
		}
	}
	return problem.ProblemJSON
}
