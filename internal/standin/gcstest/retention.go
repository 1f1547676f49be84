package gcstest

import (
	"net/http"
	"time"
)

// mayRetire says whether the live object, nil for none, may be deleted,
// overwritten or moved away: one under retention can only become noncurrent.
// https://cloud.google.com/storage/docs/bucket-lock
func (s *Server) mayRetire(o *object) *answer {
	if s.Versioning {
		return nil
	}
	return s.mayDrop(o)
}

// mayDrop says whether an object, nil for none, may be deleted for good.
func (s *Server) mayDrop(o *object) *answer {
	if o == nil || o.retained.IsZero() || !s.now().Before(o.retained) {
		return nil
	}
	return refuse(failed(http.StatusForbidden, "retentionPolicyNotMet",
		"Object '%s/%s' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until %s",
		o.bucket, o.name, o.retained.UTC().Format(time.RFC3339Nano)))
}

// mayReplace says whether something may take the place of the live object, nil
// for none.
func (s *Server) mayReplace(o *object) *answer {
	if o == nil {
		return nil
	}
	if refusal := s.permit(deleteObjects); refusal != nil {
		return refusal
	}
	return s.mayRetire(o)
}

// mayWrite makes the check of an upload: of its preconditions, and of what it
// would overwrite.
func (s *Server) mayWrite(p conditions) func(live *object) *answer {
	return func(live *object) *answer {
		if refusal := p.check(live, false); refusal != nil {
			return refusal
		}
		return s.mayReplace(live)
	}
}

// mayDelete makes the check of a deletion.
func (s *Server) mayDelete(p params) func(*object) *answer {
	return func(o *object) *answer {
		if refusal := p.conditions.check(o, false); refusal != nil {
			return refusal
		}
		if p.generation == 0 {
			return s.mayRetire(o)
		}
		return s.mayDrop(o)
	}
}

// byHand is the check of Put and Delete: none.
func byHand(*object) *answer { return nil }
