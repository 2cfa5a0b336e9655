package door

import "strings"

// dictionary reads a Dictionary of a Structured Field (RFC 9651 §3.2): the text of each
// member's value, "" for one without, parameters left out. The last of equal names
// counts. It reports false for a field that is none.
func dictionary(lines []string) (members map[string]string, ok bool) {
	p := structured{strings.Join(lines, ",")}
	p.skip(" ")
	members = make(map[string]string)
	for p.rest != "" {
		name, ok := p.key()
		if !ok {
			return nil, false
		}
		members[name] = ""
		if p.take("=") {
			value := p.rest
			if !p.value() {
				return nil, false
			}
			members[name] = value[:len(value)-len(p.rest)]
		}
		if !p.parameters() {
			return nil, false
		}
		p.skip(" \t")
		if p.rest == "" {
			break
		}
		if !p.take(",") {
			return nil, false
		}
		if p.skip(" \t"); p.rest == "" {
			return nil, false // there is nothing behind the last comma
		}
	}
	return members, true
}

// structured is what is left to read of a Structured Field. Its methods report whether
// what they read was there, and go past it.
type structured struct{ rest string }

func (p *structured) skip(set string) { p.rest = strings.TrimLeft(p.rest, set) }

func (p *structured) take(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

// span goes past the bytes for which is holds, and returns them.
func (p *structured) span(is func(byte) bool) (text string) {
	i := 0
	for i < len(p.rest) && is(p.rest[i]) {
		i++
	}
	text, p.rest = p.rest[:i], p.rest[i:]
	return text
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *structured) key() (name string, ok bool) {
	if p.rest == "" || !isLower(p.rest[0]) && p.rest[0] != '*' {
		return "", false
	}
	return p.span(func(c byte) bool { return isLower(c) || isDigit(c) || strings.IndexByte("_-.*", c) >= 0 }), true
}

// value goes past an Inner List or a bare item.
func (p *structured) value() bool {
	if !p.take("(") {
		return p.item()
	}
	for {
		p.skip(" ")
		if p.take(")") {
			return true
		}
		if !p.item() || !p.parameters() || !strings.HasPrefix(p.rest, " ") && !strings.HasPrefix(p.rest, ")") {
			return false
		}
	}
}

func (p *structured) parameters() bool {
	for p.take(";") {
		p.skip(" ")
		if _, ok := p.key(); !ok || p.take("=") && !p.item() {
			return false
		}
	}
	return true
}

// item goes past a bare item (RFC 9651 §3.3).
func (p *structured) item() bool {
	switch {
	case p.rest == "":
		return false
	case p.take("?"):
		return p.take("0") || p.take("1")
	case p.take("@"):
		return p.number(false)
	case p.take(":"):
		p.span(func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("+/=", c) >= 0 })
		return p.take(":")
	case p.take(`%"`), p.take(`"`):
		return p.quoted()
	case p.rest[0] == '-' || isDigit(p.rest[0]):
		return p.number(true)
	}
	if c := p.rest[0]; c != '*' && (!isAlphanumeric(c) || isDigit(c)) {
		return false
	}
	p.span(func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0 })
	return true
}

// quoted goes past what follows a quote, up to the one that ends it.
func (p *structured) quoted() bool {
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return true
		case c == '\\':
			i++
		case c < ' ' || c > '~':
			return false
		}
	}
	return false
}

// number goes past an Integer, or a Decimal where there may be one.
func (p *structured) number(decimal bool) bool {
	p.take("-")
	whole := len(p.span(isDigit))
	if !decimal || !p.take(".") {
		return whole > 0 && whole <= 15
	}
	fraction := len(p.span(isDigit))
	return whole > 0 && whole <= 12 && fraction > 0 && fraction <= 3
}
