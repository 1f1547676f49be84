package gcloudstub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// command is what the stand-in knows of one: how it is done, and what it may be told.
type command struct {
	do       func(*invocation) (any, error)
	flags    string // their names
	names    int    // how many it takes; -1 for any number
	mutating bool
	global   bool // it need not name the project
}

var commands map[string]command

func init() {
	commands = map[string]command{
		"auth list":                 {do: login, flags: "--filter", global: true},
		"auth print-access-token":   {do: says("ya29.callers-own\n"), global: true},
		"config get-value":          {do: configured, names: 1, global: true},
		"projects describe":         {do: projects.describe, names: 1, global: true},
		"billing projects describe": {do: billing, names: 1, global: true},
		"services list":             {do: enabled, flags: "--enabled"},
		"services enable":           {do: enable, names: -1, mutating: true},
		"version":                   {do: version, global: true},

		"beta services identity create":          {do: createIdentity, flags: "--service", mutating: true},
		"resource-manager org-policies describe": {do: orgPolicy, flags: "--effective", names: 1},

		"iam service-accounts describe": {do: accounts.describe, names: 1},
		"iam service-accounts create": {do: createAccount, flags: "--display-name --description",
			names: 1, mutating: true},
		"iam service-accounts delete": {do: accounts.delete, names: 1, mutating: true},

		"storage buckets describe": {do: buckets.describe, flags: "--raw", names: 1},
		"storage buckets create": {do: createBucket, names: 1, mutating: true,
			flags: "--location --uniform-bucket-level-access --public-access-prevention --default-encryption-key"},
		"storage buckets update": {do: updateBucket, names: 1, mutating: true,
			flags: "--update-labels --lifecycle-file --uniform-bucket-level-access --public-access-prevention " +
				"--default-encryption-key"},
		"storage buckets notifications list": {do: listNotifications, names: 1},
		"storage buckets notifications create": {do: createNotification, names: 1, mutating: true,
			flags: "--topic --event-types --object-prefix --payload-format --skip-topic-setup"},
		"storage buckets notifications delete": {do: deleteNotification, names: 1, mutating: true},
		"storage service-agent":                {do: storageAgent, mutating: true},
		"storage rm":                           {do: emptyAndDelete, flags: "--recursive", names: 1, mutating: true},

		"secrets describe": {do: secrets.describe, names: 1},
		"secrets create": {do: createSecret, names: 1, mutating: true,
			flags: "--replication-policy --locations --replication-policy-file --labels"},
		"secrets update":          {do: secrets.relabel, flags: "--update-labels", names: 1, mutating: true},
		"secrets delete":          {do: secrets.delete, names: 1, mutating: true},
		"secrets versions add":    {do: addVersion, flags: "--data-file", names: 1, mutating: true},
		"secrets versions access": {do: accessVersion, flags: "--secret", names: 1},

		"pubsub topics describe":        {do: topics.describe, names: 1},
		"pubsub topics create":          {do: createTopic, flags: "--labels", names: 1, mutating: true},
		"pubsub topics update":          {do: topics.relabel, flags: "--update-labels", names: 1, mutating: true},
		"pubsub topics delete":          {do: topics.delete, names: 1, mutating: true},
		"pubsub topics publish":         {do: publish, flags: "--message", names: 1, mutating: true},
		"pubsub subscriptions list":     {do: subscriptions.list},
		"pubsub subscriptions describe": {do: subscriptions.describe, names: 1},
		"pubsub subscriptions create": {do: createSubscription, names: 1, mutating: true,
			flags: "--topic --ack-deadline --message-retention-duration --expiration-period --labels"},
		"pubsub subscriptions update": {do: updateDeadline, flags: "--ack-deadline", names: 1, mutating: true},
		"pubsub subscriptions delete": {do: subscriptions.delete, names: 1, mutating: true},

		"functions runtimes list": {do: runtimes.list, flags: "--region"},
		"functions describe":      {do: functions.describe, flags: "--gen2 --region", names: 1},
		"functions deploy":        {do: deployFunction, flags: deployFlags, names: 1, mutating: true},
		"functions delete":        {do: functions.delete, flags: "--gen2 --region", names: 1, mutating: true},

		"scheduler jobs describe":      {do: jobs.describe, flags: "--location", names: 1},
		"scheduler jobs create pubsub": {do: createJob, flags: jobFlags, names: 1, mutating: true},
		"scheduler jobs update pubsub": {do: updateJob, flags: jobFlags, names: 1, mutating: true},
		"scheduler jobs delete":        {do: jobs.delete, flags: "--location", names: 1, mutating: true},

		"logging read":             {do: readLog, flags: "--limit --freshness", names: 1},
		"logging metrics describe": {do: metrics.describe, names: 1},
		"logging metrics create":   {do: createMetric, flags: "--config-from-file", names: 1, mutating: true},
		"logging metrics update":   {do: updateMetric, flags: "--config-from-file", names: 1, mutating: true},
		"logging metrics delete":   {do: metrics.delete, names: 1, mutating: true},

		"alpha monitoring policies list":   {do: policies.list},
		"alpha monitoring policies create": {do: policies.create, flags: "--policy-from-file", mutating: true},
		"alpha monitoring policies update": {do: policies.update, names: 1, mutating: true,
			flags: "--policy-from-file"},
		"alpha monitoring policies delete": {do: policies.delete, names: 1, mutating: true},
		"monitoring dashboards list":       {do: dashboards.list},
		"monitoring dashboards create":     {do: dashboards.create, flags: "--config-from-file", mutating: true},
		"monitoring dashboards update": {do: dashboards.update, names: 1, mutating: true,
			flags: "--config-from-file"},
		"monitoring dashboards delete":  {do: dashboards.delete, names: 1, mutating: true},
		"beta monitoring channels list": {do: channels.list},
		"beta monitoring channels create": {do: createChannel, mutating: true,
			flags: "--type --display-name --channel-labels --user-labels"},
		"beta monitoring channels update": {do: channels.relabel, flags: "--update-user-labels", names: 1, mutating: true},
		"beta monitoring channels delete": {do: deleteChannel, flags: "--force", names: 1, mutating: true},
	}
	for group, c := range map[string]collection{
		"projects": projects, "secrets": secrets, "storage buckets": buckets, "run services": services,
		"kms keys": keys, "pubsub topics": topics, "pubsub subscriptions": subscriptions,
	} {
		const flags = "--region --member --role --condition"
		commands[group+" get-iam-policy"] = command{do: c.policy, flags: "--region", names: 1}
		commands[group+" add-iam-policy-binding"] = command{do: c.bind, flags: flags, names: 1, mutating: true}
		commands[group+" remove-iam-policy-binding"] = command{do: c.unbind, flags: flags, names: 1, mutating: true}
	}
}

