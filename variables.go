package collector

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// variables reads the environment and gathers every problem it meets.
type variables struct {
	lookup   func(string) (string, bool)
	secret   string // never to appear in a problem
	problems []error
}

func (v *variables) get(name string) (string, bool) {
	value, ok := v.lookup(name)
	value = strings.TrimSpace(value)
	return value, ok && value != ""
}

// problem notes that name's value will not do, and what will. The value is cut,
// and a token that was pasted into the wrong variable is taken out.
func (v *variables) problem(name, value, remedy string) {
	if len(value) > 200 {
		value = value[:200] + "…"
	}
	if v.secret != "" {
		value = strings.ReplaceAll(value, v.secret, "(the token)")
	}
	v.problems = append(v.problems, fmt.Errorf("%s=%q: %s", name, value, remedy))
}

func (v *variables) missing(name, remedy string) {
	v.problems = append(v.problems, fmt.Errorf("%s is not set: %s", name, remedy))
}

func (v *variables) integer(name string, standard, low, high int, meaning string) int {
	value, ok := v.get(name)
	if !ok {
		return standard
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		v.problem(name, value, fmt.Sprintf("want a whole number from %d to %d (%s)", low, high, meaning))
		return standard
	}
	return n
}

func (v *variables) number(name string, standard, low, high float64) float64 {
	value, ok := v.get(name)
	if !ok {
		return standard
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= low && n <= high) {
		v.problem(name, value, fmt.Sprintf("want a number from %g to %g", low, high))
		return standard
	}
	return n
}

func (v *variables) duration(name string, standard, low, high time.Duration) time.Duration {
	value, ok := v.get(name)
	if !ok {
		return standard
	}
	d, err := time.ParseDuration(value)
	switch _, bare := strconv.ParseFloat(value, 64); {
	case bare == nil && value != "0":
		v.problem(name, value, fmt.Sprintf("has no unit; write %ss for seconds or %sm for minutes", value, value))
	case err != nil:
		v.problem(name, value, fmt.Sprintf("want a duration with its unit, as in %s", shortDuration(standard)))
	case d < low || d > high:
		v.problem(name, value, fmt.Sprintf("want a duration from %s to %s", shortDuration(low), shortDuration(high)))
	case d%time.Second != 0:
		v.problem(name, value, "want whole seconds; the tenant's times have no finer grain")
	default:
		return d
	}
	return standard
}

// shortDuration is d without the zero units that [time.Duration.String] appends.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// oneOf reads a choice; the first is the default.
func oneOf[T ~string](v *variables, name string, choices ...T) T {
	value, ok := v.get(name)
	if !ok {
		return choices[0]
	}
	names := make([]string, len(choices))
	for i, choice := range choices {
		if strings.EqualFold(value, string(choice)) {
			return choice
		}
		names[i] = string(choice)
	}
	v.problem(name, value, "want "+strings.Join(names, " or "))
	return choices[0]
}

func (v *variables) logLevel(name string) slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(oneOf(v, name, "info", "debug", "warn", "error"))) // its choices are all levels
	return level
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

func (v *variables) bucket(name string) string {
	value, ok := v.get(name)
	switch {
	case !ok:
		v.missing(name, "set it to the name of the bucket that takes the alerts")
	case strings.HasPrefix(value, "gs://"):
		v.problem(name, value, "want the bucket's name alone: leave out gs:// and put a folder into GCS_PREFIX")
	case !bucketName.MatchString(value):
		v.problem(name, value, "is not a bucket name: 3 to 222 lower-case letters, digits, dots, dashes and underscores")
	}
	return value
}

