package layout

import "bytes"

// style is how a text is laid out where nothing can be copied.
type style struct {
	known   bool   // something was seen of it: the text has a container that holds something
	lines   bool   // containers go over several lines
	newline string // how a line ends
	indent  string // one level
	colon   string // with what stands around it
	comma   string // what follows a comma within a line
	// What stands within the brackets of a container on one line.
	objectPad, arrayPad string
}

// usual is the style of who has shown none.
var usual = style{known: true, lines: true, newline: "\n", indent: "  ", colon: ": ", comma: " "}

// fits reports whether parts of a text in the other style can stand in one of this.
func (s style) fits(other style) bool {
	return !other.known || s.lines == other.lines && s.newline == other.newline && s.indent == other.indent
}

// scanner finds a text's style: of each thing, as it is the first time.
type scanner struct {
	style
	text  []byte
	at    int
	depth int

	colonSeen, commaSeen, objectPadSeen, arrayPadSeen bool
}

// styleOf returns the style of a JSON text.
func styleOf(text []byte) style {
	s := scanner{text: text}
	for s.at < len(text) {
		switch c := text[s.at]; c {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			s.depth++
			s.opening(c)
		case '}', ']':
			s.depth--
		case ':':
			s.colonAt()
		case ',':
			if after := s.whiteAfter(); !s.commaSeen && bytes.IndexByte(after, '\n') < 0 {
				s.comma, s.commaSeen = string(after), true
			}
		}
		s.at++
	}
	return s.complete()
}

// skipString goes behind the string that begins here.
func (s *scanner) skipString() {
	for s.at++; s.at < len(s.text) && s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// opening looks at what follows the bracket of a container.
func (s *scanner) opening(bracket byte) {
	white := s.whiteAfter()
	behind := s.at + 1 + len(white)
	if behind >= len(s.text) || s.text[behind] == '}' || s.text[behind] == ']' {
		return // it is empty
	}
	s.known = true
	end := bytes.LastIndexByte(white, '\n')
	switch {
	case end >= 0 && !s.lines:
		s.lines, s.newline = true, "\n"
		if bytes.Contains(white, []byte("\r\n")) {
			s.newline = "\r\n"
		}
		s.indent = string(white[end+1:])
		if len(s.indent)%s.depth == 0 {
			s.indent = s.indent[:len(s.indent)/s.depth]
		}
	case end >= 0:
	case bracket == '{' && !s.objectPadSeen:
		s.objectPad, s.objectPadSeen = string(white), true
	case bracket == '[' && !s.arrayPadSeen:
		s.arrayPad, s.arrayPadSeen = string(white), true
	}
}

func (s *scanner) colonAt() {
	after := s.whiteAfter()
	before := s.text[len(bytes.TrimRight(s.text[:s.at], " \t\r\n")):s.at]
	if !s.colonSeen && bytes.IndexByte(before, '\n') < 0 && bytes.IndexByte(after, '\n') < 0 {
		s.colon, s.colonSeen = string(before)+":"+string(after), true
	}
}

// whiteAfter returns the white space behind the character here.
func (s *scanner) whiteAfter() []byte {
	rest := s.text[s.at+1:]
	return rest[:len(rest)-len(bytes.TrimLeft(rest, " \t\r\n"))]
}

// complete fills in what the text has not shown by what it has.
func (s *scanner) complete() style {
	if !s.colonSeen {
		s.colon = ":"
		if s.lines || s.comma != "" {
			s.colon = ": "
		}
	}
	if !s.commaSeen && s.colon[len(s.colon)-1] != ':' {
		s.comma = " "
	}
	return s.style
}
