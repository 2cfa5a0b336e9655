package policy

import (
	"reflect"
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	tests := []struct{ origin, want string }{ // want "" for valid
		{"https://app.example.com", ""},
		{"http://localhost:3000", ""},
		{"http://127.0.0.1:1", ""},
		{"http://[::1]:8081", ""},
		{"https://xn--bcher-kva.example", ""},
		{"https://under_score.example:65535", ""},
		{"chrome-extension://abcdefghijklmnop", ""},
		{"capacitor://localhost", ""},
		{"*", ""},
		{"null", `null is no origin: every page can have it, from a sandbox or a file; serve the page over http or https, or write "*" for all pages`},
		{"app.example.com", `"app.example.com" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`},
		{"localhost:3000", `"localhost:3000" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`},
		{"https://", `"https://" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`},
		{"file:///home", `"file:///home" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`},
		{"https://me@app.example.com", `"https://me@app.example.com" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`},
		{"https://a.example https://b.example", `"https://a.example https://b.example" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`},
		{"https://*.example.com", `"https://*.example.com" is a pattern; write each origin in full, or "*" for all`},
		{"https://app.example.com/", `"https://app.example.com/" would never match what browsers send; write https://app.example.com`},
		{"https://app.example.com/a?b#c", `"https://app.example.com/a?b#c" would never match what browsers send; write https://app.example.com`},
		{"HTTPS://App.Example.com:8443", `"HTTPS://App.Example.com:8443" would never match what browsers send; write https://app.example.com:8443`},
		{"https://app.example.com:443", `"https://app.example.com:443" would never match what browsers send; write https://app.example.com`},
		{"http://app.example.com:80", `"http://app.example.com:80" would never match what browsers send; write http://app.example.com`},
		{"http://app.example.com:443", ""},
		{"http://app.example.com:08080", `"http://app.example.com:08080" would never match what browsers send; write http://app.example.com:8080`},
		{"http://[0:0::1]:80", `"http://[0:0::1]:80" would never match what browsers send; write http://[::1]`},
		{"http://app.example.com:", `the port of "http://app.example.com:" is not a number from 1 to 65535`},
		{"http://app.example.com:0", `the port of "http://app.example.com:0" is not a number from 1 to 65535`},
		{"http://app.example.com:65536", `the port of "http://app.example.com:65536" is not a number from 1 to 65535`},
		{"https://bücher.example", `the host of "https://bücher.example" is not as browsers send it; write it in ASCII, as in https://xn--bcher-kva.example`},
		{"https://a..example", `the host of "https://a..example" is not as browsers send it; write it in ASCII, as in https://xn--bcher-kva.example`},
	}
	for _, tt := range tests {
		t.Run(tt.origin, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte("store: 'memory:'\ncors:\n  origins: ['"+tt.origin+"']\n"))
			direct := CheckOrigins([]string{tt.origin})
			if tt.want == "" {
				if err != nil || direct != nil || !reflect.DeepEqual(p.CORS.Origins, []string{tt.origin}) {
					t.Errorf("%+v, %v, %v", p, err, direct)
				}
				return
			}
			if want := "p.yaml:3:13: cors.origins[0]: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if direct == nil || direct.Error() != tt.want {
				t.Errorf("by itself it is judged %v, want %s", direct, tt.want)
			}
			if again := lastWord(tt.want); strings.Contains(tt.want, "never match") && CheckOrigins([]string{again}) != nil {
				t.Errorf("%s is proposed, and refused in its turn", again)
			}
		})
	}
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

func TestListsOfOrigins(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string
		err        string
	}{
		{"none by default", "", nil, ""},
		{"an empty block", "cors: {}", nil, ""},
		{"an empty list", "cors: {origins: []}", nil, ""},
		{"several, in order", "cors: {origins: [http://b, 'http://a:1']}", []string{"http://b", "http://a:1"}, ""},
		{"without quotes", "cors:\n  origins:\n    - http://b:1\n    - http://a:1\n", []string{"http://b:1", "http://a:1"}, ""},
		{"all", "cors: {origins: ['*']}", []string{"*"}, ""},
		{"all and one", "cors: {origins: ['*', http://a]}", nil, `p:1:17: cors.origins: "*" stands for every origin; leave the others out, or leave it out`},
		{"no list", "cors: {origins: http://a:1}", nil, "p:1:17: cors.origins: must be a list of texts, as in [a, b]"},
		{"no value", "cors: {origins: }", nil, "p:1:8: cors.origins: has no value; give it one, or remove the key to have the default"},
		{"a number", "cors: {origins: [http://a, 80]}", nil, `p:1:28: cors.origins[1]: must be a text; write "80" in quotes`},
		{"a block", "cors: {origins: [{a: b}]}", nil, "p:1:18: cors.origins[0]: must be a text; put quotes around one that holds a colon"},
		{"what is read as a block", "cors: {origins: [http://a:1]}", nil, "p:1:18: cors.origins[0]: must be a text; put quotes around one that holds a colon"},
		{"an empty text", "cors: {origins: ['']}", nil, "p:1:18: cors.origins[0]: must not be empty"},
		{"text for the block", "cors: '*'", nil, "p:1:7: cors: must be a block with the keys origins"},
		{"unknown key", "cors: {origin: []}", nil, "p:1:8: cors.origin: unknown key, did you mean origins?; valid keys are origins"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p", []byte(tt.file))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got  %v\nwant %s", err, tt.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(p.CORS.Origins, tt.want) {
				t.Fatalf("%+v, %v", p, err)
			}
			text, err := p.MarshalYAML()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Parse("printed", text); err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, text)
			}
		})
	}
}
