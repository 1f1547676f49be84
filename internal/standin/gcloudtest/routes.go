package gcloudtest

const (
	inProject  = "/v1/projects/{project}"
	inRegion   = "/v1/projects/{project}/locations/{region}"
	inRegionV2 = "/v2/projects/{project}/locations/{region}"
	inKeyRing  = "/v1/projects/{owner}/locations/{place}/keyRings/{ring}"
	logging    = "/v2/projects/{project}"
	monitoring = "/v3/projects/{project}"
	uploadPath = "/gcloudtest-uploads/"
)

var routes []route

func init() {
	routes = append(routes, projectRoutes...)
	routes = append(routes, storageRoutes...)
	routes = append(routes, accountRoutes...)
	routes = append(routes, secretRoutes...)
	routes = append(routes, keyRoutes...)
	routes = append(routes, pubsubRoutes...)
	routes = append(routes, functionRoutes...)
	routes = append(routes, runRoutes...)
	routes = append(routes, schedulerRoutes...)
	routes = append(routes, loggingRoutes...)
	routes = append(routes, monitoringRoutes...)
}

var projectRoutes = []route{
	{"oauth2", "POST", "/token", token},
	{"cloudresourcemanager", "GET", inProject, describeProject},
	{"cloudresourcemanager", "POST", inProject + ":getIamPolicy", showProjectPolicy},
	{"cloudresourcemanager", "POST", inProject + ":setIamPolicy", replaceProjectPolicy},
	{"cloudbilling", "GET", inProject + "/billingInfo", billing},
	{"serviceusage", "GET", inProject + "/services", listServices},
	{"serviceusage", "GET", inProject + "/services/{service}", describeService},
	{"serviceusage", "POST", inProject + "/services/{service}:enable", enableOne},
	{"serviceusage", "POST", inProject + "/services:batchEnable", enableMany},
	{"serviceusage", "POST", inProject + "/services/{service}:disable", disableOne},
	{"serviceusage", "POST", "/v1beta1/projects/{project}/services/{service}:generateServiceIdentity", makeAgent},
	{"cloudresourcemanager", "POST", inProject + ":getEffectiveOrgPolicy", describeOrgPolicy},
}

var storageRoutes = []route{
	{"storage", "GET", "/storage/v1/b", listBuckets},
	{"storage", "POST", "/storage/v1/b", createBucket},
	{"storage", "GET", "/storage/v1/b/{bucket}", describeBucket},
	{"storage", "PATCH", "/storage/v1/b/{bucket}", updateBucket},
	{"storage", "DELETE", "/storage/v1/b/{bucket}", deleteBucket},
	{"storage", "GET", "/storage/v1/b/{bucket}/iam", showBucketPolicy},
	{"storage", "PUT", "/storage/v1/b/{bucket}/iam", replaceBucketPolicy},
	{"storage", "GET", "/storage/v1/projects/{project}/serviceAccount", storageAgent},
	{"storage", "GET", "/storage/v1/b/{bucket}/notificationConfigs", listNotifications},
	{"storage", "POST", "/storage/v1/b/{bucket}/notificationConfigs", createNotification},
	{"storage", "GET", "/storage/v1/b/{bucket}/notificationConfigs/{id}", describeNotification},
	{"storage", "DELETE", "/storage/v1/b/{bucket}/notificationConfigs/{id}", deleteNotification},
	{"storage", "GET", "/storage/v1/b/{bucket}/o", listObjects},
	{"storage", "GET", "/storage/v1/b/{bucket}/o/{*}", describeObject},
	{"storage", "DELETE", "/storage/v1/b/{bucket}/o/{*}", deleteObject},
	{"storage", "GET", "/storage/v1/b/{bucket}/managedFolders", listNoFolders},
	{"storage", "GET", "/storage/v1/b/{bucket}/storageLayout", describeLayout},
	{"storage", "PUT", uploadPath + "{upload}", receiveSource},
}

