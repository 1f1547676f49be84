package env

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// TenantDomain is where Netskope's tenants are, unless NETSKOPE_DOMAIN says otherwise.
const TenantDomain = "goskope.com"

const tenantForm = "want the tenant's address, as in https://acme." + TenantDomain

var (
	hostName   = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
	domainName = regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*$`)
)

// Domain reads the domain below which the tenant's name has to be: only there the token is
// sent. It is in lower case.
func (v *Variables) Domain(name string) string {
	value, ok := v.Get(name)
	if !ok {
		return TenantDomain
	}
	domain := strings.ToLower(value)
	if !domainName.MatchString(domain) {
		v.Refuse(name, value, "is no domain",
			"want the domain alone, as in govskope.us; leave it out for "+TenantDomain)
		return TenantDomain
	}
	return domain
}

// Tenant reads the tenant's address, scheme and host. The token goes there with every
// request, so it must be a name of the domain's, and https; only this machine itself, where
// stand-ins run, is reached in any way.
func (v *Variables) Tenant(name, domain string) string {
	value, ok := v.Get(name)
	if !ok {
		v.missing(name, "set it to the tenant's address, as in https://acme."+domain)
		return ""
	}
	if bare := strings.TrimPrefix(value, "https://"); len(bare) > 30 &&
		(!strings.Contains(bare, ".") || strings.HasPrefix(bare, "eyJ")) { // the latter is how a JWT begins
		v.hide(name, "(value not shown) looks like the token", tenantForm)
		return ""
	}
	if before, _, ok := strings.Cut(value, "//"); ok && before != "" && !strings.HasSuffix(before, ":") {
		v.Refuse(name, value, "lacks a colon", "want https:"+value[len(before):])
		return ""
	}
	if strings.ContainsAny(value, "[]()<>") && strings.Contains(value, "](") {
		v.Refuse(name, value, "looks like a Markdown link", tenantForm)
		return ""
	}
	address := value
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		v.Refuse(name, value, "", tenantForm)
		return ""
	}
	host := strings.ToLower(u.Hostname())
	_, notAddress := netip.ParseAddr(host)
	switch wrong, remedy := misplaced(host, domain); {
	case u.User != nil:
		v.hide(name, "(value not shown) holds a user or password", tenantForm)
	case !hostName.MatchString(host) && notAddress != nil, !isPort(u):
		v.Refuse(name, value, "", tenantForm)
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		v.Refuse(name, value, "has more than a host", "want "+u.Scheme+"://"+u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		v.Refuse(name, value, "has an unknown scheme", "want https://"+u.Host)
	case isLoopback(host):
	case u.Scheme == "http":
		v.Refuse(name, value, "would send the token unencrypted", "want https://"+u.Host)
	case wrong != "":
		v.Refuse(name, value, wrong, remedy)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// isPort reports whether the address has a port that there is, or none.
func isPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n > 0 && n < 1<<16
}

// misplaced says why no tenant of the domain is at the host, and what to type; nothing if one
// may be.
func misplaced(host, domain string) (wrong, remedy string) {
	want := "want the tenant's name, as in https://acme." + domain
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && (ip.Unmap().IsLinkLocalUnicast() || ip.WithZone("") == metadataIPv6),
		slices.Contains(metadataNames, host):
		return "is the metadata service of a cloud, not a tenant", want
	case err == nil:
		return "is an IP address, and a tenant has a name", want
	case !strings.Contains(host, "."):
		return "is not a full host name", "want https://" + host + "." + domain
	case strings.HasSuffix(host, "."+domain), host == domain && domain != TenantDomain:
		return "", ""
	case host == domain:
		return "names no tenant", want
	case slices.ContainsFunc(privateDomains, func(private string) bool { return strings.HasSuffix(host, private) }):
		wrong = "is a private name, and tenants are below " + domain
	default:
		wrong = "is not below " + domain + ", where tenants are"
	}
	return wrong, want + "; if the tenant is elsewhere, set NETSKOPE_DOMAIN to its domain, as in govskope.us"
}

var (
	metadataIPv6   = netip.MustParseAddr("fd00:ec2::254")
	metadataNames  = []string{"metadata.google.internal", "metadata.goog", "metadata", "instance-data"}
	privateDomains = []string{".internal", ".local", ".localhost", ".localdomain", ".lan", ".home", ".home.arpa",
		".corp",
		".intranet", ".private", ".test", ".invalid", ".example"}
)

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
