package main

import (
	"encoding/hex"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/policy"
)

type keyCmd struct {
	New newKeyCmd `cmd:"" help:"Make an API key, and print it with its line for auth.keys in the policy file."`
}

type newKeyCmd struct {
	Name string `placeholder:"NAME" help:"Name of whoever will hold the key, as the history shows it (default: made of the key's digest)."`
}

// Run prints a fresh key, and what a server keeps of it. It is kept nowhere else.
func (c *newKeyCmd) Run(k *kong.Context) error {
	key, digest := access.NewKey()
	line := policy.APIKey{Name: c.Name, SHA256: digest}
	if c.Name == "" {
		line.Name = "key-" + hex.EncodeToString(digest[:4])
	}
	if err := policy.CheckPrincipal(line.Name); err != nil {
		return blame(k, "name", err)
	}
	text, err := line.Line()
	if err != nil {
		return err
	}
	fmt.Printf("key          %s\nauth.keys    - %s\n", key, text)
	fmt.Fprintf(os.Stderr, `
The key is shown this once. Give it to its holder, who sends it as Authorization: Bearer KEY.
The line below it goes into the policy file. One that lets whoever has a key do everything:

access: true
auth:
  keys:
    - %s

Start with it: ifmatch serve --config FILE. Who may do what can be said for each collection
and action, as in access: {read: true, write: '"editor" in principal.roles'}.
`, text)
	return nil
}
