package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// forged is a token that must be refused, and what the log says of it.
type forged struct{ token, cause string }

// attacks are the forged tokens. The server knows rs as r1 for RS256, es as e1 for
// ES256, ed as d1 for EdDSA and the secret h1 for HS256.
func attacks(t *testing.T, rs, es, ed, h *signer) map[string]forged {
	t.Helper()
	stranger := newSigner(t, jwt.SigningMethodRS256, "r1")
	public := &signer{T: t, method: jwt.SigningMethodHS256, key: []byte(rs.public), kid: "r1"}
	claims := text(t, good(nil))
	header := func(m map[string]any) string { return text(t, m) }
	all := map[string]forged{
		"another's key":                {stranger.token(good(nil), nil), "the signature does not verify"},
		"no kid, and two keys fit":     {rs.token(good(nil), map[string]any{"kid": nil}), "the token has no kid, and 2 keys are for RS256"},
		"kid of nobody":                {rs.token(good(nil), map[string]any{"kid": "r9"}), `no key has the kid \"r9\"`},
		"kid of another key":           {rs.token(good(nil), map[string]any{"kid": "r2"}), "the signature does not verify"},
		"kid of another algorithm":     {rs.token(good(nil), map[string]any{"kid": "e1"}), `the key \"e1\" is not for alg \"RS256\"`},
		"kid is a path":                {rs.token(good(nil), map[string]any{"kid": "../../dev/null"}), "no key has the kid"},
		"kid is a number":              {rs.token(good(nil), map[string]any{"kid": 1}), "the token's kid is no text"},
		"kid is empty":                 {rs.token(good(nil), map[string]any{"kid": ""}), "the token's kid is no text"},
		"kid is long":                  {rs.token(good(nil), map[string]any{"kid": strings.Repeat("k", 257)}), "the token's kid is no text"},
		"RS256 to HS256":               {public.token(good(nil), nil), `the key \"r1\" is not for alg \"HS256\"`},
		"RS256 to HS256, trimmed":      {(&signer{T: t, method: jwt.SigningMethodHS256, key: []byte(strings.TrimSpace(rs.public)), kid: "r1"}).token(good(nil), nil), "is not for alg"},
		"RS256 to HS256, without kid":  {public.token(good(nil), map[string]any{"kid": nil}), "the signature does not verify"},
		"HS256 under the secret's kid": {public.token(good(nil), map[string]any{"kid": "h1"}), "the signature does not verify"},
		"RS512 with the key for RS256": {(&signer{T: t, method: jwt.SigningMethodRS512, key: rs.key, kid: "r1"}).token(good(nil), nil), `the key \"r1\" is not for alg \"RS512\"`},
		"PS256 with the key for RS256": {(&signer{T: t, method: jwt.SigningMethodPS256, key: rs.key, kid: "r1"}).token(good(nil), nil), `the key \"r1\" is not for alg \"PS256\"`},
		"alg says RS384":               {rs.token(good(nil), map[string]any{"alg": "RS384"}), "is not for alg"},
		"alg in small letters":         {rs.token(good(nil), map[string]any{"alg": "rs256"}), "is not for alg"},
		"no alg":                       {rs.token(good(nil), map[string]any{"alg": nil}), "the token's header has no alg"},
		"alg is a list":                {rs.token(good(nil), map[string]any{"alg": []string{"RS256"}}), "the token's header has no alg"},
		"crit":                         {rs.token(good(nil), map[string]any{"crit": []string{"exp"}}), "the token's header has crit"},
		"crit is empty":                {rs.token(good(nil), map[string]any{"crit": []string{}}), "the token's header has crit"},
		"b64":                          {rs.token(good(nil), map[string]any{"b64": false, "crit": []string{"b64"}}), "the token's header has crit"},
		"for logging out":              {rs.token(good(nil), map[string]any{"typ": "logout+jwt"}), "another kind of token"},
		"typ is a number":              {rs.token(good(nil), map[string]any{"typ": 1}), "another kind of token"},

		"expired":             {rs.token(good(map[string]any{"exp": time.Now().Add(-time.Second).Unix()}), nil), "token is expired"},
		"expired long ago":    {rs.token(good(map[string]any{"exp": 1}), nil), "token is expired"},
		"exp is zero":         {rs.token(good(map[string]any{"exp": 0}), nil), "token is expired"},
		"no exp":              {rs.token(good(map[string]any{"exp": nil}), nil), "exp claim is required"},
		"exp is a text":       {rs.token(good(map[string]any{"exp": "9999999999"}), nil), "exp is no date"},
		"exp is endless":      {rs.token(good(map[string]any{"exp": json.Number("1e300")}), nil), "exp is no date"},
		"exp is negative":     {rs.token(good(map[string]any{"exp": -1}), nil), "exp is no date"},
		"not valid yet":       {rs.token(good(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), nil), "token is not valid yet"},
		"nbf is a text":       {rs.token(good(map[string]any{"nbf": "1"}), nil), "nbf is no date"},
		"from the future":     {rs.token(good(map[string]any{"iat": time.Now().Add(time.Hour).Unix()}), nil), "token used before issued"},
		"another's audience":  {rs.token(good(map[string]any{"aud": "billing"}), nil), "token has invalid audience"},
		"audiences of others": {rs.token(good(map[string]any{"aud": []string{"billing", "notes2", "Notes"}}), nil), "token has invalid audience"},
		"no audience":         {rs.token(good(map[string]any{"aud": nil}), nil), "aud claim is required"},
		"empty audience":      {rs.token(good(map[string]any{"aud": ""}), nil), "aud claim is required"},
		"audience is null":    {rs.token(good(map[string]any{"aud": json.RawMessage("null")}), nil), "aud is neither a text"},
		"audience is mixed":   {rs.token(good(map[string]any{"aud": []any{"notes", 1}}), nil), "aud holds what is no text"},
		"another issuer":      {rs.token(good(map[string]any{"iss": "https://evil.example.com"}), nil), "is none that is accepted"},
		"issuer with a slash": {rs.token(good(map[string]any{"iss": "https://login.example.com/"}), nil), "is none that is accepted"},
		"no issuer":           {rs.token(good(map[string]any{"iss": nil}), nil), "is none that is accepted"},
		"issuer is a list":    {rs.token(good(map[string]any{"iss": []string{"https://login.example.com"}}), nil), "iss is no text"},
		"nobody":              {rs.token(good(map[string]any{"sub": nil}), nil), "/sub names nobody"},
		"an empty name":       {rs.token(good(map[string]any{"sub": ""}), nil), "/sub names nobody"},
		"a name of 257 bytes": {rs.token(good(map[string]any{"sub": strings.Repeat("x", 253)}), nil), "/sub names nobody"},
		"a name with a line":  {rs.token(good(map[string]any{"sub": "ann\nbob"}), nil), "/sub names nobody"},
		"a name is a number":  {rs.token(good(map[string]any{"sub": 7}), nil), "/sub names nobody"},
		"roles are a number":  {rs.token(good(map[string]any{"realm_access": map[string]any{"roles": 1}}), nil), "/realm_access/roles is neither a text"},
		"a role is an object": {rs.token(good(map[string]any{"realm_access": map[string]any{"roles": []any{"editor", map[string]any{}}}}), nil), "/realm_access/roles holds what is no text"},
		"too many roles":      {rs.token(good(map[string]any{"realm_access": map[string]any{"roles": strings.Repeat("r ", 101)}}), nil), "holds more than 100 roles"},

		"alg twice":          {rs.raw(`{"alg":"RS256","kid":"r1","alg":"RS256"}`, claims), "duplicate-name"},
		"a claim twice":      {rs.raw(header(map[string]any{"alg": "RS256", "kid": "r1"}), `{"aud":"billing",`+claims[1:]), "duplicate-name"},
		"a claim twice deep": {rs.raw(header(map[string]any{"alg": "RS256", "kid": "r1"}), `{"x":{"y":1,"\u0079":2},`+claims[1:]), "duplicate-name"},
		"claims are a list":  {rs.raw(header(map[string]any{"alg": "RS256", "kid": "r1"}), `[`+claims+`]`), "is no object"},
		"claims are no JSON": {rs.raw(header(map[string]any{"alg": "RS256", "kid": "r1"}), claims+"x"), "trailing-data"},
		"header is no JSON":  {rs.raw(`{"alg":"RS256","kid":"r1"`, claims), "truncated"},
		"claims nest":        {rs.token(good(map[string]any{"deep": json.RawMessage(strings.Repeat("[", 20) + strings.Repeat("]", 20))}), nil), "too-deep"},
		"not UTF-8":          {rs.raw(header(map[string]any{"alg": "RS256", "kid": "r1"}), "{\"x\":\"\xff\","+claims[1:]), "invalid-utf8"},
	}
	for name, jwk := range map[string]string{"jwk": "jwk", "jku": "jku", "x5u": "x5u", "x5c": "x5c"} {
		value := any("https://evil.example.com/keys.json")
		if jwk == "jwk" {
			value = map[string]any{"kty": "RSA", "n": "AQAB", "e": "AQAB"}
		}
		all["brings its own "+name] = forged{stranger.token(good(nil), map[string]any{jwk: value}), "the signature does not verify"}
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", ""} {
		unsigned := encoded(header(map[string]any{"alg": none, "kid": "r1"})) + "." + encoded(claims) + "."
		all["unsigned: "+none] = forged{unsigned, "is not for alg"}
		all["signed with none: "+none] = forged{unsigned + "AAAA", "is not for alg"}
	}
	for name, s := range map[string]*signer{"RS256": rs, "ES256": es, "EdDSA": ed, "HS256": h} {
		parts := strings.Split(s.token(good(nil), nil), ".")
		other := strings.Split(s.token(good(map[string]any{"sub": "bob"}), nil), ".")
		all["other claims "+name] = forged{parts[0] + "." + other[1] + "." + parts[2], "the signature does not verify"}
		all["no signature "+name] = forged{parts[0] + "." + parts[1] + ".", "the signature does not verify"}
		all["half a signature "+name] = forged{parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])/8*4], "the signature does not verify"}
		all["other header "+name] = forged{encoded(`{"alg":"`+name+`","kid":"`+s.kid+`" }`) + "." + parts[1] + "." + parts[2], "the signature does not verify"}
	}
	parts := strings.Split(es.token(good(nil), nil), ".")
	all["ECDSA signature of zeros"] = forged{parts[0] + "." + parts[1] + "." + encoded(string(make([]byte, 64))), "the signature does not verify"}
	all["trailing bits"] = forged{parts[0] + "." + parts[1] + "." + flipTrailingBits(parts[2]), "is not valid base64url"}
	return all
}

