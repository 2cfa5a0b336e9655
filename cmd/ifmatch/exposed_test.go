package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/policy"
)

// TestExposed: files with secrets that everybody may read are told of, and used.
func TestExposed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED, NOT CHECKED: files have no modes here")
	}
	folder := t.TempDir()
	write := func(name, text string, mode fs.FileMode) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := strings.Repeat("s", 32)
	jwk := fmt.Sprintf(`{"kty":"oct","alg":"HS256","k":%q}`, base64.RawURLEncoding.EncodeToString([]byte(secret)))
	const public = `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	for _, tt := range []struct {
		name, key, alg string
		mode           fs.FileMode
		told           bool
	}{
		{"a secret", secret, "alg: HS256, ", 0o644, true},
		{"a secret that others may write", secret, "alg: HS256, ", 0o602, true},
		{"a secret for the group", secret, "alg: HS256, ", 0o640, false},
		{"a secret as a JWK", jwk, "", 0o644, true},
		{"a public key", public, "", 0o644, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write("key", tt.key, tt.mode)
			p, err := policy.Load(write("policy.yaml", "auth: {jwt: {audience: a, keys: [{"+tt.alg+"file: key}]}}\ncollections: [{name: notes}]\n", 0o644))
			if err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			v, err := verifier(p.Auth, slog.New(slog.NewTextHandler(&said, nil)))
			if err != nil || v == nil {
				t.Fatalf("%v, %v", v, err)
			}
			if told := strings.Contains(said.String(), "file="+path) && strings.Contains(said.String(), "everybody"); told != tt.told {
				t.Errorf("said %q", said.String())
			}
		})
	}
	for mode, told := range map[fs.FileMode]bool{0o644: true, 0o640: false, 0o600: false} {
		issued := issue(t, folder)
		if err := os.Chmod(issued.key, mode); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		pair, err := openPair(t.Context(), nil, &policy.TLS{Cert: issued.cert, Key: issued.key}, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil || pair == nil {
			t.Fatalf("%v, %v", pair, err)
		}
		if strings.Contains(said.String(), "file="+issued.key) != told {
			t.Errorf("of a key under %04o is said %q", mode, said.String())
		}
	}
}
