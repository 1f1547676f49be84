package gcloudtest

import (
	"regexp"
	"strconv"
)

func accountName(project, email string) string {
	return "projects/" + project + "/serviceAccounts/" + email
}

// accountID is the form that the IAM API documents for accountId.
var accountID = regexp.MustCompile(`^[a-z]([-a-z0-9]{4,28}[a-z0-9])$`)

func createAccount(s *Server, c *call) (any, error) {
	id := text(c.body, "accountId")
	if !accountID.MatchString(id) {
		return nil, invalid("account ID %q does not have a length between 6 and 30 or a wrong form", id)
	}
	email := id + "@" + s.project() + ".iam.gserviceaccount.com"
	fields := clone(object{
		"name": accountName(s.project(), email), "projectId": s.project(), "email": email,
		"uniqueId": "1" + strconv.Itoa(100_000_000+s.next()),
	})
	for _, key := range []string{"displayName", "description"} {
		if v := text(c.body, "serviceAccount", key); v != "" {
			fields[key] = v
		}
	}
	r, err := s.insert(accounts, accountName(s.project(), email), fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

// account lets projects/-/serviceAccounts/EMAIL mean the account wherever it
// is, as the IAM API does. Only those of the project exist here.
func account(next handler) handler {
	return func(s *Server, c *call) (any, error) {
		c.name = accountName(s.project(), c.params["email"])
		return next(s, c)
	}
}

// hasAccount tells whether a service account exists, so far as this project can
// tell: those of other projects are taken to exist.
func (s *Server) hasAccount(email string) bool {
	return s.known("serviceAccount:"+email) == nil
}

func disableAccount(disabled bool) handler {
	return func(s *Server, c *call) (any, error) {
		r, err := s.lookup(accounts, c.name)
		if err != nil {
			return nil, err
		}
		delete(r.fields, "disabled")
		if disabled {
			r.fields["disabled"] = true
		}
		return object{}, nil
	}
}
