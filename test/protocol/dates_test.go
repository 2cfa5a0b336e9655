package protocol_test

import (
	"net/http"
	"testing"
	"time"
)

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// TestLastModifiedUnderAClockThatJumps: it never runs backwards, and no answer
// is dated before it.
func TestLastModifiedUnderAClockThatJumps(t *testing.T) {
	c := &clock{}
	onEveryStoreAlone(t, setup{now: c.Now}, func(t *testing.T, a *api) {
		real := time.Now()
		c.set(real)
		tag := a.must(201, "PUT", "/v1/notes/1", `{"n":0}`).header.Get("ETag")
		last := time.Time{}
		for i, offset := range []time.Duration{0, time.Hour, -time.Hour, -time.Minute, time.Hour, 2 * time.Hour, -24 * time.Hour} {
			c.set(real.Add(offset))
			tag = a.must(200, "PATCH", "/v1/notes/1", `{"n":`+string(rune('1'+i))+`}`, "If-Match", tag).header.Get("ETag")
			c.set(real) // what Date goes by
			for _, got := range []answer{
				a.must(200, "GET", "/v1/notes/1", ""), a.must(200, "HEAD", "/v1/notes/1", ""), a.must(304, "GET", "/v1/notes/1", "", "If-None-Match", tag),
				a.must(200, "PATCH", "/v1/notes/1", `{}`, "If-Match", tag), a.must(200, "GET", "/v1/notes/1/_history/"+tag[1:len(tag)-1], ""),
			} {
				modified, err := http.ParseTime(got.header.Get("Last-Modified"))
				if err != nil || modified.Before(last) {
					t.Errorf("step %d: Last-Modified %v, %v; it was %v", i, modified, err, last)
				}
				if date, err := http.ParseTime(got.header.Get("Date")); err != nil || modified.After(date) {
					t.Errorf("step %d: Last-Modified %v is after Date %v, %v", i, modified, date, err)
				}
				last = modified
			}
		}
		a.verify()
	})
}

func TestDatesWithinOneSecond(t *testing.T) {
	c := &clock{}
	onEveryStoreAlone(t, setup{now: c.Now}, func(t *testing.T, a *api) {
		at := func(offset time.Duration) { c.set(noon.Add(offset)) }
		unmodified := func(status int, path string, since time.Time) {
			t.Helper()
			got := a.do("PUT", path, `{"dry":1}`, "If-Unmodified-Since", httpDate(since))
			a.status(got, status)
		}
		modified := func(status int, path string, since time.Time) {
			t.Helper()
			a.status(a.do("GET", path, "", "If-Modified-Since", httpDate(since)), status)
		}
		check := func(path string, since time.Time, mayWrite bool) {
			t.Helper()
			status, read := 412, 200
			if mayWrite {
				status, read = 200, 304
			}
			unmodified(status, path+"?dryRun=true", since)
			modified(read, path, since)
		}
		at(100 * time.Millisecond)
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		check("/v1/notes/1", noon, true) // one version in this second
		check("/v1/notes/1", noon.Add(-time.Second), false)
		check("/v1/notes/1", noon.Add(time.Hour), true)
		at(900 * time.Millisecond)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		check("/v1/notes/1", noon, false) // two of them: the date proves nothing
		check("/v1/notes/1", noon.Add(time.Second), true)
		check("/v1/notes/2", noon, true)
		at(1000 * time.Millisecond)
		a.must(200, "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"2"`)
		check("/v1/notes/1", noon, false)
		check("/v1/notes/1", noon.Add(time.Second), true) // alone in the next second
		at(-time.Hour)                                    // the clock falls back: the next version is dated as the last
		a.must(200, "PUT", "/v1/notes/1", `{"n":4}`, "If-Match", `"3"`)
		check("/v1/notes/1", noon.Add(time.Second), false)
		check("/v1/notes/1", noon.Add(2*time.Second), true)
		at(5 * time.Second)
		a.must(204, "DELETE", "/v1/notes/2", "", "If-Match", `"1"`)
		at(5*time.Second + 500*time.Millisecond)
		a.must(201, "PUT", "/v1/notes/2", `{"n":2}`)
		check("/v1/notes/2", noon.Add(5*time.Second), false) // deleted and created again within it
		a.verify()
	})
}

func TestDatesYieldToTags(t *testing.T) {
	c := &clock{}
	onEveryStoreAlone(t, setup{now: c.Now}, func(t *testing.T, a *api) {
		c.set(noon)
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		early, late := httpDate(noon.Add(-time.Hour)), httpDate(noon.Add(time.Hour))
		a.must(200, "GET", "/v1/notes/1", "", "If-None-Match", `"9"`, "If-Modified-Since", late)
		a.must(304, "GET", "/v1/notes/1", "", "If-None-Match", `"1"`, "If-Modified-Since", early)
		a.must(200, "GET", "/v1/notes/1", "", "If-None-Match", `unquoted`, "If-Modified-Since", late)
		a.must(200, "GET", "/v1/notes/1", "", "If-Match", `"1"`, "If-Unmodified-Since", early)
		a.refused(412, "stale", "GET", "/v1/notes/1", "", "If-Unmodified-Since", early)
		a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"9"`, "If-Unmodified-Since", late)
		a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":2}`, "If-Unmodified-Since", early)
		a.refused(400, "malformed", "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `1`, "If-Unmodified-Since", late)
		for _, invalid := range []string{"yesterday", "Mon, 32 Oct 2010 16:56:23 GMT", "2024-05-01T13:00:00Z", late + ", " + late} {
			a.refused(428, "precondition-required", "PUT", "/v1/notes/1", `{"n":2}`, "If-Unmodified-Since", invalid)
			a.must(200, "GET", "/v1/notes/1", "", "If-Modified-Since", invalid)
		}
		a.refused(428, "precondition-required", "PUT", "/v1/notes/1", `{"n":2}`, "If-Modified-Since", late)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`, "If-Unmodified-Since", early)
	})
}
