package load

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Writers is how many clients have a member of their own in a document that
// CreateFields makes: as many as fill DocumentSize.
const Writers = 64

// firstField keeps what the members hold at seven digits for the first nine
// million writes.
const firstField = 1_000_000

// newFields is a document with a member for each writer and a note that fills it
// up to its size.
func newFields() document {
	body := []byte{'{'}
	for i := range Writers {
		body = append(appendField(body, i, 0), ',')
	}
	body = append(body, `"note":"`...)
	body = append(body, strings.Repeat("x", DocumentSize-len(body)-len(`"}`))...)
	return document{body: append(body, `"}`...)}
}

// appendField appends the member of writer i, a number that tells writes apart.
func appendField(dst []byte, i int, stamp uint64) []byte {
	dst = append(dst, '"')
	dst = append(append(dst, fieldName(i)...), `":`...)
	return strconv.AppendUint(dst, firstField+stamp, 10)
}

func fieldName(i int) string { return string([]byte{'w', byte('0' + i/10), byte('0' + i%10)}) }

// appendPatch appends the merge patch of writer i (RFC 7396).
func appendPatch(dst []byte, i int, stamp uint64) []byte {
	return append(appendField(append(dst, '{'), i, stamp), '}')
}

// checkShared reads the document that all clients wrote and holds it against
// what they were told: an answer that nothing came of is worse than none. Then
// the corpus knows its tag.
func checkShared(clients []*client) error {
	reader, known := clients[0], &clients[0].plan.Corpus.tags[0]
	resp, err := reader.do(Read, 0, &tag{})
	if err != nil {
		return fmt.Errorf("read what was written: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(resp.Body, &members); err != nil {
		return fmt.Errorf("%w: read what was written: %w", ErrWrong, err)
	}
	total := uint64(0)
	for _, c := range clients {
		total += c.written
		want := strconv.FormatUint(firstField+c.last, 10)
		if got := string(members[fieldName(c.index)]); c.written > 0 && got != want {
			return fmt.Errorf("%w: writer %d was told that %s is stored, the document has %s", ErrWrong, c.index, want, got)
		}
	}
	before, err := strconv.ParseUint(string(known.version()), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: the tag %s is no version", ErrWrong, known.get())
	}
	if err := known.set(resp.ETag); err != nil {
		return err
	}
	if got := string(known.version()); got != strconv.FormatUint(before+total, 10) {
		return fmt.Errorf("%w: %d writes after version %d made version %s", ErrWrong, total, before, got)
	}
	return nil
}
