package netskope

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
)

// cursor is the operation that an answer names, or nothing.
func cursor(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if _, ok := alert.EpochSeconds(raw); ok {
		return string(raw)
	}
	return ""
}

// cursorWait is how long an answer's wait_time asks to wait before its cursor is
// followed. It comes in seconds, as a number or as a string.
func cursorWait(raw []byte) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `" `), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxCursorWait.Seconds()) * float64(time.Second))
}
