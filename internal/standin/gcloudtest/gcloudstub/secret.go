package gcloudstub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

func createSecret(i *invocation) (any, error) {
	var replication object
	switch i.flag("--replication-policy") {
	case "automatic":
		replication = object{"automatic": object{}}
	case "user-managed":
		replicas := []object{}
		for place := range strings.SplitSeq(i.flag("--locations"), ",") {
			replicas = append(replicas, object{"location": place})
		}
		replication = object{"userManaged": object{"replicas": replicas}}
	default:
		var err error
		if replication, err = i.file("--replication-policy-file"); err != nil {
			return nil, err
		}
	}
	return i.ask("POST", secrets.all(i)+"?secretId="+i.args[0], object{
		"replication": replication, "labels": pairs(i.flag("--labels")),
	})
}

func addVersion(i *invocation) (any, error) {
	if i.flag("--data-file") != "-" {
		return nil, errors.New("only standard input is modelled")
	}
	data := base64.StdEncoding.EncodeToString([]byte(i.call.Stdin))
	return i.ask("POST", secrets.one(i)+":addVersion", object{"payload": object{"data": data}})
}

func accessVersion(i *invocation) (any, error) {
	version := i.args[0]
	i.args[0] = i.flag("--secret")
	o, err := i.ask("GET", secrets.one(i)+"/versions/"+version+":access", nil)
	if err != nil {
		return nil, err
	}
	payload, _ := o["payload"].(object)
	content, err := base64.StdEncoding.DecodeString(fmt.Sprint(payload["data"]))
	return string(content), err
}
