package policy

import (
	"path/filepath"

	"github.com/goccy/go-yaml"
)

// TLS names the files of a server's certificate and of its key, each in PEM.
type TLS struct{ Cert, Key string }

var tlsKeys = []*key{
	{name: "cert", kind: kindText, required: true, doc: "File with the certificate in PEM, followed by those between it and the root. Its name is relative to this file."},
	{name: "key", kind: kindText, required: true, doc: "File with the certificate's private key in PEM, not encrypted."},
}

// tls makes a TLS of its block, nil where that is not there.
func (d *decoder) tls(v *value) *TLS {
	if !v.set {
		return nil
	}
	return &TLS{Cert: d.beside(v.get("cert").text), Key: d.beside(v.get("key").text)}
}

// beside returns the path of a file that is named relative to the policy file.
func (d *decoder) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(d.file), name)
}

func (t *TLS) members() yaml.MapSlice {
	return yaml.MapSlice{{Key: "cert", Value: t.Cert}, {Key: "key", Value: t.Key}}
}
