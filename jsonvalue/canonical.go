package jsonvalue

import (
	"crypto/sha256"
	"slices"
	"sync"
)

// AppendCanonical appends the canonical form of v and returns the extended
// slice. It is that of RFC 8785 to the byte: no white space, members sorted by
// the UTF-16 code units of their names (§3.2.3), numbers as ECMAScript prints
// them (§3.2.2.3). One thing differs: a number that float64 cannot hold, so
// that the shortest form of the nearest float64 has other digits, is written
// with its exact digits as [-]d[.ddd]e±x, without trailing zeros. RFC 8785 would
// write two such numbers alike. An absent value appends nothing.
//
// Two values have the same canonical form exactly if [Equal] holds.
func (v Value) AppendCanonical(dst []byte) []byte {
	c := canonicalizers.Get().(*canonicalizer)
	dst = c.append(dst, v)
	c.release()
	return dst
}

// Digest returns the SHA-256 of the canonical form.
func (v Value) Digest() [sha256.Size]byte {
	c := canonicalizers.Get().(*canonicalizer)
	c.form = c.append(c.form[:0], v)
	sum := sha256.Sum256(c.form)
	c.release()
	return sum
}

var canonicalizers = sync.Pool{New: func() any { return new(canonicalizer) }}

// canonicalizer is the scratch space of one call.
type canonicalizer struct {
	form  []byte
	order []int // stack of member positions, sorted, of the objects being written
}

// release gives c back unless one large document has made it large.
func (c *canonicalizer) release() {
	const keptForm = 64 << 10
	if cap(c.form) <= keptForm && cap(c.order) <= keptScratch {
		canonicalizers.Put(c)
	}
}

func (c *canonicalizer) append(dst []byte, v Value) []byte {
	switch v.kind {
	case KindNumber:
		return appendCanonicalNumber(dst, v.text)
	case KindArray:
		dst = append(dst, '[')
		for i := range v.node.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = c.append(dst, v.node.elems[i])
		}
		return append(dst, ']')
	case KindObject:
		return c.appendObject(dst, v.node)
	}
	return v.Append(dst)
}

func (c *canonicalizer) appendObject(dst []byte, n *node) []byte {
	base := len(c.order)
	for i := range n.members {
		c.order = append(c.order, i)
	}
	slices.SortFunc(c.order[base:], func(i, j int) int {
		return compareUTF16(n.members[i].Name, n.members[j].Name)
	})
	dst = append(dst, '{')
	for i := range n.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &n.members[c.order[base+i]]
		dst = append(appendString(dst, m.Name, n.verbatimNames), ':')
		dst = c.append(dst, m.Value)
	}
	c.order = c.order[:base]
	return append(dst, '}')
}

// compareUTF16 orders two UTF-8 strings by the UTF-16 code units of their text
// (RFC 8785 §3.2.3). That is byte order but for one case: U+10000 and above,
// in UTF-16 surrogates from 0xD800, come before U+E000 to U+FFFF.
func compareUTF16(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		const leadE000, leadSupplementary = 0xEE, 0xF0
		if x >= leadE000 && y >= leadE000 && (x >= leadSupplementary) != (y >= leadSupplementary) {
			x, y = y, x
		}
		return int(x) - int(y)
	}
	return len(a) - len(b)
}
