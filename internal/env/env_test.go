package env

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const token = "abcdefghijklmnopqrstuvwxyz0123456789"

// of is the environment of name=value pairs.
func of(pairs ...string) *Variables {
	return New(func(name string) (string, bool) {
		for _, pair := range pairs {
			if n, value, _ := strings.Cut(pair, "="); n == name {
				return value, true
			}
		}
		return "", false
	})
}

type word string

func (w word) String() string { return string(w) }

// readers read X.
var readers = map[string]func(*Variables) any{
	"integer":  func(v *Variables) any { return v.Integer("X", 7, 1, 10, "cells") },
	"number":   func(v *Variables) any { return v.Number("X", 4, 0, 1000) },
	"duration": func(v *Variables) any { return v.Duration("X", 5*time.Minute, time.Second, 24*time.Hour) },
	"one of":   func(v *Variables) any { return OneOf(v, "X", "none", "gzip") },
	"several":  func(v *Variables) any { return Several(v, "X", word("none"), word("gzip"), word("zstd")) },
	"level":    func(v *Variables) any { return v.LogLevel("X") },
	"bucket":   func(v *Variables) any { return v.Bucket("X") },
	"path":     func(v *Variables) any { return v.ObjectPath("X", "netskope/alerts") },
	"domain":   func(v *Variables) any { return v.Domain("X") },
	"below":    func(v *Variables) any { return v.Tenant("X", "relay.example.org") },
	"tenant":   func(v *Variables) any { return v.Tenant("X", TenantDomain) },
}

