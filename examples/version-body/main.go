// Command version-body is a client of a server that was started with policy.yaml.
// It sets one member of a record, as clients of such an API do: it reads, edits
// and writes, and where somebody else was faster it does all of that again. See
// README.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"time"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:8080/v1/orgs/acme/brand", "the record to edit")
	colour := flag.String("colour", "#00c", "what its colour becomes")
	flag.Parse()
	err := save(context.Background(), *url, func(r record) { r["colour"] = *colour })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("saved")
}

// record is one record, its version included.
type record map[string]any

// attempts is how often a client tries before a person has to look.
const attempts = 3

// errSavedElsewhere is what a person is told then.
var errSavedElsewhere = errors.New("saved elsewhere; refresh to see the latest")

// save has edit made on the record as it is, and stores the result. It fails with
// errSavedElsewhere where others were faster each time.
func save(ctx context.Context, url string, edit func(record)) error {
	for attempt := 1; ; attempt++ {
		r, err := read(ctx, url)
		if err != nil {
			return err
		}
		edit(r) // and leave r["version"] as it was read
		status, err := write(ctx, url, r)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK || status == http.StatusCreated:
			return nil
		case status != http.StatusConflict:
			return fmt.Errorf("PUT %s: status %d", url, status)
		case attempt == attempts:
			return errSavedElsewhere
		}
		select {
		case <-time.After(50*time.Millisecond + rand.N(150*time.Millisecond)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func read(ctx context.Context, url string) (record, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	var r record
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d", url, res.StatusCode)
	} else {
		err = json.NewDecoder(res.Body).Decode(&r)
	}
	return r, errors.Join(err, res.Body.Close())
}

func write(ctx context.Context, url string, r record) (status int, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	q.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
