package cli

import (
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Strangers warns of objects that somebody has left in the ledger's folder.
func Strangers(bucket string, names []string) string {
	const most = 3
	shown := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		shown = append(shown, "gs://"+bucket+"/"+text.Clean(name))
	}
	sentence := text.Count(len(names), "object", "objects") + " in the ledger's folder that the collector did not make: " +
		strings.Join(shown, ", ")
	if more := len(names) - most; more > 0 {
		sentence += " and " + text.Number(more) + " more"
	}
	return sentence + ". Runs pass over such objects; delete what nobody needs, or move it elsewhere."
}