// flipTrailingBits returns base64url that a lenient decoder takes for the same bytes.
func flipTrailingBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last^1])
}

// serveTokens starts the program with the keys of attacks.
func serveTokens(t *testing.T) (s *server, rs, es, ed, h *signer) {
	t.Helper()
	dir := t.TempDir()
	rs, es, ed = newSigner(t, jwt.SigningMethodRS256, "r1"), newSigner(t, jwt.SigningMethodES256, "e1"), newSigner(t, jwt.SigningMethodEdDSA, "d1")
	h = &signer{T: t, method: jwt.SigningMethodHS256, key: []byte("a secret of at least 32 bytes, so long"), kid: "h1"}
	for name, content := range map[string]string{"r1.pem": rs.public, "r2.pem": newSigner(t, jwt.SigningMethodRS256, "r2").public, "e1.pem": es.public, "d1.pem": ed.public, "h1": string(h.key.([]byte)) + "\n"} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	file := writeFile(t, filepath.Join(dir, "policy.yaml"), `listen: 127.0.0.1:0
store: 'memory:'
access: true
auth:
  jwt:
    audience: notes
    issuer: https://login.example.com
    roles_claim: realm_access.roles
    keys:
      - {alg: RS256, kid: r1, file: r1.pem}
      - {alg: RS256, kid: r2, file: r2.pem}
      - {alg: ES256, kid: e1, file: e1.pem}
      - {alg: EdDSA, kid: d1, file: d1.pem}
      - {alg: HS256, kid: h1, file: h1}
`)
	return serve(t, program(t, nil, "serve", "--config", file)), rs, es, ed, h
}