var accountRoutes = []route{
	{"iam", "GET", inProject + "/serviceAccounts", enumerate(accounts, "accounts")},
	{"iam", "POST", inProject + "/serviceAccounts", createAccount},
	{"iam", "GET", inProject + "/serviceAccounts/{email}", account(fetch(accounts))},
	{"iam", "DELETE", inProject + "/serviceAccounts/{email}", account(remove(accounts))},
	{"iam", "POST", inProject + "/serviceAccounts/{email}:disable", account(disableAccount(true))},
	{"iam", "POST", inProject + "/serviceAccounts/{email}:enable", account(disableAccount(false))},
	{"iam", "POST", inProject + "/serviceAccounts/{email}:getIamPolicy", account(showPolicy(accounts))},
	{"iam", "POST", inProject + "/serviceAccounts/{email}:setIamPolicy", account(replacePolicy(accounts))},
}

var secretRoutes = []route{
	{"secretmanager", "GET", inProject + "/secrets", enumerate(secrets, "secrets")},
	{"secretmanager", "POST", inProject + "/secrets", createSecret},
	{"secretmanager", "GET", inProject + "/secrets/{secret}", fetch(secrets)},
	{"secretmanager", "PATCH", inProject + "/secrets/{secret}", updateSecret},
	{"secretmanager", "DELETE", inProject + "/secrets/{secret}", deleteSecret},
	{"secretmanager", "GET", inProject + "/secrets/{secret}:getIamPolicy", showPolicy(secrets)},
	{"secretmanager", "POST", inProject + "/secrets/{secret}:setIamPolicy", replacePolicy(secrets)},
	{"secretmanager", "POST", inProject + "/secrets/{secret}:addVersion", addVersion},
	{"secretmanager", "GET", inProject + "/secrets/{secret}/versions", listVersions},
	{"secretmanager", "GET", inProject + "/secrets/{secret}/versions/{version}", describeVersion},
	{"secretmanager", "GET", inProject + "/secrets/{secret}/versions/{version}:access", accessVersion},
	{"secretmanager", "POST", inProject + "/secrets/{secret}/versions/{version}:disable", setVersion("DISABLED")},
	{"secretmanager", "POST", inProject + "/secrets/{secret}/versions/{version}:enable", setVersion("ENABLED")},
	{"secretmanager", "POST", inProject + "/secrets/{secret}/versions/{version}:destroy", setVersion("DESTROYED")},
}

var keyRoutes = []route{
	{"cloudkms", "GET", inKeyRing + "/cryptoKeys/{key}:getIamPolicy", showPolicy(keys)},
	{"cloudkms", "POST", inKeyRing + "/cryptoKeys/{key}:setIamPolicy", replacePolicy(keys)},
}

var pubsubRoutes = []route{
	{"pubsub", "GET", inProject + "/topics", enumerate(topics, "topics")},
	{"pubsub", "PUT", inProject + "/topics/{topic}", createTopic},
	{"pubsub", "GET", inProject + "/topics/{topic}", fetch(topics)},
	{"pubsub", "PATCH", inProject + "/topics/{topic}", updateTopic},
	{"pubsub", "DELETE", inProject + "/topics/{topic}", deleteTopic},
	{"pubsub", "POST", inProject + "/topics/{topic}:publish", publish},
	{"pubsub", "GET", inProject + "/topics/{topic}/subscriptions", listTopicSubscriptions},
	{"pubsub", "GET", inProject + "/topics/{topic}:getIamPolicy", showPolicy(topics)},
	{"pubsub", "POST", inProject + "/topics/{topic}:setIamPolicy", replacePolicy(topics)},
	{"pubsub", "GET", inProject + "/subscriptions", enumerate(subscriptions, "subscriptions")},
	{"pubsub", "GET", inProject + "/subscriptions/{subscription}", fetch(subscriptions)},
	{"pubsub", "PUT", inProject + "/subscriptions/{subscription}", createSubscription},
	{"pubsub", "GET", inProject + "/subscriptions/{subscription}:getIamPolicy", showPolicy(subscriptions)},
	{"pubsub", "POST", inProject + "/subscriptions/{subscription}:setIamPolicy", replacePolicy(subscriptions)},
	{"pubsub", "PATCH", inProject + "/subscriptions/{subscription}", updateSubscription},
	{"pubsub", "DELETE", inProject + "/subscriptions/{subscription}", remove(subscriptions)},
}

