package policy

import "time"

// Idempotency says what is done about Idempotency-Key.
type Idempotency struct {
	// Keep is how long the answer to a request is kept under its key, more than 0.
	Keep time.Duration
}

var idempotencyKeys = []*key{
	{name: "keep", kind: kindDuration, def: "24h", doc: "How long the answer to a write is kept under its `Idempotency-Key`. So long the same request is answered with it and not carried out again; after that the key is a new one. Clients have to stop trying before then."},
}
