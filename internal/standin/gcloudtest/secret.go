package gcloudtest

import (
	"encoding/base64"
	"hash/crc32"
	"net/http"
	"strconv"
)

// Secret returns the contents of a secret's versions, oldest first, those that
// are disabled or destroyed included. It returns nil for a secret without
// versions and for one that does not exist.
func (s *Server) Secret(secret string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "projects/" + s.project() + "/secrets/" + secret
	var out [][]byte
	for i := range s.editions(name) {
		out = append(out, s.stored[versions][versionName(name, i+1)].payload)
	}
	return out
}

func versionName(secret string, n int) string { return secret + "/versions/" + strconv.Itoa(n) }

// editions counts the versions that a secret ever had.
func (s *Server) editions(secret string) int { return len(s.names(versions, secret+"/versions/")) }

func createSecret(s *Server, c *call) (any, error) {
	name := c.name + "/" + c.first("secretId")
	if dig(c.body, "replication") == nil {
		return nil, invalid("field [replication] is required")
	}
	if err := s.checkSecretKeys(c.body); err != nil {
		return nil, err
	}
	fields := clone(c.body)
	fields["name"] = "projects/" + s.number() + "/secrets/" + c.first("secretId")
	fields["createTime"], fields["etag"] = s.stamp(), `"`+strconv.Itoa(s.next())+`"`
	r, err := s.insert(secrets, name, fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateSecret(s *Server, c *call) (any, error) {
	r, err := s.lookup(secrets, c.name)
	if err != nil {
		return nil, err
	}
	mask(r.fields, c.body, c.first("updateMask"))
	return r.fields, nil
}

func deleteSecret(s *Server, c *call) (any, error) {
	if _, err := s.lookup(secrets, c.name); err != nil {
		return nil, err
	}
	for _, v := range s.names(versions, c.name+"/versions/") {
		delete(s.stored[versions], v)
	}
	delete(s.stored[secrets], c.name)
	return object{}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(b, castagnoli)), 10)
}

func addVersion(s *Server, c *call) (any, error) {
	secret, err := s.lookup(secrets, c.name)
	if err != nil {
		return nil, err
	}
	payload, err := base64.StdEncoding.DecodeString(text(c.body, "payload", "data"))
	if err != nil {
		return nil, invalid("invalid payload: %v", err)
	}
	if len(payload) == 0 || len(payload) > 64<<10 {
		return nil, invalid("a secret's payload has 1 to 65536 bytes, not %d", len(payload))
	}
	sent := text(c.body, "payload", "dataCrc32c")
	if sent != "" && sent != checksum(payload) {
		return nil, invalid("the payload does not match its checksum")
	}
	n := s.editions(c.name) + 1
	r, err := s.insert(versions, versionName(c.name, n), object{
		"name": versionName(text(secret.fields, "name"), n), "state": "ENABLED",
		"createTime": s.stamp(), "replicationStatus": object{"automatic": object{}},
		"clientSpecifiedPayloadChecksum": sent != "",
	})
	if err != nil {
		return nil, err
	}
	r.payload = payload
	return r.fields, nil
}

// version finds a version; "latest" is the newest one, whatever its state.
// https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
func (s *Server) version(c *call) (*resource, error) {
	secret := "projects/" + s.project() + "/secrets/" + c.params["secret"]
	n := c.params["version"]
	if n == "latest" {
		n = strconv.Itoa(s.editions(secret))
	}
	return s.lookup(versions, secret+"/versions/"+n)
}

func describeVersion(s *Server, c *call) (any, error) {
	r, err := s.version(c)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func listVersions(s *Server, c *call) (any, error) {
	secret := "projects/" + s.project() + "/secrets/" + c.params["secret"]
	if _, err := s.lookup(secrets, secret); err != nil {
		return nil, err
	}
	all := []any{} // newest first
	for n := s.editions(secret); n > 0; n-- {
		all = append(all, s.stored[versions][versionName(secret, n)].fields)
	}
	return object{"versions": all, "totalSize": len(all)}, nil
}

func accessVersion(s *Server, c *call) (any, error) {
	r, err := s.version(c)
	if err != nil {
		return nil, err
	}
	if state := text(r.fields, "state"); state != "ENABLED" {
		return nil, precondition("the secret version is in %s state", state)
	}
	return object{"name": r.fields["name"], "payload": object{
		"data": base64.StdEncoding.EncodeToString(r.payload), "dataCrc32c": checksum(r.payload),
	}}, nil
}

func setVersion(state string) handler {
	return func(s *Server, c *call) (any, error) {
		r, err := s.version(c)
		if err != nil {
			return nil, err
		}
		if text(r.fields, "state") == "DESTROYED" {
			return nil, refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "the secret version is in DESTROYED state")
		}
		r.fields["state"] = state
		return r.fields, nil
	}
}
