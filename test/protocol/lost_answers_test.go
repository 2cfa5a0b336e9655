package protocol_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/merge"
)

// lossy is a proxy before a server that loses some answers: the server has carried
// the request out, and the connection breaks before all of the answer has come.
type lossy struct {
	to   string
	mu   sync.Mutex
	rng  *rand.Rand
	lost atomic.Int64
}

// oneIn is how many answers there are to one that is lost.
const oneIn = 10

// lose decides about one answer, and how much of it is sent all the same.
func (p *lossy) lose(size int) (sent int, lose bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(size), p.rng.IntN(oneIn) == 0
}

// ServeHTTP implements http.Handler.
func (p *lossy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", p.to, ""
	res, err := transport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	wire := fmt.Appendf(nil, "HTTP/1.1 %s\r\n", res.Status)
	for name, lines := range res.Header {
		for _, line := range lines {
			wire = fmt.Appendf(wire, "%s: %s\r\n", name, line)
		}
	}
	wire = append(append(wire, "Connection: close\r\n\r\n"...), body...)
	if sent, lose := p.lose(len(wire)); lose {
		p.lost.Add(1)
		wire = wire[:sent]
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	_, _ = conn.Write(wire) // an error is one more lost answer
}

// worker does things to one document that count twice if they are done twice.
type worker struct {
	*api
	path     string
	name     string
	tag      string
	n        int64
	replayed *atomic.Int64
}

// patiently sends a request under a key until it is answered.
func (w *worker) patiently(method, body string, headers ...string) answer {
	headers = append(headers, "Idempotency-Key", uuid.NewString())
	for {
		got, err := w.send(method, w.path, body, headers...)
		if err != nil || got.status == 409 || got.status == 503 { // not answered, still running, or too many at once
			continue
		}
		if got.header.Get("Idempotent-Replayed") == "true" {
			w.replayed.Add(1)
		}
		return got
	}
}

// countedState is what the document holds.
type countedState struct {
	N   int64
	Log []string
}

// adopt takes what was answered for what the worker has read.
func (w *worker) adopt(got answer) error {
	var s countedState
	if err := json.Unmarshal([]byte(got.body), &s); err != nil {
		return fmt.Errorf("%d %s: %w", got.status, got.body, err)
	}
	w.n = s.N
	if w.tag = got.header.Get("ETag"); w.tag == "" {
		w.tag = got.header.Get("Ifmatch-ETag")
	}
	return nil
}

// count does one thing: it counts, and appends who did.
func (w *worker) count(i int) error {
	body := fmt.Sprintf(`[{"op":"replace","path":"/n","value":%d},{"op":"add","path":"/log/-","value":"%s-%d"}]`, w.n+1, w.name, i)
	got := w.patiently("PATCH", body, "If-Match", w.tag, "Content-Type", jsonPatch)
	if got.status != 200 {
		return fmt.Errorf("%s-%d: %d %s", w.name, i, got.status, got.body)
	}
	return w.adopt(got)
}

// TestLostAnswers: of many clients that count and append under keys, through a
// network that loses one answer in ten, each does everything once, however often it
// has to ask.
func TestLostAnswers(t *testing.T) {
	rules := merging(t, merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}, {Path: "/log", Type: merge.Append}}})
	each := max(scaled(12), 8)
	if long() {
		each = 100
	}
	onEveryStoreAlone(t, setup{rules: rules}, func(t *testing.T, a *api) { a.losingAnswers(32, each) })
}

// losingAnswers has the clients work through a proxy that loses answers.
func (a *api) losingAnswers(clients, each int) {
	seed := uint64(time.Now().UnixNano())
	a.t.Logf("seed %d", seed)
	p := &lossy{to: a.url[len("http://"):], rng: rand.New(rand.NewPCG(seed, 0))}
	front := httptest.NewServer(p)
	defer front.Close()
	direct := *a
	first := a.must(201, "PUT", item, `{"n":0,"log":[]}`)
	a.url, a.direct = front.URL, front.URL
	var replayed atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		w := &worker{api: a, path: item, name: fmt.Sprint(c), replayed: &replayed}
		all.Go(func() {
			if err := w.adopt(first); err != nil {
				a.t.Error(err)
			}
			for i := range each {
				if err := w.count(i); err != nil {
					a.t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if p.lost.Load() == 0 || replayed.Load() == 0 {
		a.t.Errorf("%d answers were lost and %d replayed: nothing was tested", p.lost.Load(), replayed.Load())
	}
	direct.countedOnce(clients, each)
	a.t.Logf("%d writes, %d answers lost, %d replayed", clients*each, p.lost.Load(), replayed.Load())
}

// countedOnce: the number is how often it was counted, and everybody's entries are
// there, each once.
func (a *api) countedOnce(clients, each int) {
	a.t.Helper()
	var is countedState
	if err := json.Unmarshal([]byte(a.must(200, "GET", item, "").body), &is); err != nil {
		a.t.Fatal(err)
	}
	var want []string
	for c := range clients {
		for i := range each {
			want = append(want, fmt.Sprintf("%d-%d", c, i))
		}
	}
	slices.Sort(want)
	slices.Sort(is.Log)
	if is.N != int64(clients*each) || !slices.Equal(is.Log, want) {
		a.t.Errorf("counted %d, %d entries; want %d of each, once", is.N, len(is.Log), clients*each)
	}
	if newest := a.newest(item); newest.Version != int64(clients*each)+1 {
		a.t.Errorf("it stands at version %d after %d writes", newest.Version, clients*each)
	}
	a.verify()
}
