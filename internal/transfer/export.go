package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// pageSize is how many documents are asked for at once.
const pageSize = 1000

// Export writes every document of the collection to out, a line each, in the
// order of their ids, and returns how many. What stands still while it runs is
// written exactly once; what is changed meanwhile may be written as it was or as
// it became. It fails with a [*Refusal], or what network and out say. After each
// page it calls progress, if that is not nil, with the documents so far.
func (r *Remote) Export(ctx context.Context, out io.Writer, progress func(documents int64)) (int64, error) {
	s := state{URL: r.url}
	return r.export(ctx, out, &s, progress, func() error { return nil })
}

// ExportFile is Export to a file. Interrupted, it goes on where it was when it is
// run again: until it is done, a file with the suffix ".resume" stands beside it.
// A file that is complete is not written over.
func (r *Remote) ExportFile(ctx context.Context, path string, progress func(documents int64)) (documents int64, err error) {
	s, begun, err := loadState(path, r.url)
	if err != nil {
		return 0, err
	}
	flags := os.O_WRONLY | os.O_CREATE
	if !begun {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	if err := errors.Join(s.save(path), f.Truncate(s.Offset)); err != nil { // what was written after the last page kept
		return 0, err
	}
	if _, err := f.Seek(s.Offset, io.SeekStart); err != nil {
		return 0, err
	}
	documents, err = r.export(ctx, f, &s, progress, func() error {
		if err := f.Sync(); err != nil {
			return err
		}
		return s.save(path)
	})
	if err != nil {
		return documents, err
	}
	return documents, removeState(path)
}

// export writes the pages from s on, and calls kept after each that is not the
// last.
func (r *Remote) export(ctx context.Context, out io.Writer, s *state, progress func(int64), kept func() error) (int64, error) {
	var lines []byte
	limit := pageSize
	for {
		items, next, err := r.page(ctx, s.Cursor, limit)
		if refused, ok := errors.AsType[*Refusal](err); ok && refused.Status == http.StatusBadRequest && limit > 0 {
			limit = 0 // its pages are smaller; let it choose
			continue
		}
		if err != nil {
			return s.Lines, err
		}
		lines = lines[:0]
		for _, item := range items {
			lines = append(item.Append(lines), '\n')
		}
		if _, err := out.Write(lines); err != nil {
			return s.Lines, err
		}
		s.Offset, s.Lines, s.Cursor = s.Offset+int64(len(lines)), s.Lines+int64(len(items)), next
		if progress != nil {
			progress(s.Lines)
		}
		if next == "" {
			return s.Lines, nil
		}
		if err := kept(); err != nil {
			return s.Lines, err
		}
	}
}

// page returns a page of the collection of up to limit documents, 0 for as many as
// the server likes, and the cursor of the next, "" for none.
func (r *Remote) page(ctx context.Context, cursor string, limit int) (items []jsonvalue.Value, next string, err error) {
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	a, err := r.ask(ctx, http.MethodGet, r.url+"?"+query.Encode(), nil, nil)
	if err != nil {
		return nil, "", err
	}
	page, err := jsonvalue.Parse(a.body, jsonvalue.Limits{Depth: maxDepth})
	if err != nil || page.Lookup("items").Kind() != jsonvalue.KindArray {
		return nil, "", fmt.Errorf("%s did not answer with a page of documents; is it the URL of a collection?", r.url)
	}
	return page.Lookup("items").Elems(), page.Lookup("next").Text(), nil
}

// maxDepth is deeper than any document that a server takes by default.
const maxDepth = 1024