func TestReadersAccept(t *testing.T) {
	for _, test := range []struct {
		reader, value string
		want          any
	}{
		{"integer", "", 7}, {"integer", " ", 7}, {"integer", "1", 1}, {"integer", "\t10 ", 10},
		{"number", "", 4.0}, {"number", "0", 0.0}, {"number", "0.25", 0.25}, {"number", "1e3", 1000.0},
		{"duration", "", 5 * time.Minute}, {"duration", "1s", time.Second}, {"duration", "1h30m", 90 * time.Minute},
		{"duration", "24h", 24 * time.Hour}, {"duration", "1500ms500ms", 2 * time.Second},
		{"one of", "", "none"}, {"one of", "GZip", "gzip"},
		{"several", "", "[none]"}, {"several", "gzip", "[gzip]"}, {"several", " Zstd,none, none ", "[none zstd]"},
		{"several", "gzip none,", "[none gzip]"},
		{"level", "", slog.LevelInfo}, {"level", "DEBUG", slog.LevelDebug}, {"level", "warn", slog.LevelWarn},
		{"level", "error", slog.LevelError},
		{"bucket", "alerts-bucket", "alerts-bucket"}, {"bucket", "a.b_c", "a.b_c"},
		{"path", "", "netskope/alerts"}, {"path", "/a/b/", "a/b"}, {"path", "größer/b c", "größer/b c"},
		{"path", "a/..b/c.", "a/..b/c."},
		{"tenant", "acme.goskope.com", "https://acme.goskope.com"},
		{"tenant", " HTTPS://Acme.goskope.com/ ", "https://acme.goskope.com"},
		{"tenant", "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"tenant", "http://localhost:8080", "http://localhost:8080"},
		{"tenant", "http://[::1]:8080", "http://[::1]:8080"},
		{"tenant", "https://acme.eu.goskope.com:8443", "https://acme.eu.goskope.com:8443"},
		{"below", "acme.relay.example.org", "https://acme.relay.example.org"},
		{"below", "https://relay.example.org", "https://relay.example.org"},
		{"domain", "", "goskope.com"}, {"domain", "GovSkope.us", "govskope.us"}, {"domain", "a.b.internal",
			"a.b.internal"},
	} {
		v := of("X=" + test.value)
		if got := readers[test.reader](v); fmt.Sprint(got) != fmt.Sprint(test.want) || v.Err() != nil {
			t.Errorf("%s %q: %v, %v, want %v", test.reader, test.value, got, v.Err(), test.want)
		}
	}
}

// TestReadersRefuse: every problem is one value that names the variable, what it holds, and
// what to do.
func TestReadersRefuse(t *testing.T) {
	for _, test := range []struct{ reader, value, want string }{
		{"integer", "0", `X="0": want a whole number from 1 to 10 (cells)`},
		{"integer", "11", "from 1 to 10"}, {"integer", "1.5", "whole number"},
		{"integer", "99999999999999999999", "whole"},
		{"number", "NaN", "from 0 to 1000"}, {"number", "-1", "from 0"}, {"number", "inf", "1000"},
		{"number", "x", "number"},
		{"duration", "300", `X="300": has no unit; write 300s for seconds or 300m for minutes`},
		{"duration", "soon", "as in 5m"}, {"duration", "0", "from 1s to 24h"}, {"duration", "25h", "from 1s to 24h"},
		{"duration", "-5m", "from 1s"}, {"duration", "1500ms", "whole seconds"},
		{"one of", "zstd", "want none or gzip"}, {"level", "verbose", "want info or debug or warn or error"},
		{"several", "none,zip", "want one or more of none, gzip, zstd, with commas between them"},
		{"several", ",", "want one or more of none, gzip, zstd"}, {"several", "none;gzip", "with commas"},
		{"bucket", "", "X is not set: "}, {"bucket", "gs://b", "leave out gs://"},
		{"bucket", "Alerts Bucket", "lower-case"},
		{"bucket", "ab", "not a bucket name"}, {"bucket", "-ab", "not a bucket name"},
		{"path", "/", "names no folder"}, {"path", "a//b", "leave one slash"}, {"path", "gs://b/a", "without gs://"},
		{"path", "a/../b", "folder . or .."}, {"path", "./a", "folder . or .."},
		{"path", "a\x01b", "control characters"},
		{"path", "a\u202eb", "control characters"}, {"path", "a\xffb", "not UTF-8"},
		{"path", strings.Repeat("a", 825), "is too long"},
		{"tenant", "", "X is not set: "}, {"tenant", "[https://a.b](https://a.b)", "Markdown"},
		{"tenant", "http://acme.goskope.com", "want https://acme.goskope.com"},
		{"tenant", "http://127.0.0.1.example.com", "unencrypted"},
		{"tenant", "ftp://acme.goskope.com", "unknown scheme"},
		{"tenant", "https://acme.goskope.com/api/v2", "more than a host"},
		{"tenant", "https://a.b?x=1", "more than a host"},
		{"tenant", "https://a.b#x", "more than a host"}, {"tenant", "https://user:pass@a.b", "user or password"},
		{"tenant", "https//acme.goskope.com", "lacks a colon; want https://acme.goskope.com"},
		{"tenant", "acme", "want https://acme.goskope.com"}, {"tenant", "https://", "as in https://acme.goskope.com"},
		{"tenant", "https://169.254.169.254",
			"metadata service of a cloud, not a tenant; want the tenant's name, as in"},
		{"tenant", "https://[fe80::1]", "metadata service"}, {"tenant", "https://[fd00:ec2::254]", "metadata service"},
		{"tenant", "https://[::ffff:169.254.169.254]", "metadata service"},
		{"tenant", "https://metadata.google.internal", "metadata service"},
		{"tenant", "https://203.0.113.7", "is an IP address, and a tenant has a name"},
		{"tenant", "10.0.0.1:8443", "is an IP address"}, {"tenant", "https://[2001:db8::1]", "is an IP address"},
		{"tenant", "https://netskope.corp.internal", "is a private name, and tenants are below goskope.com; want"},
		{"tenant", "https://127.1", "is not below goskope.com"}, {"tenant", "2130706433", "want https://"},
		{"tenant", "https://example.com",
			"is not below goskope.com, where tenants are; want the tenant's name, as in " +
				"https://acme.goskope.com; if the tenant is elsewhere, set NETSKOPE_DOMAIN to its domain, as in govskope.us"},
		{"tenant", "https://goskope.com", "names no tenant"}, {"tenant", "https://evilgoskope.com", "is not below"},
		{"tenant", "https://acme.goskope.com.example.org", "is not below"},
		{"tenant", "https://acme.goskope.com.", "as in"}, {"tenant", "https://acme.goskope.com:", "as in"},
		{"tenant", "https://acme.goskope.com:99999", "as in"}, {"tenant", "https://äcme.goskope.com", "as in"},
		{"below", "https://acme.goskope.com", "is not below relay.example.org"}, {"below", "https://10.0.0.1",
			"an IP address"},
		{"domain", "com", "is no domain; want the domain alone"}, {"domain", "https://govskope.us", "is no domain"},
		{"domain", "*.goskope.com", "is no domain"}, {"domain", ".goskope.com", "is no domain"},
		{"domain", "10.0.0.1", "is no domain"}, {"domain", "a b.c", "is no domain"},
		{"tenant", "https://a b.c", "as in"}, {"tenant", "https://a.b:x", "as in"},
	} {
		v := of("X=" + test.value)
		readers[test.reader](v)
		problems := Problems(v.Err())
		if len(problems) != 1 || problems[0].Name != "X" || problems[0].Remedy == "" ||
			!strings.Contains(problems[0].Error(), test.want) || strings.Contains(problems[0].Error(), "pass@") {
			t.Errorf("%s %q: %v, want %q", test.reader, test.value, v.Err(), test.want)
		}
	}
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "NETSKOPE_API_TOKEN_FILE=" + filepath.Join(dir, name)
	}
	for _, test := range []struct {
		pairs      []string
		want, name string
		problem    string
	}{
		{[]string{"NETSKOPE_API_TOKEN=\t" + token + "\r\n"}, token, "", ""},
		{[]string{file("good", token+"\r\n")}, token, "", ""},
		{[]string{"NETSKOPE_API_TOKEN= ", file("good", token)}, token, "", ""},
		{nil, "", "NETSKOPE_API_TOKEN", "is not set"},
		{[]string{"NETSKOPE_API_TOKEN=" + token, file("good", token)}, token, "NETSKOPE_API_TOKEN", "both set"},
		{[]string{file("empty", " \n")}, "", "NETSKOPE_API_TOKEN_FILE", "is empty"},
		{[]string{"NETSKOPE_API_TOKEN_FILE=" + dir + "/missing"}, "", "NETSKOPE_API_TOKEN_FILE", "no such file"},
		{[]string{"NETSKOPE_API_TOKEN=" + token + "\n\x01"}, token + "\n\x01", "NETSKOPE_API_TOKEN", "byte 37"},
		{[]string{"NETSKOPE_API_TOKEN=ab cd"}, "ab cd", "NETSKOPE_API_TOKEN", "byte 3"},
		{[]string{"NETSKOPE_API_TOKEN=ab\u00e9"}, "ab\u00e9", "NETSKOPE_API_TOKEN", "byte 3"},
		{[]string{"NETSKOPE_API_TOKEN=\"" + token + "\""}, "\"" + token + "\"", "NETSKOPE_API_TOKEN", "has quotes"},
		{[]string{"NETSKOPE_API_TOKEN=$(cat-token)"}, "$(cat-token)", "NETSKOPE_API_TOKEN", "a name to be replaced"},
		{[]string{"NETSKOPE_API_TOKEN=<your-token>"}, "<your-token>", "NETSKOPE_API_TOKEN", "a name to be replaced"},
		{[]string{"NETSKOPE_API_TOKEN=Bearer:" + token}, "Bearer:" + token, "NETSKOPE_API_TOKEN",
			"begins like a header"},
		{[]string{"NETSKOPE_API_TOKEN=" + strings.Repeat("x", 5000)}, strings.Repeat("x", 5000),
			"NETSKOPE_API_TOKEN", "5000 characters"},
		{[]string{"NETSKOPE_API_TOKEN=https://a.b"}, "https://a.b", "NETSKOPE_API_TOKEN", "swapped"},
		{[]string{file("swapped", "acme.goskope.com")}, "acme.goskope.com", "NETSKOPE_API_TOKEN_FILE", "swapped"},
	} {
		v := of(test.pairs...)
		if v.Err() != nil {
			t.Errorf("%q: a problem before anything was asked for: %v", test.pairs, v.Err())
		}
		got := v.Token()
		if problems := Problems(v.Err()); got != test.want || (len(problems) == 0) != (test.problem == "") {
			t.Errorf("%q: %q, %v", test.pairs, got, v.Err())
		} else if test.problem != "" && (!strings.HasPrefix(problems[0].Name, test.name) ||
			!strings.Contains(problems[0].Error(), test.problem) || strings.Contains(problems[0].Error(), token)) {
			t.Errorf("%q: %v, want %q", test.pairs, v.Err(), test.problem)
		}
	}
}

