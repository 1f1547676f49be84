package check

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/stream"
)

// checkConfig reads the configuration, and reports whether it can be worked with.
func (c *checkup) checkConfig(lookup func(string) (string, bool)) bool {
	configs, err := settings.ConfigsFromEnv(lookup)
	if err == nil {
		c.config, c.others = configs[0], configs[1:]
		config := c.config
		c.pass("config", "%s by %s time go from %s to gs://%s/%s, the state is %s", recordsOf(config.Stream),
			config.TimeField, config.Tenant, config.BucketName, config.Folders().Feed, config.StateKey)
	}
	for _, p := range env.Problems(err) {
		c.reportProblem(p)
	}
	for _, p := range settings.Misspelt(lookup) {
		c.warn("config."+p.Name, p.Remedy, "%s %s", p.Name, p.Wrong)
	}
	if token, err := settings.TokenFromEnv(lookup); err != nil {
		c.skip("there is no token to look at", "token.shape")
	} else {
		c.checkToken(token)
	}
	return err == nil
}

// recordsOf are a stream's records in a sentence.
func recordsOf(s stream.Stream) string {
	if s == stream.Alert {
		return "alerts"
	}
	return s.String() + " events"
}

// reportProblem says what is wrong with a variable.
func (c *checkup) reportProblem(p *env.Problem) {
	name, _, _ := strings.Cut(p.Name, " ") // of two that contradict each other, the first
	subject, seen, remedy := "config."+name, p.Name, p.Remedy
	if p.Value != "" {
		seen += fmt.Sprintf("=%q", p.Value)
	}
	if p.Wrong == "" {
		c.fail(subject, "set "+p.Name+": "+remedy, "%s will not do", seen)
		return
	}
	c.fail(subject, remedy, "%s %s", seen, p.Wrong)
}

const (
	expirySoon = 14 * 24 * time.Hour
	newToken   = "make a new token for the service account (Netskope: " +
		"Settings > Administration > Administrators & Roles), and copy it whole"
	day = "2006-01-02"
)

// checkToken judges what a token that may be used looks like. It never shows any of it.
func (c *checkup) checkToken(token string) {
	const subject = "token.shape"
	expires, isJWT := jwtExpiry(token)
	left := time.Until(expires)
	lower := strings.ToLower(token)
	switch {
	case len(token) < 16:
		c.warn(subject, newToken, "has %d characters; that is too short for a token", len(token))
	case isJWT && !expires.IsZero() && left <= 0:
		c.fail(subject, newToken, "is a JWT that expired on %s", expires.Format(day))
	case isJWT && !expires.IsZero() && left < expirySoon:
		c.warn(subject, newToken, "is a JWT that expires on %s, in %s", expires.Format(day), text.Roughly(left))
	case isJWT && !expires.IsZero():
		c.pass(subject, "a JWT that expires on %s", expires.Format(day))
	case isJWT:
		c.pass(subject, "a JWT that does not say when it expires")
	case len(token) == 32 && strings.Trim(lower, "0123456789abcdef") == "":
		c.pass(subject, "32 hexadecimal digits; it has to be a token for REST API v2, those for v1 do not work here")
	default:
		c.pass(subject, "%d characters on one line", len(token))
	}
}

// jwtExpiry is when a JSON Web Token (RFC 7519) says it expires, and the zero time if
// it does not say so. The signature is not looked at.
func jwtExpiry(token string) (expires time.Time, isJWT bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Expires float64 `json:"exp"`
	}
	for i, into := range []any{&header, &claims} {
		content, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[i], "="))
		if err != nil || json.Unmarshal(content, into) != nil {
			return time.Time{}, false
		}
	}
	if claims.Expires > 0 && claims.Expires < 1e11 {
		expires = time.Unix(int64(claims.Expires), 0).UTC()
	}
	return expires, header.Algorithm != ""
}
