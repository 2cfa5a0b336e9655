package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// hostile is a request that asks for more than anybody needs.
type hostile struct {
	name, method, target, body string
	header                     []string // whole lines
	// status and code are how a server answers under its default limits; wide are
	// those of one whose limits let all of the header in, "" where it is the same.
	status   int
	code     string
	wide     int
	wideCode string
}

// many repeats a text of which %d is the number.
func many(n int, text, between string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.ReplaceAll(text, "%d", strconv.Itoa(i))
	}
	return strings.Join(all, between)
}

// lines are as many header lines.
func lines(n int, line string) []string { return strings.Split(many(n, line, "\n"), "\n") }

const megabyte = 1 << 20

// operations is a batch of so many operations, each on a document of its own.
func operations(n int) string {
	return `{"atomic":true,"operations":[` + many(n, `{"method":"PUT","path":"/v1/notes/n%d","headers":{"If-None-Match":"*"},"body":{}}`, ",") + `]}`
}

// padded is text with white space up to a size.
func padded(text string, size int) string { return text + strings.Repeat(" ", size-len(text)) }

// hostileRequests are asked of the note 1, which is at version 2, and must leave all as
// it was: those that are carried out are dry runs.
func hostileRequests() []hostile {
	const item, dry = "/v1/notes/1", "/v1/notes/1?dryRun=true"
	tags, x := many(10_000, `"%d"`, ", "), strings.Repeat("x", megabyte-200)
	all := []hostile{
		{name: "10,000 tags in If-Match", method: "PUT", target: item, body: `{}`, header: []string{"If-Match: " + tags}, status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
		{name: "10,000 tags in If-None-Match", method: "PUT", target: item, body: `{}`, header: []string{"If-None-Match: " + tags}, status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
		{name: "10,000 tags in lines of If-None-Match", method: "PUT", target: item, body: `{}`, header: lines(10_000, `If-None-Match: "%d"`), status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
		{name: "10,000 tags in lines, of a read", method: "GET", target: item, header: lines(10_000, `If-None-Match: "%d"`), status: 431, code: "too-large", wide: 200},
		{name: "101 tags", method: "PUT", target: item, body: `{}`, header: []string{"If-Match: " + many(101, `"%d"`, ",")}, status: 400, code: "malformed"},
		{name: "100 tags", method: "PUT", target: dry, body: `{}`, header: []string{"If-Match: " + many(100, `"%d"`, ",")}, status: 200},
		{name: "10,000 empty members", method: "PUT", target: dry, body: `{}`, header: []string{"If-Match: " + strings.Repeat(",", 10_000) + `"2"`}, status: 200},
		{name: "a tag of 8 KiB", method: "PUT", target: item, body: `{}`, header: []string{`If-Match: "` + strings.Repeat("x", 8<<10) + `"`}, status: 412, code: "stale"},
		{name: "a line 1,000 times", method: "PUT", target: item, body: `{}`, header: lines(1000, `If-Match: "1"`), status: 400, code: "malformed"},

		{name: "an Idempotency-Key of 1 MB", method: "PUT", target: item, body: `{}`, header: []string{"Idempotency-Key: " + x}, status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
		{name: "an Idempotency-Key of 256 bytes", method: "PUT", target: item, body: `{}`, header: []string{"Idempotency-Key: " + strings.Repeat("x", 256)}, status: 400, code: "malformed"},
		{name: "500 Idempotency-Keys", method: "PUT", target: item, body: `{}`, header: lines(500, "Idempotency-Key: k%d"), status: 400, code: "malformed"},
		{name: "an Idempotency-Key of quotes", method: "PUT", target: item, body: `{}`, header: []string{`Idempotency-Key: "` + strings.Repeat(`\"`, 4000) + `"`}, status: 400, code: "malformed"},
		{name: "1,000 preferences", method: "PUT", target: dry, body: `{}`, header: []string{`If-Match: "2"`, "Prefer: " + many(1000, "p%d=1", ", ")}, status: 200},
		{name: "1,000 lines of preferences", method: "PUT", target: dry, body: `{}`, header: append(lines(1000, "Prefer: a"), `If-Match: "2"`), status: 200},
		{name: "a preference of open quotes", method: "PUT", target: dry, body: `{}`, header: []string{`If-Match: "2"`, `Prefer: a="` + strings.Repeat(`\`, 8000)}, status: 200},
		{name: "a wait beyond all numbers", method: "PUT", target: dry, body: `{}`, header: []string{`If-Match: "2"`, "Prefer: wait=" + strings.Repeat("9", 8000)}, status: 200},
		{name: "a negative wait", method: "PUT", target: dry, body: `{}`, header: []string{`If-Match: "2"`, "Prefer: wait=-1"}, status: 200},
		{name: "a feed that waits beyond all numbers, and has something", method: "GET", target: "/v1/notes/_changes", header: []string{"Prefer: wait=18446744073709551616"}, status: 200},
		{name: "800 leases", method: "PUT", target: item, body: `{}`, header: lines(800, "Ifmatch-Lease: x"), status: 400, code: "malformed"},
		{name: "1,000 digests that are wanted", method: "GET", target: item, header: []string{"Want-Repr-Digest: " + many(1000, "a%d=1", ",")}, status: 200},
		{name: "a list in a list of digests", method: "GET", target: item, header: []string{"Want-Repr-Digest: a=" + strings.Repeat("(", 8000)}, status: 200},
		{name: "1,000 media types", method: "GET", target: "/v1/notes/_changes", header: []string{"Accept: " + many(1000, "a/b%d;q=0.1", ",")}, status: 200},
		{name: "1,000 codings", method: "GET", target: item, header: []string{"Accept-Encoding: " + many(1000, "c%d;q=1", ",")}, status: 200},
		{name: "a client of 8 KB", method: "GET", target: item, header: []string{"Ifmatch-Client: " + strings.Repeat("x", 8000)}, status: 200},

		{name: "a path of 100 KB", method: "GET", target: "/v1/notes/" + strings.Repeat("x", 100_000), status: 431, code: "too-large", wide: 404, wideCode: "not-found"},
		{name: "a query of 100 KB", method: "GET", target: item + "?x=" + strings.Repeat("x", 100_000), status: 431, code: "too-large", wide: 200},
		{name: "a query of 10 KB", method: "GET", target: item + "?x=" + strings.Repeat("x", 10_000), status: 414, code: "too-large", wide: 200},
		{name: "10,000 parameters", method: "GET", target: item + "?" + many(10_000, "p%d=1", "&"), status: 431, code: "too-large", wide: 200},
		{name: "10,000 filters", method: "GET", target: "/v1/notes?" + many(10_000, "p%d=1", "&"), status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
		{name: "10,000 fields", method: "GET", target: "/v1/notes?fields=" + many(10_000, "f%d", ","), status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
		{name: "a pointer of 10,000 members", method: "GET", target: item + "/_fields" + strings.Repeat("/a", 10_000), status: 431, code: "too-large", wide: 404, wideCode: "not-found"},
		{name: "a pointer of 10,000 members, in the query", method: "PUT", target: item + "/_fields?pointer=" + strings.Repeat("/a", 10_000), body: "1", status: 431, code: "too-large", wide: 404, wideCode: "not-found"},
		{name: "a pointer of 2,000 members", method: "PUT", target: item + "/_fields" + strings.Repeat("/a", 2000), body: "1", status: 404, code: "not-found"},
		{name: "a pointer of escapes", method: "GET", target: item + "/_fields?pointer=/" + strings.Repeat("~1", 2000), status: 404, code: "not-found"},

		{name: "1,001 operations", method: "POST", target: "/_batch", body: operations(1001), status: 400, code: "malformed"},
		{name: "1,000 operations", method: "POST", target: "/_batch?dryRun=true", body: operations(1000), status: 200},
		{name: "a batch 10,000 deep", method: "POST", target: "/_batch", body: `{"operations":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `,"atomic":true}`, status: 400, code: "malformed"},
		{name: "a batch of open arrays", method: "POST", target: "/_batch", body: `{"operations":` + strings.Repeat("[", megabyte-20), status: 400, code: "malformed"},
		{name: "operations one in another", method: "POST", target: "/_batch", body: strings.Repeat(`{"atomic":true,"operations":[{"method":"POST","path":"/_batch","body":`, 20) + "{}" + strings.Repeat("}]}", 20), status: 400, code: "malformed"},
		{name: "a batch at the limit", method: "POST", target: "/_batch?dryRun=true", body: padded(operations(1), megabyte), status: 200},
		{name: "a batch above the limit", method: "POST", target: "/_batch", body: padded(operations(1), megabyte+1), status: 413, code: "too-large"},
		{name: "10,000 headers of an operation", method: "POST", target: "/_batch", body: `{"atomic":true,"operations":[{"method":"DELETE","path":"/v1/notes/1","headers":{` + many(10_000, `"X-%d":"1"`, ",") + `}}]}`, status: 400, code: "malformed"},
		{name: "10,000 tags of an operation", method: "POST", target: "/_batch", body: `{"atomic":true,"operations":[{"method":"DELETE","path":"/v1/notes/1","headers":{"If-Match":` + strconv.Quote(tags) + `}}]}`, status: 400, code: "malformed"},
		{name: "a path of 100 KB of an operation", method: "POST", target: "/_batch", body: `{"atomic":true,"operations":[{"method":"DELETE","path":"/v1/notes/` + strings.Repeat("x", 100_000) + `"}]}`, status: 404, code: "not-found"},

		{name: "a document 10,000 deep", method: "PUT", target: item, body: strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), header: []string{`If-Match: "2"`}, status: 400, code: "malformed"},
		{name: "a number of 1,000,000 digits", method: "PUT", target: item, body: `{"n":` + strings.Repeat("9", 1_000_000) + `}`, header: []string{`If-Match: "2"`}, status: 400, code: "malformed"},
		{name: "an exponent beyond all numbers", method: "PUT", target: item, body: `{"n":1e99999999999}`, header: []string{`If-Match: "2"`}, status: 400, code: "malformed"},
		{name: "80,000 members", method: "PUT", target: dry, body: `{` + many(80_000, `"m%d":1`, ",") + `}`, header: []string{`If-Match: "2"`}, status: 200},
		{name: "10,000 operations of a patch", method: "PATCH", target: item, body: `[` + many(10_000, `{"op":"add","path":"/a%d","value":1}`, ",") + `]`, header: []string{`If-Match: "2"`, "Content-Type: application/json-patch+json"}, status: 413, code: "too-large"},
		{name: "a patch that doubles", method: "PATCH", target: item, body: `[{"op":"add","path":"/a","value":[1]}` + strings.Repeat(`,{"op":"copy","from":"/a","path":"/a/-"}`, 900) + `]`, header: []string{`If-Match: "2"`, "Content-Type: application/json-patch+json"}, status: 413, code: "too-large"},
	}
	for name, ttl := range map[string]string{"0": "0", "-1": "-1", "1e300": "1e300", "2^63": "9223372036854775808", "-2^63": "-9223372036854775809", "more than five minutes": "300001", "a string": `"5"`, "a fraction": "1.5", "null": "null", "a list": "[5]", "nothing": ""} {
		body := `{"ttlMs":` + ttl + `}`
		if ttl == "" {
			body = `{}`
		}
		all = append(all, hostile{name: "a lease of " + name, method: "POST", target: item + "/_lease", body: body, status: 422, code: "invalid"})
	}
	for _, of := range []string{"/v1/notes?cursor=", item + "/_history?cursor=", item + "/_conflicts?cursor=", "/v1/notes/_changes?since=", "/_/api/audit?cursor="} {
		all = append(all,
			hostile{name: "a cursor of 1 MB of " + of, method: "GET", target: of + x, status: 431, code: "too-large", wide: 400, wideCode: "malformed"},
			hostile{name: "a cursor of 4 KB of " + of, method: "GET", target: of + x[:4096], status: 400, code: "malformed"},
		)
	}
	return all
}

// send sends a request as it stands, and reads the answer while it does.
func (h *hostile) send(t *testing.T, address string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	header := append([]string{"Host: " + address}, h.header...)
	if h.body != "" {
		header = append(header, fmt.Sprintf("Content-Length: %d", len(h.body)))
		if !strings.Contains(strings.Join(h.header, "\n"), "Content-Type") {
			header = append(header, "Content-Type: application/json")
		}
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, h.method+" "+h.target+" HTTP/1.1\r\n"+strings.Join(header, "\r\n")+"\r\n\r\n"+h.body) // the server may have answered before all of it
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: h.method})
	if err != nil {
		t.Fatalf("%s: %v", h.name, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", h.name, err)
	}
	conn.Close()
	<-sent
	return res.StatusCode, string(text)
}

// TestHostileRequests: whatever is asked, the answer is the problem that it is, what is
// stored stays as it was, memory stays within bounds, and the next request is answered.
func TestHostileRequests(t *testing.T) {
	for name, limits := range map[string]string{"default limits": "", "wide limits": "limits: {header: 2MiB, url: 1MiB}\n"} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), limits+"default: {contract: {precondition: observe}}\n")
			s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--config", file))
			address := strings.TrimPrefix(s.url, "http://")
			ask(t, "PUT", s.url+"/v1/notes/1", `{"a":{"b":1}}`)
			ask(t, "PUT", s.url+"/v1/notes/1", `{"a":{"b":2}}`, "If-Match", `"1"`)
			before := everything(t, s.url)
			for _, h := range hostileRequests() {
				status, code := h.status, h.code
				if limits != "" && h.wide != 0 {
					status, code = h.wide, h.wideCode
				}
				got, text := h.send(t, address)
				var p struct{ Type, Detail string }
				if code != "" {
					if err := json.Unmarshal([]byte(text), &p); err != nil || p.Detail == "" || len(text) > len(h.target)+len(h.body)+16<<10 { // which it may repeat once
						t.Errorf("%s: no problem of %d bytes: %v: %.200s", h.name, len(text), err, text)
					}
				}
				if got != status || strings.TrimPrefix(p.Type, "urn:ifmatch:problem:") != code {
					t.Errorf("%s: %d %s, want %d %s: %.300s", h.name, got, p.Type, status, code, text)
				}
				if answer, _ := ask(t, "GET", s.url+"/readyz", ""); answer.StatusCode != http.StatusOK {
					t.Fatalf("after %s the server is %s", h.name, answer.Status)
				}
			}
			if after := everything(t, s.url); after != before {
				t.Errorf("it has changed\n%s\nto\n%s", before, after)
			}
			if peak := peakMemory(t, s.cmd.Process.Pid); peak > 512<<20 {
				t.Errorf("the server took %d MiB at most", peak>>20)
			}
			s.stop()
		})
	}
}

// everything is all that can be read of what is stored.
func everything(t *testing.T, url string) string {
	t.Helper()
	all := ""
	for _, path := range []string{"/v1/notes", "/v1/notes/1/_history", "/_changes", "/_/api/audit"} {
		answer, text := ask(t, "GET", url+path, "")
		all += answer.Status + " " + text + "\n"
	}
	return all
}

// peakMemory is the most memory that a process has had, in bytes.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Log("SKIPPED, NOT CHECKED: only Linux tells how much memory a process has had")
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("at most %d MiB", n>>10)
	return n << 10
}