// TestForgedTokens: no forged token lets anybody in, none says to its maker what is
// wrong with it, and none leaves anything behind. The log says it.
func TestForgedTokens(t *testing.T) {
	s, rs, es, ed, h := serveTokens(t)
	for _, known := range []*signer{rs, es, ed, h} {
		if status, body := s.as("Bearer "+known.token(good(nil), nil), "PUT", "/v1/notes/"+known.kid); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", known.method.Alg(), status, body)
		}
	}
	everything := func() string {
		_, list := s.as("Bearer "+rs.token(good(nil), nil), "GET", "/v1/notes")
		_, history := s.as("Bearer "+rs.token(good(nil), nil), "GET", "/v1/notes/r1/_history")
		return list + history
	}
	before := everything()
	detail, causes := "", map[string]string{}
	for name, attack := range attacks(t, rs, es, ed, h) {
		t.Run(name, func(t *testing.T) {
			causes[refuseToken(t, s.url, attack.token, &detail)] = attack.cause
		})
	}
	if after := everything(); after != before {
		t.Errorf("forged tokens have left something behind: %s\nbefore: %s", after, before)
	}
	said := s.stop()
	for id, cause := range causes {
		line := regexp.MustCompile(`(?m)^.*"a token was refused" correlationId=` + id + `.*$`).FindString(said)
		if !strings.Contains(line, cause) {
			t.Errorf("the log says %q, want %q", line, cause)
		}
	}
	for _, secret := range []string{string(h.key.([]byte)), rs.token(good(nil), nil)[:80]} {
		if strings.Contains(said, secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

// refuseToken writes with a token, which must be refused as every other one, and
// returns the correlation id.
func refuseToken(t *testing.T, url, token string, detail *string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, url+"/v1/notes/r1", strings.NewReader(`{"forged":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", "*")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if challenge := answer.Header.Values("WWW-Authenticate"); answer.StatusCode != http.StatusUnauthorized || len(challenge) != 1 || challenge[0] != `Bearer error="invalid_token"` || answer.Header.Get("ETag") != "" {
		t.Errorf("%d %v: %s", answer.StatusCode, answer.Header, body)
	}
	var told struct{ Type, Detail, CorrelationID string }
	if err := json.Unmarshal(body, &told); err != nil || told.Type != "urn:ifmatch:problem:unauthenticated" {
		t.Errorf("%v: %s", err, body)
	}
	if *detail == "" {
		*detail = told.Detail
	}
	if told.Detail != *detail {
		t.Errorf("the caller is told %q, others %q", told.Detail, *detail)
	}
	return told.CorrelationID
}

// TestUnreadableTokens: what has not even the shape of a token, or is too large, is
// refused as well.
func TestUnreadableTokens(t *testing.T) {
	s, rs, _, _, _ := serveTokens(t)
	token := rs.token(good(nil), nil)
	filled := func(n int) string { return rs.token(good(map[string]any{"fill": strings.Repeat("x", n)}), nil) }
	for name, tt := range map[string]struct {
		authorization string
		want          int
	}{
		"good":             {"Bearer " + token, http.StatusCreated},
		"four parts":       {"Bearer " + token + ".x", http.StatusUnauthorized},
		"encrypted":        {"Bearer " + token + ".x.y", http.StatusUnauthorized},
		"two parts":        {"Bearer " + token[:strings.LastIndexByte(token, '.')], http.StatusUnauthorized},
		"padded":           {"Bearer " + token + "=", http.StatusUnauthorized},
		"standard base64":  {"Bearer " + strings.Replace(token, ".", ".+/", 1), http.StatusUnauthorized},
		"a list":           {"Bearer " + token + ", " + token, http.StatusUnauthorized},
		"two":              {"Bearer " + token + " " + token, http.StatusUnauthorized},
		"Basic":            {"Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+token)), http.StatusUnauthorized},
		"DPoP":             {"DPoP " + token, http.StatusUnauthorized},
		"without a scheme": {token, http.StatusUnauthorized},
		"points":           {"Bearer ..", http.StatusUnauthorized},
		"empty":            {"Bearer ", http.StatusUnauthorized},
		"large":            {"Bearer " + filled(10<<10), http.StatusCreated},
		"far too large":    {"Bearer " + filled(32<<10), http.StatusRequestHeaderFieldsTooLarge},
	} {
		if status, body := s.as(tt.authorization, "PUT", "/v1/notes/"+strings.ReplaceAll(name, " ", "-")); status != tt.want {
			t.Errorf("%s: %d, want %d: %s", name, status, tt.want, body)
		}
	}
	for _, where := range []string{"/v1/notes/x?access_token=" + token, "/v1/notes/x?token=" + token} { // RFC 6750 §2.3
		if status, body := s.as("", "PUT", where); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", where, status, body)
		}
	}
	if _, list := s.as("Bearer "+token, "GET", "/v1/notes"); strings.Count(list, `"id"`) != 2 {
		t.Errorf("something was written: %s", list)
	}
	s.stop()
}