func says(text string) func(*invocation) (any, error) {
	return func(*invocation) (any, error) { return text, nil }
}

func login(i *invocation) (any, error) {
	if i.stub.LoggedOut {
		return nil, nil
	}
	return object{"account": i.stub.API.Account}, nil
}

func configured(i *invocation) (any, error) { return i.stub.API.Project + "\n", nil }

func billing(i *invocation) (any, error) {
	return i.ask("GET", "cloudbilling.googleapis.com/v1/projects/"+i.args[0]+"/billingInfo", nil)
}

func enabled(i *invocation) (any, error) { return apis.listed(i, "?filter=state:ENABLED") }

func enable(i *invocation) (any, error) {
	return i.ask("POST", apis.all(i)+":batchEnable", object{"serviceIds": i.args})
}

func createAccount(i *invocation) (any, error) {
	return i.ask("POST", accounts.all(i), object{"accountId": i.args[0], "serviceAccount": object{
		"displayName": i.flag("--display-name"), "description": i.flag("--description"),
	}})
}

func createBucket(i *invocation) (any, error) {
	body, err := i.bucket()
	if err != nil {
		return nil, err
	}
	body["name"], body["location"] = buckets.one(i)[len(buckets.all(i))+1:], i.flag("--location")
	return i.ask("POST", buckets.all(i)+"?project="+i.flag("--project"), body)
}

func updateBucket(i *invocation) (any, error) {
	body, err := i.bucket()
	if err != nil {
		return nil, err
	}
	return i.ask("PATCH", buckets.one(i), body)
}

