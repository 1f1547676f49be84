package env

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"netskope-alerts.internal/collector/internal/plain"
)

const (
	maxObjectName = 1024 // bytes, Cloud Storage's limit
	maxOwnName    = 200  // bytes that the collector may append to a folder
	maxToken      = 4096 // bytes
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// Bucket reads the name of a bucket, without gs://. It must be set.
func (v *Variables) Bucket(name string) string {
	value, ok := v.Get(name)
	switch {
	case !ok:
		v.missing(name, "set it to the name of the bucket that takes the alerts")
	case strings.HasPrefix(value, "gs://"):
		v.Refuse(name, value, "", "want the bucket's name alone: leave out gs:// and put a folder into GCS_PREFIX")
	case !bucketName.MatchString(value):
		v.Refuse(name, value, "is not a bucket name",
			"want 3 to 222 lower-case letters, digits, dots, dashes and underscores")
	}
	return value
}

// ObjectPath reads an object name or folder, and takes the slashes at its ends away. Empty
// folder names are refused because Cloud Storage feeds do not work with them (Google
// SecOps, feed management, known limits).
func (v *Variables) ObjectPath(name, standard string) string {
	value, ok := v.Get(name)
	if !ok {
		return standard
	}
	path := strings.Trim(value, "/")
	switch {
	case path == "":
		v.Refuse(name, value, "names no folder", "want one as in "+standard)
	case strings.HasPrefix(value, "gs:"):
		v.Refuse(name, value, "",
			"want a path inside the bucket, without gs:// and without the bucket's name, as in "+standard)
	case strings.Contains(path, "//"):
		v.Refuse(name, value, "has an empty folder name (//), with which a Cloud Storage feed does not work",
			"leave one slash")
	case slices.ContainsFunc(strings.Split(path, "/"), isDots):
		v.Refuse(name, value, "has a folder . or .., which Cloud Storage does not know", "write the path out")
	case len(path) > maxObjectName-maxOwnName:
		v.Refuse(name, value, "is too long", "leave room: object names have at most 1024 bytes")
	case !utf8.ValidString(path), strings.ContainsFunc(path, plain.IsControl):
		v.Refuse(name, value, "has control characters or is not UTF-8", "type it again")
	}
	return path
}

// Token reads the API token from NETSKOPE_API_TOKEN or the file that
// NETSKOPE_API_TOKEN_FILE names. No problem shows it.
func (v *Variables) Token() string {
	value, inline := v.Get("NETSKOPE_API_TOKEN")
	file, mounted := v.Get("NETSKOPE_API_TOKEN_FILE")
	source := "NETSKOPE_API_TOKEN"
	switch {
	case inline && mounted:
		v.hide("NETSKOPE_API_TOKEN and NETSKOPE_API_TOKEN_FILE", "are both set",
			"unset one, so that it is clear which token counts")
		return value
	case mounted:
		source = "NETSKOPE_API_TOKEN_FILE"
		content, err := os.ReadFile(file)
		if err != nil {
			v.Refuse(source, file, fmt.Sprintf("cannot be read (%v)", errors.Unwrap(err)), "mount the secret there")
			return ""
		}
		if value = strings.TrimSpace(string(content)); value == "" {
			v.Refuse(source, file, "is empty", "put the token into it")
			return ""
		}
	case !inline:
		v.missing(source, "set it to a REST API v2 token with read permission on /api/v2/events/data/alert, "+
			"or NETSKOPE_API_TOKEN_FILE to a file that holds one")
		return ""
	}
	if i := strings.IndexFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
		v.hide(source, fmt.Sprintf("(value not shown) has a blank, control or non-ASCII character at byte %d", i+1),
			"copy the token again, as one line")
	}
	switch {
	case strings.ContainsAny(value, "\"'`"):
		v.hide(source, "(value not shown) has quotes, which no token has", "give the token alone")
	case strings.ContainsAny(value, "${}<>()"):
		v.hide(source, "(value not shown) looks like a name to be replaced, not like a token", "give the token itself")
	case strings.HasPrefix(strings.ToLower(value), "bearer"), strings.HasPrefix(strings.ToLower(value),
		"netskope-api-token"):
		v.hide(source, "(value not shown) begins like a header", "give the token alone, without the header's name")
	case len(value) > maxToken:
		v.hide(source, fmt.Sprintf("(value not shown) has %d characters, which gateways refuse in a header", len(value)),
			"copy the token again")
	}
	if strings.Contains(value, "://") || strings.HasSuffix(value, ".goskope.com") {
		v.hide(source, "(value not shown) looks like an address", "is it swapped with NETSKOPE_TENANT?")
	}
	return value
}

// Proxies checks the variables by which requests go through a proxy. A value that cannot be
// parsed would be ignored, and the requests, with the token, go out directly. No problem shows
// a value: it may hold a password.
func (v *Variables) Proxies() {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value, ok := v.Get(name)
		if !ok {
			continue
		}
		address := value
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		switch {
		case err != nil, u.Hostname() == "", u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
			v.hide(name, "(value not shown) is not the address of a proxy: it would be ignored, or another one used",
				"want http://user:password@host:port, with % in a password written as %25")
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
			v.hide(name, "(value not shown) has a scheme that no proxy has", "want http://host:port")
		}
	}
}

func isDots(part string) bool { return part == "." || part == ".." }