// TestNoProblemShowsTheToken: wherever it was pasted, and however long what is around it.
func TestNoProblemShowsTheToken(t *testing.T) {
	for before := range 230 {
		v := of("NETSKOPE_API_TOKEN="+token, "X="+strings.Repeat("ö", before/2)+strings.Repeat("o", before%2)+token+"!")
		for _, read := range readers {
			read(v)
		}
		problems := Problems(v.Err())
		if len(problems) < 6 {
			t.Fatalf("only %v", v.Err())
		}
		for _, p := range problems {
			if strings.Contains(p.Error(), token[:5]) || len(p.Value) > 210 || !utf8.ValidString(p.Value) {
				t.Fatalf("%d before it: %v", before, p)
			}
		}
	}
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
	for _, token := range []string{token, "https://" + token, jwt,
		"https://" + jwt} { // in the tenant's place, and none in its own
		v := of("X=" + token)
		v.Tenant("X", TenantDomain)
		if err := v.Err(); err == nil || strings.Contains(err.Error(), token[8:20]) {
			t.Errorf("%v", err)
		}
	}
}

func TestProblems(t *testing.T) {
	v := of("X=x")
	if v.Err() != nil || Problems(v.Err()) != nil || Problems(nil) != nil || Problems(errors.New("another")) != nil {
		t.Error("there are problems where there are none")
	}
	v.Integer("X", 1, 1, 2, "")
	v.Bucket("Y")
	v.Refuse("Z", "z", "is wrong", "set it right")
	err := fmt.Errorf("read settings: %w", v.Err())
	var names []string
	for _, p := range Problems(err) {
		names = append(names, p.Name)
	}
	if strings.Join(names, " ") != "X Y Z" {
		t.Errorf("the problems of %v are of %q", err, names)
	}
	if !strings.Contains(err.Error(), "Z=\"z\": is wrong; set it right") {
		t.Error(err)
	}
}

