package problem

import "github.com/ifmatch/ifmatch"

// FromResult returns the problem that a verdict of [ifmatch.Evaluate] is, nil
// for Fresh and NotModified, which are none. Who knows more of the state, its
// current tag above all, sets that in the document.
func FromResult(res ifmatch.Result) *Document {
	switch res.Verdict {
	case ifmatch.Fresh, ifmatch.NotModified:
		return nil
	case ifmatch.Missing:
		return New(NotFound, "")
	case ifmatch.Malformed:
		if res.By == ifmatch.FieldVersion {
			return New(Malformed, "If-Match and the version in the content name two states. Send one of them.")
		}
		return New(Malformed, `An If-Match or If-None-Match header cannot be read. The form is "tag", "tag" with the quotes, or * alone.`)
	case ifmatch.Required:
		return New(PreconditionRequired, "")
	case ifmatch.Stale:
		return &Document{Code: Stale, YourVersion: res.Base}
	case ifmatch.Failed:
		return failed(res)
	}
	return New(Internal, "")
}

func failed(res ifmatch.Result) *Document {
	switch {
	case res.Forged:
		return New(TokenForged, "")
	case res.WeakOnly:
		return New(WeakValidator, "")
	case res.By == ifmatch.FieldIfNoneMatch && res.AnyTag:
		return New(Exists, "")
	case res.By == ifmatch.FieldIfNoneMatch:
		return New(Exists, "If-None-Match names the state that the document is in. Leave it out, or send the tag in If-Match.")
	case res.AnyTag:
		return New(Stale, "If-Match: * asks for a document that exists, and there is none. Leave it out to create one.")
	}
	return New(Stale, "")
}
