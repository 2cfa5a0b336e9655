package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/policy"
)

// keysVariable may hold API keys, in the form that they have under auth.keys. It
// is no flag: a command line can be read by everybody on the machine, and people
// would write keys there that are not hashed.
const keysVariable = "IFMATCH_KEYS"

// addKeys adds the environment's API keys to the policy's.
func addKeys(p *policy.Policy) error {
	if keys := os.Getenv(keysVariable); keys != "" {
		if err := p.AddKeys(keysVariable, []byte(keys)); err != nil {
			return err
		}
	}
	if p.Auth != nil && p.Auth.Mode == policy.AuthBearer && len(p.Auth.Keys) == 0 && p.Auth.JWT == nil && p.Auth.OIDC == nil {
		return fmt.Errorf("auth is on and there are no keys, so nobody could be let in: list some under auth.keys or in %s; ifmatch key new makes one. Or accept tokens, with auth.jwt or auth.oidc", keysVariable)
	}
	return nil
}

// open is what is said of an address that is refused.
const open = "can be reached from other machines, and nobody would have to say who they are: " +
	"add keys (ifmatch key new makes one, and prints the line for auth.keys), or listen on 127.0.0.1, or say --insecure if that is what you want"

// resolve returns the address to listen on, which is a loopback one unless callers
// are authenticated or the operator wants to do without. It is an IP address from
// here on, so that a name cannot come to mean another one.
func (c *serveCmd) resolve(k *kong.Context, p *policy.Policy) (*net.TCPAddr, error) {
	insecure, err := c.Insecure.on()
	if err != nil {
		return nil, blame(k, "insecure", err)
	}
	addr, err := net.ResolveTCPAddr("tcp", p.Listen)
	if err == nil && p.Auth == nil && !insecure && !addr.IP.IsLoopback() { // no IP stands for all interfaces
		err = fmt.Errorf("%s %s", p.Listen, open)
	}
	if err != nil {
		return nil, blame(k, "listen", err)
	}
	return addr, nil
}

// kindOfCredential names what callers send.
func kindOfCredential(a *policy.Auth) string {
	if len(a.Keys) == 0 {
		return "TOKEN"
	}
	return "KEY"
}

// authentication is what the server asks callers for. Tokens are judged by verifier.
func authentication(a *policy.Auth) (httpapi.Auth, error) {
	if a == nil {
		return httpapi.Auth{}, nil
	}
	if a.Mode == policy.AuthUpstream {
		return httpapi.Auth{Upstream: &access.Upstream{Header: http.CanonicalHeaderKey(a.Trusted.Header), From: a.Trusted.From}}, nil
	}
	keys := make([]access.Key, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = access.Key{Principal: access.Principal{Name: k.Name, Roles: k.Roles, Claims: k.Claims}, Digest: k.SHA256}
	}
	found, err := access.NewKeys(keys)
	return httpapi.Auth{Keys: found}, err
}

// toggle is a flag without a value. Unlike a bool its variable may be empty, and
// is judged with the other values.
type toggle string

// IsBool lets the flag stand alone.
func (toggle) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (t *toggle) Decode(ctx *kong.DecodeContext) error {
	*t = "true"
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		*t = toggle(ctx.Scan.Pop().String())
	}
	return nil
}

// on tells whether the flag was given.
func (t toggle) on() (bool, error) {
	switch t {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, errors.New("must be true or false, not " + strconv.Quote(string(t)))
}