var functionRoutes = []route{
	{"cloudfunctions", "GET", inRegionV2 + "/runtimes", listRuntimes},
	{"cloudfunctions", "GET", inRegionV2 + "/functions", enumerate(functions, "functions")},
	{"cloudfunctions", "POST", inRegionV2 + "/functions", createFunction},
	{"cloudfunctions", "POST", inRegionV2 + "/functions:generateUploadUrl", offerUpload},
	{"cloudfunctions", "GET", inRegionV2 + "/functions/{function}", fetch(functions)},
	{"cloudfunctions", "PATCH", inRegionV2 + "/functions/{function}", updateFunction},
	{"cloudfunctions", "DELETE", inRegionV2 + "/functions/{function}", deleteFunction},
	{"cloudfunctions", "GET", inRegionV2 + "/operations/{operation}", describeOperation},
	{"eventarc", "GET", inRegion + "/triggers", enumerate(triggers, "triggers")},
	{"eventarc", "GET", inRegion + "/triggers/{trigger}", fetch(triggers)},
	{"cloudbuild", "GET", inRegion + "/defaultServiceAccount", defaultBuildAccount},
}

var runRoutes = []route{
	{"run", "GET", "/apis/serving.knative.dev/v1/namespaces/{project}/services/{service}", describeRunService},
	{"run", "GET", inRegion + "/services/{service}:getIamPolicy", showPolicy(runServices)},
	{"run", "POST", inRegion + "/services/{service}:setIamPolicy", replacePolicy(runServices)},
}

var schedulerRoutes = []route{
	{"cloudscheduler", "GET", inRegion + "/jobs", enumerate(jobs, "jobs")},
	{"cloudscheduler", "POST", inRegion + "/jobs", createJob},
	{"cloudscheduler", "GET", inRegion + "/jobs/{job}", fetch(jobs)},
	{"cloudscheduler", "PATCH", inRegion + "/jobs/{job}", updateJob},
	{"cloudscheduler", "DELETE", inRegion + "/jobs/{job}", remove(jobs)},
	{"cloudscheduler", "POST", inRegion + "/jobs/{job}:pause", setJob("ENABLED", "PAUSED")},
	{"cloudscheduler", "POST", inRegion + "/jobs/{job}:resume", setJob("PAUSED", "ENABLED")},
}

var loggingRoutes = []route{
	{"logging", "GET", logging + "/metrics", enumerate(metrics, "metrics")},
	{"logging", "POST", logging + "/metrics", createMetric},
	{"logging", "GET", logging + "/metrics/{metric}", fetch(metrics)},
	{"logging", "PUT", logging + "/metrics/{metric}", updateMetric},
	{"logging", "DELETE", logging + "/metrics/{metric}", remove(metrics)},
	{"logging", "POST", "/v2/entries:list", listEntries},
}

var monitoringRoutes = []route{
	{"monitoring", "GET", monitoring + "/alertPolicies", enumerate(alertPolicies, "alertPolicies")},
	{"monitoring", "POST", monitoring + "/alertPolicies", createAlertPolicy},
	{"monitoring", "GET", monitoring + "/alertPolicies/{policy}", fetch(alertPolicies)},
	{"monitoring", "PATCH", monitoring + "/alertPolicies/{policy}", updateAlertPolicy},
	{"monitoring", "DELETE", monitoring + "/alertPolicies/{policy}", remove(alertPolicies)},
	{"monitoring", "GET", monitoring + "/notificationChannels", listChannels},
	{"monitoring", "POST", monitoring + "/notificationChannels", createChannel},
	{"monitoring", "GET", monitoring + "/notificationChannels/{channel}", fetch(channels)},
	{"monitoring", "PATCH", monitoring + "/notificationChannels/{channel}", updateChannel},
	{"monitoring", "DELETE", monitoring + "/notificationChannels/{channel}", deleteChannel},
	{"monitoring", "GET", inProject + "/dashboards", enumerate(dashboards, "dashboards")},
	{"monitoring", "POST", inProject + "/dashboards", createDashboard},
	{"monitoring", "GET", inProject + "/dashboards/{dashboard}", fetch(dashboards)},
	{"monitoring", "PATCH", inProject + "/dashboards/{dashboard}", updateDashboard},
	{"monitoring", "DELETE", inProject + "/dashboards/{dashboard}", remove(dashboards)},
}
