package door

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// lease reads the lease under which a document is to be written, "" for none.
func lease(r *http.Request, t Target) (string, *problem.Document) {
	lines := r.Header["Ifmatch-Lease"]
	if len(lines) == 0 {
		return "", nil
	}
	id, wrong := parseKey(lines)
	if wrong != "" {
		return "", malformed(r, t, "Ifmatch-Lease cannot be read: "+wrong+". It is the lease that the answer to POST _lease showed. Nothing was done.")
	}
	return id, nil
}

// ServeLease answers POST, PUT and DELETE of the lease on the document of t, which has
// its Item: to take one, to renew it, and to give it back. The request's conditions
// are about the document.
func (d *Door) ServeLease(w http.ResponseWriter, r *http.Request, t Target) {
	in, wish, bad := d.decode(w, r, t)
	if bad == nil {
		bad = leaseOperation(r, t, in)
	}
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	d.carryOut(w, r, t, in, d.Engine.Do, func(h http.Header, out *engine.Outcome) (int, []byte) {
		announceBeside(h, t, in, out)
		if out.Waited {
			h["Preference-Applied"] = []string{wish.waited()}
		}
		if out.Lease == nil {
			return http.StatusNoContent, nil
		}
		body := leaseBody(out.Lease)
		setBody(h, typeJSON, len(body))
		if in.Op == engine.OpRenew {
			return http.StatusOK, body
		}
		return http.StatusCreated, body
	})
}

// leaseOperation tells from the method what is to be done about the lease.
func leaseOperation(r *http.Request, t Target, in *engine.Intent) *problem.Document {
	switch r.Method {
	case http.MethodPost:
		if in.Op = engine.OpLease; in.Lease != "" {
			return malformed(r, t, "POST takes a new lease, so that Ifmatch-Lease has no meaning here. To renew the one that you hold, PUT it. Nothing was done.")
		}
		return nil
	case http.MethodPut:
		in.Op = engine.OpRenew
	default:
		in.Op = engine.OpRelease
	}
	if in.Lease == "" {
		return malformed(r, t, "Say which lease is meant: send Ifmatch-Lease, with the lease that the answer to POST showed. Nothing was done.")
	}
	return nil
}

func leaseBody(l *engine.Lease) []byte {
	return jsonvalue.NewWriter(nil).Open('{').NonEmpty("lease", l.ID).Name("fencing").Int(l.Fence).Name("expiresAt").Time(l.Expires).Close('}').Bytes()
}

// maxWait is [engine.MaxWait] in seconds, as Prefer counts them.
const maxWait = int64(engine.MaxWait / time.Second)

// patience returns how long a preference lets a request wait.
func (p *preferences) patience() time.Duration {
	return time.Duration(min(p.wait, maxWait)) * time.Second
}

// waited names the preference in an answer that was waited for.
func (p *preferences) waited() string { return "wait=" + strconv.FormatInt(min(p.wait, maxWait), 10) }
