package policy

import "github.com/goccy/go-yaml"

// Signing says what entity tags are signed with, and the log is sealed with.
type Signing struct {
	// Keyring names the file with the keys, "" for the one beside the store.
	Keyring string
}

var signingKeys = []*key{
	{name: "keyring", kind: kindText, required: true, doc: "File with the keys, which `ifmatch keyring rotate` makes and changes. Its name is relative to this file, and nobody but whom the server runs as may read it. It is read again when it changes."},
}

func (d *decoder) signing(v *value) (s Signing) {
	if v.set {
		s.Keyring = d.beside(v.get("keyring").text)
	}
	return s
}

// members returns what stands under signing in a policy file, nothing where that is all
// defaults.
func (s *Signing) members() yaml.MapSlice {
	if s.Keyring == "" {
		return nil
	}
	return yaml.MapSlice{{Key: "signing", Value: yaml.MapSlice{{Key: "keyring", Value: s.Keyring}}}}
}