// bucket is what the flags say of one.
func (i *invocation) bucket() (object, error) {
	body, iam := object{}, object{}
	if _, ok := i.flags["--uniform-bucket-level-access"]; ok {
		iam["uniformBucketLevelAccess"] = object{"enabled": true}
	}
	if _, ok := i.flags["--public-access-prevention"]; ok {
		iam["publicAccessPrevention"] = "enforced"
	}
	if len(iam) > 0 {
		body["iamConfiguration"] = iam
	}
	if key := i.flag("--default-encryption-key"); key != "" {
		body["encryption"] = object{"defaultKmsKeyName": key}
	}
	if labels := pairs(i.flag("--update-labels")); len(labels) > 0 {
		body["labels"] = labels
	}
	if i.flag("--lifecycle-file") == "" {
		return body, nil
	}
	lifecycle, err := i.file("--lifecycle-file")
	body["lifecycle"] = lifecycle
	return body, err
}

func emptyAndDelete(i *invocation) (any, error) {
	held, err := i.ask("GET", buckets.one(i)+"/o", nil)
	if err != nil {
		return nil, err
	}
	for _, o := range objects(held["items"]) {
		if _, err := i.ask("DELETE", fmt.Sprintf("%s/o/%s", buckets.one(i), o["name"]), nil); err != nil {
			return nil, err
		}
	}
	return buckets.delete(i)
}

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

func createTopic(i *invocation) (any, error) {
	return i.ask("PUT", topics.one(i), object{"labels": pairs(i.flag("--labels"))})
}

// relabel adds labels to those that a resource has.
func (c collection) relabel(i *invocation) (any, error) {
	old, err := i.ask("GET", c.one(i), nil)
	if err != nil {
		return nil, err
	}
	field, added := "labels", pairs(i.flag("--update-labels"))
	if c == channels {
		field, added = "userLabels", pairs(i.flag("--update-user-labels"))
	}
	labels, _ := old[field].(object)
	if labels == nil {
		labels = object{}
	}
	for key, value := range added {
		labels[key] = value
	}
	old[field] = labels
	if c == topics {
		return i.ask("PATCH", c.one(i), object{"topic": object{"labels": labels}, "updateMask": "labels"})
	}
	return i.ask("PATCH", c.one(i)+"?updateMask="+field, object{field: labels})
}

func createSubscription(i *invocation) (any, error) {
	var seconds int
	if _, err := fmt.Sscan(i.flag("--ack-deadline"), &seconds); err != nil {
		return nil, err
	}
	if i.flag("--message-retention-duration") != "7d" || i.flag("--expiration-period") != "never" {
		return nil, errors.New("only a retention of 7d and no expiration are modelled")
	}
	return i.ask("PUT", subscriptions.one(i), object{
		"topic":              fmt.Sprintf("projects/%s/topics/%s", i.flag("--project"), i.flag("--topic")),
		"ackDeadlineSeconds": seconds, "labels": pairs(i.flag("--labels")),
		"messageRetentionDuration": "604800s", "expirationPolicy": object{},
	})
}

func listNotifications(i *invocation) (any, error) {
	o, err := i.ask("GET", buckets.one(i)+"/notificationConfigs", nil)
	rows := objects(o["items"])
	for n, row := range rows {
		rows[n] = object{"Notification Configuration": row}
	}
	return rows, err
}

func createNotification(i *invocation) (any, error) {
	if _, ok := i.flags["--skip-topic-setup"]; !ok {
		return nil, errors.New("only --skip-topic-setup is modelled")
	}
	return i.ask("POST", buckets.one(i)+"/notificationConfigs", object{
		"topic":              "//pubsub.googleapis.com/projects/" + i.flag("--project") + "/topics/" + i.flag("--topic"),
		"event_types":        strings.Split(i.flag("--event-types"), ","),
		"object_name_prefix": i.flag("--object-prefix"), "payload_format": "JSON_API_V1",
	})
}

func deleteNotification(i *invocation) (any, error) {
	return i.ask("DELETE", buckets.all(i)+"/"+strings.TrimPrefix(i.args[0], "projects/_/buckets/"), nil)
}

func storageAgent(i *invocation) (any, error) {
	o, err := i.ask("GET", "storage.googleapis.com/storage/v1/projects/"+i.flag("--project")+"/serviceAccount", nil)
	return fmt.Sprintln(o["email_address"]), err
}

func createIdentity(i *invocation) (any, error) {
	return i.ask("POST", fmt.Sprintf("serviceusage.googleapis.com/v1beta1/projects/%s/services/%s:generateServiceIdentity",
		i.flag("--project"), i.flag("--service")), object{})
}

func orgPolicy(i *invocation) (any, error) {
	return i.ask("POST", projects.all(i)+"/"+i.flag("--project")+":getEffectiveOrgPolicy",
		object{"constraint": "constraints/" + i.args[0]})
}

