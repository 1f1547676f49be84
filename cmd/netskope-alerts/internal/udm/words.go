package udm

import (
	"slices"
	"strings"
)

// platformOf is the member of Platform that an operating system's name contains, the
// first of the three that the original searches for, or nothing.
func platformOf(os string) string {
	os = strings.ToUpper(os)
	for _, platform := range of("WINDOWS", "MAC", "LINUX") {
		if strings.Contains(os, platform) {
			return platform
		}
	}
	return ""
}

func putPlatform(m *mapping, s string) verdict {
	platform := platformOf(s)
	if platform == "" {
		return verdict{Skipped, "contains none of windows, mac, linux"}
	}
	return m.put(platform)
}

// actionOf is the member of Action for a Netskope action, or nothing.
func actionOf(action string) string {
	switch strings.ToLower(action) {
	case "alert", "bypass":
		return "QUARANTINE"
	case "allow":
		return "ALLOW"
	case "block":
		return "BLOCK"
	}
	return ""
}

func putAction(m *mapping, s string) verdict {
	action := actionOf(s)
	if action == "" {
		return m.leaveOut(RuleEnum, "has no member in Action")
	}
	return m.put(action)
}

func putAlertState(m *mapping, s string) verdict {
	switch strings.ToLower(s) {
	case "yes":
		return m.put("ALERTING")
	case "no":
		return m.put("NOT_ALERTING")
	}
	return verdict{Skipped, "is neither yes nor no"}
}

// severityOf is the member of ProductSeverity for a Netskope severity, or nothing.
func severityOf(severity string) string {
	severity = strings.ToUpper(severity)
	if severity == "UNKNOWN" {
		return "UNKNOWN_SEVERITY"
	}
	if slices.Contains(severities, severity) {
		return severity
	}
	return ""
}

func putSeverity(m *mapping, s string) verdict {
	severity := severityOf(s)
	if severity == "" {
		return m.leaveOut(RuleEnum, "has no member in ProductSeverity")
	}
	return m.put(severity)
}

// putCCLSeverity reads how much Netskope trusts an application.
func putCCLSeverity(m *mapping, s string) verdict {
	switch strings.ToLower(s) {
	case "poor", "low":
		return m.put("LOW")
	case "medium":
		return m.put("MEDIUM")
	case "high", "excellent":
		return m.put("HIGH")
	case "unknown":
		return verdict{Skipped, "is unknown"}
	}
	return m.leaveOut(RuleEnum, "has no member in ProductSeverity")
}

func putConfidence(m *mapping, s string) verdict {
	switch strings.ToLower(s) {
	case "poor", "low":
		return m.put("LOW_CONFIDENCE")
	case "medium":
		return m.put("MEDIUM_CONFIDENCE")
	case "high", "excellent":
		return m.put("HIGH_CONFIDENCE")
	case "unknown":
		return verdict{Skipped, "is unknown"}
	}
	return m.leaveOut(RuleEnum, "has no member in ProductConfidence")
}
