package gcstest

import "net/http"

// conditions are a request's preconditions, nil where it has none. See
// https://cloud.google.com/storage/docs/request-preconditions.
type conditions struct {
	generation, notGeneration         *int64
	metageneration, notMetageneration *int64
}

// check compares the conditions with the live object, nil for none. A generation
// of 0 stands for there being none. It returns nil if all hold.
func (p conditions) check(o *object, reading bool) *answer {
	var generation, metageneration int64
	if o != nil {
		generation, metageneration = o.Generation, o.Metageneration
	}
	switch {
	case p.generation != nil && *p.generation != generation,
		p.metageneration != nil && (o == nil || *p.metageneration != metageneration):
		return conditionFailed()
	case p.notGeneration != nil && *p.notGeneration == generation,
		p.notMetageneration != nil && (o == nil || *p.notMetageneration == metageneration):
		if reading {
			return refuse(empty(http.StatusNotModified))
		}
		return conditionFailed()
	}
	return nil
}

// exclude reports whether one condition rules out that the other may be given.
func (p conditions) exclude() bool {
	return p.generation != nil && p.notGeneration != nil || p.metageneration != nil && p.notMetageneration != nil
}

func conditionFailed() *answer {
	a := failed(http.StatusPreconditionFailed, "", "At least one of the pre-conditions you specified did not hold.")
	a.refusal.locationType, a.refusal.loc = "header", "If-Match"
	return &a
}