// objectPath reads an object name or folder. Empty folder names are refused
// because Cloud Storage feeds do not work with them (Google SecOps, feed
// management, known limits).
func (v *variables) objectPath(name, standard string) string {
	value, ok := v.get(name)
	if !ok {
		return standard
	}
	path := strings.Trim(value, "/")
	switch {
	case path == "":
		v.problem(name, value, "names no folder; want one as in "+standard)
	case strings.HasPrefix(value, "gs:"):
		v.problem(name, value, "want a path inside the bucket, without gs:// and without the bucket's name, as in "+standard)
	case strings.Contains(path, "//"):
		v.problem(name, value, "has an empty folder name (//), with which a Cloud Storage feed does not work; leave one slash")
	case strings.HasPrefix(path, "./"), strings.HasPrefix(path, "../"), strings.Contains(path, "/./"), strings.Contains(path, "/../"):
		v.problem(name, value, "Cloud Storage has no . and .. folders; write the path out")
	case len(path) > maxObjectName-maxOwnName:
		v.problem(name, value, "is too long: object names have at most 1024 bytes")
	case !utf8.ValidString(path), strings.ContainsFunc(path, isControl):
		v.problem(name, value, "has control characters or is not UTF-8; type it again")
	}
	return path
}

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

// token reads the API token. Its problems never show it.
func (v *variables) token() string {
	value, inline := v.get("NETSKOPE_API_TOKEN")
	file, mounted := v.get("NETSKOPE_API_TOKEN_FILE")
	source := "NETSKOPE_API_TOKEN"
	switch {
	case inline && mounted:
		v.problems = append(v.problems, errors.New("NETSKOPE_API_TOKEN and NETSKOPE_API_TOKEN_FILE are both set: unset one, so that it is clear which token counts"))
		return value
	case mounted:
		source = "NETSKOPE_API_TOKEN_FILE"
		content, err := os.ReadFile(file)
		if err != nil {
			v.problem(source, file, fmt.Sprintf("cannot be read (%v); mount the secret there", errors.Unwrap(err)))
			return ""
		}
		if value = strings.TrimSpace(string(content)); value == "" {
			v.problem(source, file, "is empty; put the token into it")
			return ""
		}
	case !inline:
		v.missing(source, "set it to a REST API v2 token with read permission on /api/v2/events/data/alert, or NETSKOPE_API_TOKEN_FILE to a file that holds one")
		return ""
	}
	if i := strings.IndexFunc(value, func(r rune) bool { return isControl(r) || r > 0x7e || r == ' ' }); i >= 0 {
		v.problems = append(v.problems, fmt.Errorf("%s (value not shown) has a blank, control or non-ASCII character at byte %d: copy the token again, as one line", source, i+1))
	}
	if strings.Contains(value, "://") || strings.HasSuffix(value, ".goskope.com") {
		v.problems = append(v.problems, fmt.Errorf("%s (value not shown) looks like an address: is it swapped with NETSKOPE_TENANT?", source))
	}
	return value
}

// tenant reads the tenant's address. The token goes there with every request, so
// it must be https, except to this machine itself, where stand-ins run.
func (v *variables) tenant(name string) string {
	const form = "want the tenant's address, as in https://acme.goskope.com"
	value, ok := v.get(name)
	if !ok {
		v.missing(name, "set it to the tenant's address, as in https://acme.goskope.com")
		return ""
	}
	if strings.ContainsAny(value, "[]()<>") && !strings.HasPrefix(value, "http://[::1]") {
		v.problem(name, value, "looks like a Markdown link; "+form)
		return ""
	}
	address := value
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	host := ""
	if err == nil {
		host = u.Hostname()
	}
	switch {
	case err != nil || host == "" || strings.ContainsAny(host, " \t%_,;"):
		v.problem(name, value, form)
	case u.User != nil:
		v.problems = append(v.problems, fmt.Errorf("%s (value not shown) holds a user or password: %s", name, form))
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		v.problem(name, value, "has more than a host; want "+u.Scheme+"://"+u.Host)
	case u.Scheme == "http" && !isLoopback(host):
		v.problem(name, value, "would send the token unencrypted; want https://"+u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		v.problem(name, value, "has an unknown scheme; want https://"+u.Host)
	case !strings.Contains(host, ".") && !isLoopback(host):
		if len(host) > 30 { // more like a token than like a tenant
			value = value[:4] + "…"
			host = "acme"
		}
		v.problem(name, value, "is not a full host name; want https://"+cmp.Or(host, "acme")+".goskope.com")
	}
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
