package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// note is a document as a program edits it.
type note map[string]any

// version is a note with the tag of the state that it was read in.
type version struct {
	note note
	tag  string
}

// conflict is what a 412 says of what happened meanwhile.
type conflict struct {
	Title   string
	Detail  string
	Changes []struct {
		Path     string
		From, To any
		Version  int64
	}
}

func (c *conflict) Error() string { return c.Title + ". " + c.Detail }

// attempts bounds how often save tries. Who loses that often had better ask a
// person, or try later.
const attempts = 5

// save makes an edit and writes it. Where somebody else was faster it tells
// refused what they did, reads again, and makes the same edit there: an edit is a
// function, because its result on an older state is what must not be sent again.
func save(ctx context.Context, url string, v version, edit func(note), refused func(*conflict)) (tag string, err error) {
	for range attempts {
		edit(v.note)
		tag, err = write(ctx, url, v)
		c, stale := errors.AsType[*conflict](err)
		if !stale {
			return tag, err
		}
		refused(c)
		if v, err = read(ctx, url); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s kept changing, %d times in a row; try again later", url, attempts)
}

// read returns a note with its tag.
func read(ctx context.Context, url string) (version, error) {
	body, tag, err := send(ctx, http.MethodGet, url, nil, "", "")
	if err != nil {
		return version{}, err
	}
	v := version{tag: tag}
	return v, json.Unmarshal(body, &v.note)
}

// create stores a note where there is none.
func create(ctx context.Context, url string, n note) (tag string, err error) {
	_, tag, err = send(ctx, http.MethodPut, url, n, "If-None-Match", "*")
	return tag, err
}

// write stores a note if it still is in the state that it was read in. It fails
// with a *conflict where it is not.
func write(ctx context.Context, url string, v version) (tag string, err error) {
	_, tag, err = send(ctx, http.MethodPut, url, v.note, "If-Match", v.tag)
	return tag, err
}

// send makes one request with one condition header, "" for none.
func send(ctx context.Context, method, url string, n note, header, value string) (body []byte, tag string, err error) {
	var content bytes.Buffer
	if n != nil {
		if err := json.NewEncoder(&content).Encode(n); err != nil {
			return nil, "", err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, url, &content)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if header != "" {
		r.Header.Set(header, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if body, err = io.ReadAll(res.Body); err != nil {
		return nil, "", err
	}
	switch {
	case res.StatusCode == http.StatusPreconditionFailed:
		c := &conflict{}
		if err := json.Unmarshal(body, c); err != nil {
			return nil, "", fmt.Errorf("a 412 that is no problem document: %w", err)
		}
		return nil, "", c
	case res.StatusCode >= http.StatusBadRequest:
		return nil, "", fmt.Errorf("%s %s: %s: %s", method, url, res.Status, body)
	}
	return body, res.Header.Get("ETag"), nil
}
