package udm

// Remedy is what to do about one of the event's findings, as a sentence.
func (e Event) Remedy(f Finding) string {
	return e.logType.table().remedy(findingKey{f.Rule, f.Effect, f.Path, f.Field})
}

// remedy is what to do about a kind of finding.
func (t *table) remedy(f findingKey) string {
	switch {
	case f.rule == RuleTime && f.effect == Invalid:
		return "Find the record in the raw log by its _id, and ask Netskope for its time. A parser that goes on " +
			"without one takes the time of parsing."
	case f.effect == Invalid:
		return "The preview made this value: please report it, with the alert."
	case f.effect == Demoted:
		return "Rules on the stronger type miss these events: let them look for the weaker one, too, or supply the " +
			"field with a parser extension."
	case f.rule == RuleEnum && t.asItIs(f.field) != "":
		return t.asItIs(f.field) + " has it as it is: let rules look there, or map it with a parser extension."
	case f.effect == Dropped:
		return "The raw log has it: search there, or map it with a parser extension."
	case f.rule == RuleID:
		return "Find the alert by its time and user: no search for its _id finds the event."
	case f.rule == RuleRange:
		return "Let no rule rest on these coordinates."
	}
	return "Rules that compare this field must allow for such values."
}

// asItIs is a UDM path that has any text of a field as it is, or nothing.
func (t *table) asItIs(field string) string {
	for i := range t.rows {
		r := &t.rows[i]
		if r.how.name == asText.name && r.when == nil && r.skip == nil && r.rank < 2 &&
			len(r.from) == 1 && r.from[0] == field {
			return r.target()
		}
	}
	return ""
}
