package httpapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// streaming is a server whose streams can be watched from within.
type streaming struct {
	*testing.T
	server *Server
	url    string
	ended  chan string // the paths of requests that were answered
}

func serveStreams(t *testing.T) *streaming {
	t.Helper()
	s := &streaming{T: t, ended: make(chan string, 100)}
	s.server = New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{Limits: engine.Limits{Body: 2 << 20}})}, Default: &engine.Rules{}})
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.server.ServeHTTP(w, r)
		if r.Method == http.MethodGet {
			s.ended <- r.URL.Path
		}
	}))
	t.Cleanup(listening.Close)
	t.Cleanup(s.server.Drain)
	s.url = listening.URL
	return s
}

func (s *streaming) put(path, body string) {
	s.Helper()
	r, err := http.NewRequest(http.MethodPut, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		s.Fatalf("PUT %s: %s", path, res.Status)
	}
}

// get asks for a feed. Headers come in pairs.
func (s *streaming) get(path string, header ...string) io.Reader {
	s.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { res.Body.Close() })
	return res.Body
}

const eventStream = "text/event-stream"

// TestStreamBeats: a stream that nothing comes on gives signs of life, with the cursor
// once that has moved, and clients are told when to come back.
func TestStreamBeats(t *testing.T) {
	s := serveStreams(t)
	s.server.beatEvery = time.Millisecond
	s.put("/v1/notes/1", `{}`)
	lines := bufio.NewScanner(s.get("/v1/notes/_changes?since=now", "Accept", eventStream))
	if !lines.Scan() || lines.Text() != "retry: 1000" {
		t.Fatalf("a stream begins with %q", lines.Text())
	}
	for lines.Scan() && lines.Text() != ":" {
	}
	s.put("/v1/others/1", `{}`)
	id := ""
	for id == "" && lines.Scan() {
		id, _ = strings.CutPrefix(lines.Text(), "id: ")
		if strings.HasPrefix(lines.Text(), "data") {
			t.Fatalf("a change of others: %q", lines.Text())
		}
		if !strings.HasPrefix(lines.Text(), "id: ") {
			id = ""
		}
	}
	if c, ok := decodeFeedCursor(id); !ok || c.at.Mark.At(0) != 2 {
		t.Errorf("the cursor moves to %q, %+v", id, c)
	}
}

// TestSlowFollower: who does not read is dropped, and goes on behind what they have got.
func TestSlowFollower(t *testing.T) {
	s := serveStreams(t)
	s.server.stalledAfter = 20 * time.Millisecond
	const documents = 30 // of a MiB: more than the network holds
	large := strings.Repeat("x", 1<<20)
	for i := range documents {
		s.put(fmt.Sprintf("/v1/notes/%d", i), `{"n":"`+large+`"}`)
	}
	stream := s.get("/v1/notes/_changes?include=data", "Accept", eventStream)
	<-s.ended
	seen, last := s.read(stream)
	if len(seen) == documents {
		t.Fatal("all of it has been held for who did not read")
	}
	for rounds := 0; len(seen) < documents && rounds < documents; rounds++ {
		page := s.get("/v1/notes/_changes?limit=7&since="+last, "Accept", "application/json")
		var got struct {
			Items []struct{ ID string }
			Next  string
		}
		if err := json.NewDecoder(page).Decode(&got); err != nil {
			t.Fatal(err)
		}
		<-s.ended
		for _, item := range got.Items {
			seen = append(seen, item.ID)
		}
		last = got.Next
	}
	for i, id := range seen {
		if id != fmt.Sprint(i) {
			t.Fatalf("change %d is of %s: %v", i, id, seen)
		}
	}
	if len(seen) != documents {
		t.Errorf("%d changes of %d were seen", len(seen), documents)
	}
}

// read returns the ids of the documents whose changes came whole, and the last cursor.
func (s *streaming) read(body io.Reader) (seen []string, last string) {
	s.Helper()
	lines := bufio.NewReaderSize(body, 4<<20)
	id, document := "", ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return seen, last
		}
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(text)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var item struct{ ID string }
			if err := json.Unmarshal([]byte(text), &item); err != nil {
				s.Fatal(err)
			}
			document = item.ID
		}
		if line == "\n" && document != "" {
			seen, last, document = append(seen, document), id, ""
		}
	}
}

// TestDrain: a server that is about to end keeps nobody waiting, whenever they came.
func TestDrain(t *testing.T) {
	s := serveStreams(t)
	s.put("/v1/notes/1", `{}`)
	stream := s.get("/v1/notes/_changes", "Accept", eventStream)
	answered := make(chan string)
	go func() {
		defer close(answered)
		r, err := http.NewRequest(http.MethodGet, s.url+"/_changes?since=now", nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Prefer", "wait=50")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s %v", res.Status, err)
		}
		answered <- string(body)
	}()
	s.server.Drain()
	s.server.Drain()
	if seen, last := s.read(stream); len(seen) != 1 || last == "" {
		t.Errorf("the stream has shown %v before it ended, up to %q", seen, last)
	}
	if body := <-answered; !strings.HasPrefix(body, `{"items":[],"next":"`) {
		t.Errorf("who waits is answered %s", body)
	}
	if seen, _ := s.read(s.get("/v1/notes/_changes", "Accept", eventStream)); len(seen) != 1 {
		t.Errorf("who comes later is shown %v", seen)
	}
}

// TestStreamOverHTTP2: that nothing is to be said for longer than a follower may stall
// ends no stream, nor does one that has ended end the others of its connection.
func TestStreamOverHTTP2(t *testing.T) {
	server := New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Default: &engine.Rules{}})
	server.stalledAfter, server.beatEvery = 20*time.Millisecond, 100*time.Millisecond
	listening := httptest.NewUnstartedServer(server)
	listening.EnableHTTP2 = true
	listening.StartTLS()
	t.Cleanup(listening.Close)
	t.Cleanup(server.Drain)
	follow := func() (*bufio.Reader, io.Closer) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listening.URL+"/v1/notes/_changes", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", eventStream)
		res, err := listening.Client().Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != 2 || res.Header.Get("Connection") != "" {
			t.Fatalf("%s %v", res.Proto, res.Header)
		}
		return bufio.NewReader(res.Body), res.Body
	}
	stream, body := follow()
	defer body.Close()
	_, other := follow()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for beats := 0; beats < 3; {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d signs of life: %v", beats, err)
		}
		if line == ":\n" {
			beats++
		}
	}
}
