package policy

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
)

func TestSigning(t *testing.T) {
	file := filepath.Join(string(filepath.Separator)+"etc", "ifmatch", "policy.yaml")
	for text, want := range map[string]string{
		"": "", "signing: {keyring: ring}": filepath.Join(filepath.Dir(file), "ring"), "signing: {keyring: /run/secrets/ring}": "/run/secrets/ring",
	} {
		p, err := Parse(file, []byte(text))
		if err != nil || p.Signing.Keyring != want {
			t.Errorf("%s: %+v, %v, want %s", text, p, err, want)
			continue
		}
		var printed strings.Builder
		if err := p.Print(&printed); err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(file, []byte(printed.String())); err != nil || again.Signing != p.Signing {
			t.Errorf("%s is printed as %s: %v", text, printed.String(), err)
		}
	}
}

// TestSignedTokens: what is signed tells nobody what is hidden.
func TestSignedTokens(t *testing.T) {
	p, err := Parse("policy.yaml", []byte("auth: {}\ncollections:\n  - name: notes\n    contract: {token: signed}\n    fields: [{path: /secret, read: 'false'}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if k := p.Collections[0].Contract; k.Token != ifmatch.TokenSigned || k.Signer != nil {
		t.Errorf("%+v", k)
	}
}