// FuzzTenant holds that whatever is accepted sends the token encrypted, or to this machine,
// and to a host alone.
func FuzzTenant(f *testing.F) {
	for _, seed := range []string{"acme.goskope.com", "http://127.0.0.1:80", "http://[::1]:80",
		"HTTP://acme.goskope.com",
		"http://localhost.example.com", "https://acme.goskope.com@example.com", "https:acme.goskope.com",
		"//acme.goskope.com", "http://127.1", "http://2130706433", "https://acme.goskope.com:99999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		v := of("X=" + address)
		got := v.Tenant("X", TenantDomain)
		if v.Err() != nil {
			return
		}
		u, err := url.Parse(got + "/path")
		if err != nil || u.Path != "/path" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" {
			t.Errorf("%q is accepted as %q: %+v, %v", address, got, u, err)
			return
		}
		ip := net.ParseIP(u.Hostname())
		here := u.Hostname() == "localhost" || ip.IsLoopback()
		if !here && (u.Scheme != "https" || ip != nil || !strings.HasSuffix(u.Hostname(), "."+TenantDomain)) {
			t.Errorf("%q is accepted as %q, which is not encrypted, or no tenant's", address, got)
		}
	})
}

// TestProxies: what would not be used as a proxy is refused, and no problem shows a password. F7 of the
// inputs from the field: the requests, with the token, would go out directly.
func TestProxies(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		for value, good := range map[string]bool{
			"": true, "http://127.0.0.1:8888": true, "proxy.corp:3128": true, "127.0.0.1:3128": true,
			"https://proxy.corp":                   true,
			"http://svc:100%25cr3t@127.0.0.1:8888": true, "socks5://svc:s3cr3t@127.0.0.1:1080": true,
			"socks5h://proxy":                    true,
			"http://svc:100%cr3t@127.0.0.1:8888": false, "svc:100%cr3t@127.0.0.1:8888": false, "http://": false,
			"http://:8888":                 false,
			"http://svc:s3cr3t@proxy:port": false, "http:// proxy": false, "ftp://svc:s3cr3t@proxy": false,
			"socks4://proxy:1080":         false,
			"http//svc:s3cr3t@proxy:8888": false, "\"http://svc:s3cr3t@proxy\"": false, "http://svc:s3cr3t@[::1": false,
		} {
			v := of(name + "=" + value)
			v.Proxies()
			problems := Problems(v.Err())
			if (len(problems) == 0) != good {
				t.Errorf("%s=%s: %v", name, value, v.Err())
				continue
			}
			if good {
				continue
			}
			if p := problems[0]; p.Name != name || p.Remedy == "" || strings.Contains(p.Error(), "cr3t") ||
				strings.Contains(p.Error(), "svc") {
				t.Errorf("%s=%s: %v", name, value, p)
			}
		}
	}
}
