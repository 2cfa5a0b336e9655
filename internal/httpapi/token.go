package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/problem"
)

// identityKey finds the identity of a token in the context of its request. A token
// is verified once: what becomes of the request afterwards, which may wait, is done
// by who made it.
type identityKey struct{}

// identityOf returns whose token a request has brought, nil where it was none.
func identityOf(r *http.Request) *bearer.Identity {
	id, _ := r.Context().Value(identityKey{}).(*bearer.Identity)
	return id
}

// token returns what a request brings that only a verifier of tokens can judge, ""
// for nothing. What is a key is none, whatever it looks like.
func (a *Auth) token(r *http.Request) string {
	if a.Tokens == nil {
		return ""
	}
	credential, denied := a.credential(r)
	if denied != nil || !bearer.IsShaped(credential) || a.Keys.Find(credential) != nil {
		return ""
	}
	return credential
}

// retryToken is how long callers are told to wait whose token cannot be judged.
const retryToken = 5 * time.Second

const notJudged = "The server cannot tell now whether your token is valid: it does not get the keys of its issuer. Nothing was done. Keep the token, wait as long as Retry-After says, then try again."

// admitToken is admit for a request that brings a token. Why one is refused stands
// in the log alone: who makes tokens up would learn from it.
func (s *Server) admitToken(w http.ResponseWriter, r *http.Request, path, token string) (*http.Request, bool) {
	id, err := s.auth.Tokens.Verify(r.Context(), token)
	if err == nil {
		return r.WithContext(context.WithValue(r.Context(), identityKey{}, id)), true
	}
	correlation := door.Correlation(r)
	if s.door.Log != nil {
		s.door.Log.LogAttrs(r.Context(), slog.LevelInfo, "a token was refused",
			slog.String("correlationId", correlation), slog.String("method", r.Method), slog.String("path", path), slog.Any("cause", err))
	}
	if errors.Is(err, bearer.ErrUnavailable) {
		s.door.Problem(w, r, &problem.Document{Code: problem.Overloaded, Detail: notJudged, RetryAfter: retryToken, Resource: path, Action: r.Method, CorrelationID: correlation})
		return nil, false
	}
	s.refuse(w, r, path, badToken, correlation)
	return nil, false
}

// untilExpired returns how long a request's credentials are valid from now on.
func untilExpired(r *http.Request) time.Duration {
	if id := identityOf(r); id != nil {
		return time.Until(id.Expires)
	}
	return math.MaxInt64
}

// untilExpiry returns the context of a request, which ends with its credentials.
func untilExpiry(r *http.Request) (context.Context, context.CancelFunc) {
	if id := identityOf(r); id != nil {
		return context.WithDeadline(r.Context(), id.Expires)
	}
	return context.WithCancel(r.Context())
}
