package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

const (
	// beatEvery is how often a stream gives a sign of life.
	beatEvery = 15 * time.Second
	// stalledAfter is how long a follower may leave an event unread, beyond what the
	// network holds, before it is dropped.
	stalledAfter = 10 * time.Second
	// streamPage is how many changes are read for a stream at once, and
	// streamDocuments how many with their documents, which may be large.
	streamPage, streamDocuments = 100, 8
	// reconnect is how long clients are told to wait before they come back.
	reconnect = "retry: 1000\n\n"
)

// stream answers with changes as server-sent events (HTML standard §9.2), those
// given first, until the client goes away, takes nothing any more, its token expires, or
// the server is about to end. Each event has the cursor to go on with as its id.
func (f *feed) stream(w http.ResponseWriter, changes []change) {
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-store"}
	if f.request.ProtoMajor == 1 { // over HTTP/2 it would end the other streams of the connection
		h["Connection"] = []string{"close"}
	}
	h["X-Accel-Buffering"] = []string{"no"} // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if f.request.Method == http.MethodHead {
		return
	}
	unlimited(w)
	if err := f.follow(w, changes); err != nil {
		f.server.streamFailed(f.request, err)
	}
}

// follow writes a stream. It returns what reading has failed with; that writing has
// failed is the client's business.
func (f *feed) follow(w http.ResponseWriter, changes []change) error {
	s := f.server
	ctx, cancel := untilExpiry(f.request)
	defer cancel()
	out := &events{ResponseWriter: w, stalled: s.stalledAfter}
	beat := time.NewTimer(s.beatEvery)
	defer beat.Stop()
	event := []byte(reconnect)
	for {
		if out.flush(event) != nil {
			return nil
		}
		told := f.cursor().String()
		for i := range changes {
			var err error
			if event, err = f.event(event[:0], &changes[i]); err != nil || out.write(event) != nil {
				return err
			}
		}
		if len(changes) > 0 && out.flush(nil) != nil {
			return nil
		}
		beat.Reset(s.beatEvery)
		var err error
		changes, err = f.next(ctx, beat.C)
		select {
		case <-ctx.Done():
			return nil
		case <-s.draining:
			return nil
		default:
		}
		if err != nil {
			return err
		}
		event = event[:0]
		if len(changes) == 0 {
			event = append(event, ":\n"...)
			if now := f.cursor().String(); now != told {
				event = append(append(event, "id: "...), now...)
				event = append(event, '\n')
			}
			event = append(event, '\n')
		}
	}
}

// event appends a change as an event. Its id is the cursor behind it.
func (f *feed) event(dst []byte, c *change) ([]byte, error) {
	item, err := f.append(nil, c)
	if err != nil {
		return nil, err
	}
	f.passed = f.passed.With(c.Lane, c.Position)
	at := f.cursor()
	at.at.Mark = f.passed
	dst = append(append(dst, "id: "...), at.String()...)
	dst = append(dst, "\nevent: change\ndata: "...)
	return append(append(dst, item...), "\n\n"...), nil // what is stored was printed in one line
}

// events writes to a client that has to keep up.
type events struct {
	http.ResponseWriter
	stalled time.Duration
}

// write leaves the deadline in force, for flush.
func (e *events) write(event []byte) error {
	if err := http.NewResponseController(e.ResponseWriter).SetWriteDeadline(time.Now().Add(e.stalled)); err != nil {
		return err
	}
	_, err := e.Write(event)
	return err
}

func (e *events) flush(event []byte) error {
	if err := e.write(event); err != nil {
		return err
	}
	control := http.NewResponseController(e.ResponseWriter)
	if err := control.Flush(); err != nil {
		return err
	}
	// Over HTTP/2 a deadline that passes ends the stream, whether anything is to be
	// written then or not.
	return control.SetWriteDeadline(time.Time{})
}

// unlimited lets an answer take longer than a request may: the server's bound on
// reading would end it.
func unlimited(w http.ResponseWriter) {
	// A writer that has no deadlines has none that could end it.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}

func (s *Server) streamFailed(r *http.Request, err error) {
	if s.door.Log != nil {
		s.door.Log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelError, "a stream of changes ended", slog.String("path", r.URL.EscapedPath()), slog.Any("cause", err))
	}
}

// Drain ends every stream, and answers every request that waits for a change, now
// and from now on, so that a server that shuts down need not wait for them. Their
// clients go on elsewhere with the cursors that they have. It may be called again.
func (s *Server) Drain() { s.drain.Do(func() { close(s.draining) }) }
