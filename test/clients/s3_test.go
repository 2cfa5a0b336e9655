package clients

import (
	"os"
	"testing"
)

// TestS3 has the S3 client for JavaScript use its conditional requests.
func TestS3(t *testing.T) {
	need(t, "node", "npm")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("s3")); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, dir, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"); err != nil {
		t.Skip("SKIPPED, NOT CHECKED: the S3 client could not be fetched")
	}
	url := serve(t, "collections: [{name: docs, path: /docs}]\n")
	out, err := run(t, dir, "node", "main.mjs", url)
	const want = `create: 201 "1"
create again: 412 refused
read: 200 "1" {"title":"A"}
overwrite what was read: 200 "2"
overwrite what is gone: 412 refused
overwrite unseen: 428 refused
read what changed: 200 "2" {"title":"C"}
read what did not: 304 refused
delete what is gone: 412 refused
delete what was read: 204 -
read nothing: 404 refused
`
	if err != nil || out != want {
		t.Errorf("%v; the client was answered\n%swant\n%s", err, out, want)
	}
}