func version(i *invocation) (any, error) {
	return object{"Google Cloud SDK": or(i.stub.Version, "558.0.0")}, nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func publish(i *invocation) (any, error) {
	data := base64.StdEncoding.EncodeToString([]byte(i.flag("--message")))
	return i.ask("POST", topics.one(i)+":publish", object{"messages": []object{{"data": data}}})
}

func updateDeadline(i *invocation) (any, error) {
	var seconds int
	if _, err := fmt.Sscan(i.flag("--ack-deadline"), &seconds); err != nil {
		return nil, err
	}
	return i.ask("PATCH", subscriptions.one(i), object{
		"subscription": object{"ackDeadlineSeconds": seconds}, "updateMask": "ackDeadlineSeconds",
	})
}

const jobFlags = "--location --schedule --time-zone --topic --message-body --description"

func (i *invocation) job() object {
	return object{
		"name": jobs.full(i), "schedule": i.flag("--schedule"), "timeZone": i.flag("--time-zone"),
		"description": i.flag("--description"), "pubsubTarget": object{
			"topicName": i.flag("--topic"), "data": base64.StdEncoding.EncodeToString([]byte(i.flag("--message-body"))),
		},
	}
}

func createJob(i *invocation) (any, error) { return i.ask("POST", jobs.all(i), i.job()) }

func updateJob(i *invocation) (any, error) { return i.ask("PATCH", jobs.one(i), i.job()) }

// readLog asks as gcloud does: the newest first, and none that is older than --freshness.
func readLog(i *invocation) (any, error) {
	limit := 0
	if _, err := fmt.Sscan(i.flag("--limit"), &limit); err != nil {
		return nil, err
	}
	now := time.Now
	if i.stub.API.Now != nil {
		now = i.stub.API.Now
	}
	var age time.Duration
	switch i.flag("--freshness") {
	case "1h":
		age = time.Hour
	case "7d":
		age = 7 * 24 * time.Hour
	default:
		return nil, fmt.Errorf("--freshness=%s is not modelled", i.flag("--freshness"))
	}
	o, err := i.ask("POST", "logging.googleapis.com/v2/entries:list", object{
		"resourceNames": []string{"projects/" + i.flag("--project")}, "orderBy": "timestamp desc", "pageSize": limit,
		"filter": fmt.Sprintf("timestamp>=%q AND (%s)", now().Add(-age).UTC().Format(time.RFC3339), i.args[0]),
	})
	return objects(o["entries"]), err
}

func createMetric(i *invocation) (any, error) {
	body, err := i.file("--config-from-file")
	if err != nil {
		return nil, err
	}
	body["name"] = i.args[0]
	return i.ask("POST", metrics.all(i), body)
}

// updateMetric looks first, because the API makes a metric that is missing.
func updateMetric(i *invocation) (any, error) {
	if _, err := metrics.describe(i); err != nil {
		return nil, err
	}
	body, err := i.file("--config-from-file")
	if err != nil {
		return nil, err
	}
	return i.ask("PUT", metrics.one(i), body)
}

// create makes the policy or dashboard that a file describes.
func (c collection) create(i *invocation) (any, error) {
	body, err := i.described()
	if err != nil {
		return nil, err
	}
	return i.ask("POST", c.all(i), body)
}

// update replaces the policy or dashboard.
func (c collection) update(i *invocation) (any, error) {
	old, err := i.ask("GET", c.one(i), nil)
	if err != nil {
		return nil, err
	}
	body, err := i.described()
	if err != nil {
		return nil, err
	}
	if etag, ok := old["etag"]; ok {
		body["etag"] = etag
	}
	return i.ask("PATCH", c.one(i), body)
}

func (i *invocation) described() (object, error) {
	if i.flag("--policy-from-file") != "" {
		return i.file("--policy-from-file")
	}
	return i.file("--config-from-file")
}

func createChannel(i *invocation) (any, error) {
	return i.ask("POST", channels.all(i), object{
		"type": i.flag("--type"), "displayName": i.flag("--display-name"),
		"labels": pairs(i.flag("--channel-labels")), "userLabels": pairs(i.flag("--user-labels")),
	})
}

func deleteChannel(i *invocation) (any, error) {
	query := ""
	if _, ok := i.flags["--force"]; ok {
		query = "?force=true"
	}
	return i.ask("DELETE", channels.one(i)+query, nil)
}
