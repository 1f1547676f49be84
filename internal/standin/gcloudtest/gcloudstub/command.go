package gcloudstub

import (
	"fmt"
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
