# note: gcloud is missing: install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install), or use Cloud Shell, which has it
# shown is what an empty project needs
#
# nothing was run; what there is to do:
#   45 to create: 13 APIs, 3 service accounts, 1 topic, 1 bucket, 1 secret,
#      1 version of the secret, 8 roles, 1 function, 1 scheduler job,
#      8 metrics, 1 notification channel, 5 alert policies, 1 dashboard
#    0 to change
#    0 unchanged
#
(
set -e
export CLOUDSDK_CORE_DISABLE_PROMPTS=1
FILES=$(mktemp -d)
trap 'rm -rf "$FILES"' EXIT

# [1/18] enable the APIs
gcloud services enable artifactregistry.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com cloudresourcemanager.googleapis.com cloudscheduler.googleapis.com eventarc.googleapis.com iam.googleapis.com logging.googleapis.com monitoring.googleapis.com pubsub.googleapis.com run.googleapis.com secretmanager.googleapis.com storage.googleapis.com --project=my-project

# [2/18] see whether region and runtime are available
#       go126 is supported until 2027-02, and can be deployed until 2027-08

# [3/18] service accounts to run, trigger and build
gcloud iam service-accounts create netskope-alerts-collector '--display-name=Netskope alerts: runs the function' '--description=netskope-alerts deployment netskope-alerts-collector: runs the function' --project=my-project
gcloud iam service-accounts create netskope-alerts-trigger '--display-name=Netskope alerts: starts the function' '--description=netskope-alerts deployment netskope-alerts-collector: starts the function' --project=my-project
gcloud iam service-accounts create netskope-alerts-build '--display-name=Netskope alerts: builds the function' '--description=netskope-alerts deployment netskope-alerts-collector: builds the function' --project=my-project

# [4/18] Pub/Sub topic
gcloud pubsub topics create netskope-alerts-trigger --labels=netskope_alerts_deployment=netskope-alerts-collector,netskope_alerts_deployment_bucket=b06f9a423bc4ecc17cae --project=my-project

# [5/18] access to the keys that encrypt bucket and secret
#       none: Google's own keys encrypt; --kms-key changes that

# [6/18] bucket for the alerts
gcloud storage buckets create gs://my-alerts --location=us-central1 --uniform-bucket-level-access --public-access-prevention --project=my-project
cat >"$FILES/lifecycle.json" <<'END_OF_FILE'
{"rule": [{"action": {"type": "Delete"}, "condition": {"age": 400, "matchesPrefix": ["it's \"a\" prefix, a=b $c/"]}}]}
END_OF_FILE
gcloud storage buckets update gs://my-alerts "--lifecycle-file=$FILES/lifecycle.json" --project=my-project
gcloud storage buckets update gs://my-alerts --update-labels=netskope_alerts_deployment=netskope-alerts-collector,netskope_alerts_deployment_lifecycle=400 --project=my-project

# [7/18] secret with the API token
gcloud secrets create netskope-api-token --replication-policy=automatic --labels=netskope_alerts_deployment=netskope-alerts-collector --project=my-project
tr -d '[:space:]' <HOME/token | gcloud secrets versions add netskope-api-token --data-file=- --project=my-project

# [8/18] access of the function to bucket and secret
gcloud storage buckets add-iam-policy-binding gs://my-alerts --member=serviceAccount:netskope-alerts-collector@my-project.iam.gserviceaccount.com --role=roles/storage.objectUser --project=my-project
gcloud secrets add-iam-policy-binding netskope-api-token --member=serviceAccount:netskope-alerts-collector@my-project.iam.gserviceaccount.com --role=roles/secretmanager.secretAccessor --project=my-project

# [9/18] access of the build
gcloud projects add-iam-policy-binding my-project --member=serviceAccount:netskope-alerts-build@my-project.iam.gserviceaccount.com --role=roles/logging.logWriter --condition=None --project=my-project
gcloud projects add-iam-policy-binding my-project --member=serviceAccount:netskope-alerts-build@my-project.iam.gserviceaccount.com --role=roles/artifactregistry.writer --condition=None --project=my-project
gcloud projects add-iam-policy-binding my-project --member=serviceAccount:netskope-alerts-build@my-project.iam.gserviceaccount.com --role=roles/storage.objectViewer '--condition=expression=resource.name.startsWith("projects/_/buckets/gcf-v2-"),title=sources-of-functions' --project=my-project

# [10/18] function (two to three minutes)
cat >"$FILES/env.yaml" <<'END_OF_FILE'
GCS_BUCKET: "my-alerts"
NETSKOPE_TENANT: "https://acme.goskope.com"
NETSKOPE_API_TOKEN_FILE: "/secrets/netskope-api-token"
GCS_PREFIX: "it's \"a\" prefix, a=b $c"
END_OF_FILE
gcloud functions deploy netskope-alerts-collector --gen2 --region=us-central1 --runtime=go126 --source=. --entry-point=CollectAlerts --trigger-topic=netskope-alerts-trigger --trigger-service-account=netskope-alerts-trigger@my-project.iam.gserviceaccount.com --run-service-account=netskope-alerts-collector@my-project.iam.gserviceaccount.com --build-service-account=projects/my-project/serviceAccounts/netskope-alerts-build@my-project.iam.gserviceaccount.com --set-secrets=/secrets:/netskope-api-token=netskope-api-token:latest --set-build-env-vars=GOFLAGS=-tags=disable_grpc_modules --timeout=540s --memory=256Mi --cpu=1 --concurrency=1 --max-instances=1 --ingress-settings=internal-only --no-allow-unauthenticated --retry "--env-vars-file=$FILES/env.yaml" --update-labels=netskope_alerts_deployment=netskope-alerts-collector,config_hash=HASH --project=my-project

# [11/18] access of the trigger to the function
gcloud run services add-iam-policy-binding netskope-alerts-collector --region=us-central1 --member=serviceAccount:netskope-alerts-trigger@my-project.iam.gserviceaccount.com --role=roles/run.invoker --project=my-project
# then, if it differs: gcloud pubsub subscriptions update (the one that Eventarc made for netskope-alerts-trigger) --ack-deadline=600

# [12/18] schedule
gcloud scheduler jobs create pubsub netskope-alerts-collector-hourly --location=us-central1 '--schedule=0 * * * *' --time-zone=Etc/UTC --topic=projects/my-project/topics/netskope-alerts-trigger '--message-body={}' '--description=netskope-alerts deployment netskope-alerts-collector: collects Netskope alerts' --project=my-project

# [13/18] schedule of audits
#       none: --audit-schedule '30 3 * * *' audits every night

# [14/18] access of the SecOps feed
gcloud storage buckets add-iam-policy-binding gs://my-alerts --member=serviceAccount:feed@p.iam.gserviceaccount.com --role=roles/storage.objectViewer --project=my-project
gcloud storage buckets add-iam-policy-binding gs://my-alerts --member=serviceAccount:feed@p.iam.gserviceaccount.com --role=roles/storage.legacyBucketReader --project=my-project

# [15/18] metrics from the log
cat >"$FILES/metric-alerts.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-alerts",
  "description": "Alerts delivered, by run (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=(\"run finished\" OR \"run failed\") AND jsonPayload.alerts>0",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "DISTRIBUTION",
    "unit": "1",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "valueExtractor": "EXTRACT(jsonPayload.alerts)",
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  },
  "bucketOptions": {
    "exponentialBuckets": {
      "numFiniteBuckets": 40,
      "growthFactor": 2,
      "scale": 1
    }
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-alerts "--config-from-file=$FILES/metric-alerts.json" --project=my-project
cat >"$FILES/metric-bytes.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-bytes",
  "description": "Bytes of NDJSON delivered, by run (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=(\"run finished\" OR \"run failed\") AND jsonPayload.bytes>0",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "DISTRIBUTION",
    "unit": "By",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "valueExtractor": "EXTRACT(jsonPayload.bytes)",
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  },
  "bucketOptions": {
    "exponentialBuckets": {
      "numFiniteBuckets": 40,
      "growthFactor": 2,
      "scale": 1
    }
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-bytes "--config-from-file=$FILES/metric-bytes.json" --project=my-project
cat >"$FILES/metric-duration.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-duration",
  "description": "Run time (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=(\"run finished\" OR \"run failed\")",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "DISTRIBUTION",
    "unit": "s",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "valueExtractor": "EXTRACT(jsonPayload.duration_seconds)",
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  },
  "bucketOptions": {
    "explicitBuckets": {
      "bounds": [
        1,
        2,
        5,
        10,
        20,
        30,
        60,
        90,
        120,
        180,
        240,
        300,
        360,
        420,
        480,
        540,
        600
      ]
    }
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-duration "--config-from-file=$FILES/metric-duration.json" --project=my-project
cat >"$FILES/metric-failures.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-failures",
  "description": "Runs, audits and backfills that failed, were refused, or found a gap (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=(\"run failed\" OR \"configuration refused\" OR \"message refused\" OR \"audit failed\" OR \"audit found a gap\" OR \"backfill failed\")",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "INT64",
    "unit": "1",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-failures "--config-from-file=$FILES/metric-failures.json" --project=my-project
cat >"$FILES/metric-lag.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-lag",
  "description": "Age of the newest moment that is completely collected, by run (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=\"run finished\"",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "DISTRIBUTION",
    "unit": "s",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "valueExtractor": "EXTRACT(jsonPayload.lag_seconds)",
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  },
  "bucketOptions": {
    "explicitBuckets": {
      "bounds": [
        1,
        10,
        30,
        60,
        120,
        300,
        600,
        900,
        1800,
        3600,
        7200,
        10800,
        14400,
        21600,
        43200,
        86400,
        172800,
        604800,
        2592000
      ]
    }
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-lag "--config-from-file=$FILES/metric-lag.json" --project=my-project
cat >"$FILES/metric-lateness.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-lateness",
  "description": "Time from an alert to its storing by the tenant, 99 % of a run's alerts (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=(\"run finished\" OR \"run failed\") AND jsonPayload.alerts>0",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "DISTRIBUTION",
    "unit": "s",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "valueExtractor": "EXTRACT(jsonPayload.lateness_p99_seconds)",
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  },
  "bucketOptions": {
    "explicitBuckets": {
      "bounds": [
        1,
        10,
        30,
        60,
        120,
        300,
        600,
        900,
        1800,
        3600,
        7200,
        10800,
        14400,
        21600,
        43200,
        86400,
        172800,
        604800,
        2592000
      ]
    }
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-lateness "--config-from-file=$FILES/metric-lateness.json" --project=my-project
cat >"$FILES/metric-quarantined.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-quarantined",
  "description": "Alerts kept out of the feed's folder, by run (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=(\"run finished\" OR \"run failed\") AND jsonPayload.quarantined>0",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "DISTRIBUTION",
    "unit": "1",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "valueExtractor": "EXTRACT(jsonPayload.quarantined)",
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  },
  "bucketOptions": {
    "exponentialBuckets": {
      "numFiniteBuckets": 40,
      "growthFactor": 2,
      "scale": 1
    }
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-quarantined "--config-from-file=$FILES/metric-quarantined.json" --project=my-project
cat >"$FILES/metric-runs.json" <<'END_OF_FILE'
{
  "name": "netskope-alerts-collector-runs",
  "description": "Runs that finished (netskope-alerts deployment netskope-alerts-collector, config HASH)",
  "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=\"run finished\"",
  "metricDescriptor": {
    "metricKind": "DELTA",
    "valueType": "INT64",
    "unit": "1",
    "labels": [
      {
        "key": "stream",
        "valueType": "STRING",
        "description": "What was collected: alert, application, audit, infrastructure, network or page"
      }
    ]
  },
  "labelExtractors": {
    "stream": "EXTRACT(jsonPayload.stream)"
  }
}
END_OF_FILE
gcloud logging metrics create netskope-alerts-collector-runs "--config-from-file=$FILES/metric-runs.json" --project=my-project

# [16/18] who is told
CHANNEL=$(gcloud beta monitoring channels create --type=email '--display-name=netskope-alerts-collector: soc@example.com' --channel-labels=email_address=soc@example.com --user-labels=netskope_alerts_deployment=netskope-alerts-collector '--format=value(name)' --project=my-project)

# [17/18] alert policies
cat >"$FILES/policy-lag.json" <<'END_OF_FILE'
{
  "displayName": "netskope-alerts-collector: lag over 2 hours",
  "severity": "WARNING",
  "combiner": "OR",
  "enabled": true,
  "conditions": [
    {
      "displayName": "lag over 2 hours",
      "conditionThreshold": {
        "filter": "metric.type=\"logging.googleapis.com/user/netskope-alerts-collector-lag\" AND resource.type=\"cloud_run_revision\"",
        "aggregations": [
          {
            "alignmentPeriod": "3600s",
            "perSeriesAligner": "ALIGN_PERCENTILE_99",
            "crossSeriesReducer": "REDUCE_MAX",
            "groupByFields": ["metric.label.stream"]
          }
        ],
        "comparison": "COMPARISON_GT",
        "thresholdValue": 7200,
        "duration": "0s",
        "trigger": {
          "count": 1
        }
      }
    }
  ],
  "documentation": {
    "mimeType": "text/markdown",
    "content": "The collector runs but is more than two hours behind: what happened since then is not all in the bucket yet. Nothing is lost, only late.\n\nStream: ${metric.label.stream}\n\nWhat to do:\n\n1. After an outage or a new start, this is the backlog. `./deploy.sh status` shows the lag; if it shrinks from run to run, wait. To go faster, run more often: `--schedule '*/10 * * * *'`.\n2. `stopped` in the run's record says why a run ended. `budget`: there is more to do than fits into a run; run more often. `max records`: raise or remove MAX_RECORDS.\n3. Many `retries`: the tenant limits or fails requests; see REQUESTS_PER_SECOND and the tenant's status page."
  },
  "alertStrategy": {
    "autoClose": "86400s"
  },
  "notificationChannels": ["@CHANNEL@"],
  "userLabels": {
    "netskope_alerts_deployment": "netskope-alerts-collector",
    "config_hash": "HASH"
  }
}
END_OF_FILE
sed -i.bak "s|@CHANNEL@|$CHANNEL|" "$FILES/policy-lag.json"
gcloud alpha monitoring policies create "--policy-from-file=$FILES/policy-lag.json" --project=my-project
cat >"$FILES/policy-no-run.json" <<'END_OF_FILE'
{
  "displayName": "netskope-alerts-collector: no run in 2 hours",
  "severity": "CRITICAL",
  "combiner": "OR",
  "enabled": true,
  "conditions": [
    {
      "displayName": "no run in 2 hours",
      "conditionPrometheusQueryLanguage": {
        "query": "((sum(increase(logging_googleapis_com:user_netskope_alerts_collector_runs{monitored_resource=\"cloud_run_revision\"}[2h])) or vector(0)) < 1) or ((sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_runs{monitored_resource=\"cloud_run_revision\"}[1d])) > 0) unless (sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_runs{monitored_resource=\"cloud_run_revision\"}[2h])) > 0))",
        "duration": "0s",
        "evaluationInterval": "300s"
      }
    }
  ],
  "documentation": {
    "mimeType": "text/markdown",
    "content": "For two hours, no run of `netskope-alerts-collector` has finished, or none of one of its streams, which had been collected in the day before (also if that was taken out of STREAMS: then it ends by itself). Without a stream: no run of `netskope-alerts-collector` has finished. Every run says so in the log, so either nothing started it or none came to its end.\n\nWhat to do:\n\n1. `./deploy.sh status` shows whether the schedule `netskope-alerts-collector-hourly` is enabled, when it fires next, and the last run. A paused job: `gcloud scheduler jobs resume netskope-alerts-collector-hourly --location=us-central1 --project=my-project`.\n2. `./deploy.sh run` starts a run and says where it gets stuck.\n3. Runs that fail have an alert of their own with the reason.\n4. If the schedule is wanted to be longer than two hours, take this policy out of `deploy/monitoring/policies` or widen its 2h."
  },
  "alertStrategy": {
    "autoClose": "86400s"
  },
  "notificationChannels": ["@CHANNEL@"],
  "userLabels": {
    "netskope_alerts_deployment": "netskope-alerts-collector",
    "config_hash": "HASH"
  }
}
END_OF_FILE
sed -i.bak "s|@CHANNEL@|$CHANNEL|" "$FILES/policy-no-run.json"
gcloud alpha monitoring policies create "--policy-from-file=$FILES/policy-no-run.json" --project=my-project
cat >"$FILES/policy-quarantine.json" <<'END_OF_FILE'
{
  "displayName": "netskope-alerts-collector: quarantine not empty",
  "severity": "WARNING",
  "combiner": "OR",
  "enabled": true,
  "conditions": [
    {
      "displayName": "quarantine not empty",
      "conditionMatchedLog": {
        "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.quarantined>0",
        "labelExtractors": {
          "stream": "EXTRACT(jsonPayload.stream)",
          "quarantined": "EXTRACT(jsonPayload.quarantined)"
        }
      }
    }
  ],
  "documentation": {
    "mimeType": "text/markdown",
    "content": "Alerts could not be given to the feed and were put aside, because one of them would have stopped the whole feed (a line over 4 MB). They are complete in the bucket, beside the feed's folder: if that is `netskope/alerts/`, in `netskope/quarantine/alerts/`.\n\nIn this run, of the stream ${log.extracted_label.stream}: ${log.extracted_label.quarantined}\n\nWhat to do: look at the objects there (`gcloud storage ls`), shorten the alerts by hand if the SIEM must have them, and put the result into the feed's folder under a new name. Then move the object away. This policy fires for a run that puts something aside; it does not know whether it was dealt with."
  },
  "alertStrategy": {
    "notificationRateLimit": {
      "period": "3600s"
    },
    "autoClose": "86400s"
  },
  "notificationChannels": ["@CHANNEL@"],
  "userLabels": {
    "netskope_alerts_deployment": "netskope-alerts-collector",
    "config_hash": "HASH"
  }
}
END_OF_FILE
sed -i.bak "s|@CHANNEL@|$CHANNEL|" "$FILES/policy-quarantine.json"
gcloud alpha monitoring policies create "--policy-from-file=$FILES/policy-quarantine.json" --project=my-project
cat >"$FILES/policy-run-failed.json" <<'END_OF_FILE'
{
  "displayName": "netskope-alerts-collector: run failed",
  "severity": "ERROR",
  "combiner": "OR",
  "enabled": true,
  "conditions": [
    {
      "displayName": "run failed",
      "conditionMatchedLog": {
        "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND severity>=ERROR AND (jsonPayload.message=(\"run failed\" OR \"configuration refused\" OR \"message refused\" OR \"audit failed\" OR \"audit found a gap\" OR \"backfill failed\")) AND NOT jsonPayload.error=~\"netskope answered (401|403)\"",
        "labelExtractors": {
          "stream": "EXTRACT(jsonPayload.stream)",
          "error": "EXTRACT(jsonPayload.error)"
        }
      }
    }
  ],
  "documentation": {
    "mimeType": "text/markdown",
    "content": "A run, a backfill or an audit of `netskope-alerts-collector` could not do its work. Nothing is lost: what was delivered is in the ledger and stays, and what was not is delivered when Pub/Sub delivers the message again, or by the next run.\n\nStream: ${log.extracted_label.stream}\n\nWhy: ${log.extracted_label.error}\n\nWhat to do:\n\n1. Read the whole record: in Logs Explorer, project `my-project`, query `resource.labels.service_name=\"netskope-alerts-collector\" severity>=ERROR`.\n2. `configuration refused`: set the variable that the record names and run `./deploy.sh` again.\n3. An error of the tenant (429, 5xx, time out) usually ends by itself. Act if it lasts longer than two hours: then the alert on the lag comes, too.\n4. An error of the bucket (403, 404): `./deploy.sh` makes the bucket and grants the access again.\n5. A state needs no mending: one that is lost, damaged, ahead or behind is rebuilt from the ledger by the next run, whose record is then a warning with `state_trouble`. Only where the ledger knows of no run either, a damaged state stops the runs: restore an earlier version of the object, or delete it to begin anew LOOKBACK_HOURS back. A state of another tenant or time field, or of a later version, is refused; the error says what to do.\n6. `audit found a gap`: an audit that a message asked for found alerts missing that it was not asked to repair, or delivered twice. `netskope-alerts verify --gaps` names the cells and what to do.\n7. Afterwards: `./deploy.sh run`."
  },
  "alertStrategy": {
    "notificationRateLimit": {
      "period": "3600s"
    },
    "autoClose": "86400s"
  },
  "notificationChannels": ["@CHANNEL@"],
  "userLabels": {
    "netskope_alerts_deployment": "netskope-alerts-collector",
    "config_hash": "HASH"
  }
}
END_OF_FILE
sed -i.bak "s|@CHANNEL@|$CHANNEL|" "$FILES/policy-run-failed.json"
gcloud alpha monitoring policies create "--policy-from-file=$FILES/policy-run-failed.json" --project=my-project
cat >"$FILES/policy-token-refused.json" <<'END_OF_FILE'
{
  "displayName": "netskope-alerts-collector: token refused",
  "severity": "CRITICAL",
  "combiner": "OR",
  "enabled": true,
  "conditions": [
    {
      "displayName": "token refused",
      "conditionMatchedLog": {
        "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND severity>=ERROR AND jsonPayload.message=(\"run failed\" OR \"audit failed\" OR \"backfill failed\") AND jsonPayload.error=~\"netskope answered (401|403)\"",
        "labelExtractors": {
          "stream": "EXTRACT(jsonPayload.stream)",
          "error": "EXTRACT(jsonPayload.error)"
        }
      }
    }
  ],
  "documentation": {
    "mimeType": "text/markdown",
    "content": "The tenant answers 401 or 403: the API token is expired, revoked, or has no permission for alerts. Nothing is collected until that is mended. Nothing is lost as long as the tenant keeps the alerts: the first run with a good token takes up where the last one ended.\n\nStream: ${log.extracted_label.stream}\n\nWhy: ${log.extracted_label.error}\n\nWhat to do:\n\n1. In Netskope, Settings > Administration > Administrators & Roles: extend the expiry of the service account's token or make a new one. Its role needs to view alerts (`/api/v2/events/data/alert`), and whatever other stream is collected: where only one of several is refused, its endpoint is missing in the role, and an IP allow list, if there is one, must let the function through.\n2. `./deploy.sh --token-file FILE` (with the other settings as before) puts a new token into the secret `netskope-api-token`. No new deployment is needed: the next run reads it.\n3. `./deploy.sh run`."
  },
  "alertStrategy": {
    "notificationRateLimit": {
      "period": "3600s"
    },
    "autoClose": "86400s"
  },
  "notificationChannels": ["@CHANNEL@"],
  "userLabels": {
    "netskope_alerts_deployment": "netskope-alerts-collector",
    "config_hash": "HASH"
  }
}
END_OF_FILE
sed -i.bak "s|@CHANNEL@|$CHANNEL|" "$FILES/policy-token-refused.json"
gcloud alpha monitoring policies create "--policy-from-file=$FILES/policy-token-refused.json" --project=my-project

# [18/18] dashboard
cat >"$FILES/dashboard.json" <<'END_OF_FILE'
{
  "displayName": "netskope-alerts-collector: Netskope alerts",
  "labels": {
    "netskope_alerts_deployment": "netskope-alerts-collector",
    "config_hash": "HASH"
  },
  "mosaicLayout": {
    "columns": 48,
    "tiles": [
      {
        "xPos": 0,
        "yPos": 0,
        "width": 24,
        "height": 16,
        "widget": {
          "title": "Alerts per hour",
          "xyChart": {
            "dataSets": [
              {
                "plotType": "STACKED_BAR",
                "targetAxis": "Y1",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_alerts_sum{monitored_resource=\"cloud_run_revision\"}[1h]))"
                }
              }
            ],
            "yAxis": {
              "scale": "LINEAR"
            }
          }
        }
      },
      {
        "xPos": 24,
        "yPos": 0,
        "width": 24,
        "height": 16,
        "widget": {
          "title": "Lag (newest moment that is completely collected)",
          "xyChart": {
            "dataSets": [
              {
                "plotType": "LINE",
                "targetAxis": "Y1",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_lag_sum{monitored_resource=\"cloud_run_revision\"}[1h])) / sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_lag_count{monitored_resource=\"cloud_run_revision\"}[1h]))",
                  "unitOverride": "s"
                }
              }
            ],
            "yAxis": {
              "scale": "LINEAR"
            }
          }
        }
      },
      {
        "xPos": 0,
        "yPos": 16,
        "width": 24,
        "height": 16,
        "widget": {
          "title": "Lateness of alerts, p99 (from the alert to its storing by the tenant)",
          "xyChart": {
            "dataSets": [
              {
                "plotType": "LINE",
                "targetAxis": "Y1",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_lateness_sum{monitored_resource=\"cloud_run_revision\"}[1h])) / sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_lateness_count{monitored_resource=\"cloud_run_revision\"}[1h]))",
                  "unitOverride": "s"
                }
              }
            ],
            "yAxis": {
              "scale": "LINEAR"
            }
          }
        }
      },
      {
        "xPos": 24,
        "yPos": 16,
        "width": 24,
        "height": 16,
        "widget": {
          "title": "Run time",
          "xyChart": {
            "dataSets": [
              {
                "plotType": "LINE",
                "targetAxis": "Y1",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_duration_sum{monitored_resource=\"cloud_run_revision\"}[1h])) / sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_duration_count{monitored_resource=\"cloud_run_revision\"}[1h]))",
                  "unitOverride": "s"
                }
              }
            ],
            "yAxis": {
              "scale": "LINEAR"
            }
          }
        }
      },
      {
        "xPos": 0,
        "yPos": 32,
        "width": 24,
        "height": 16,
        "widget": {
          "title": "Runs and failures per hour",
          "xyChart": {
            "dataSets": [
              {
                "plotType": "STACKED_BAR",
                "targetAxis": "Y1",
                "legendTemplate": "finished",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum(increase(logging_googleapis_com:user_netskope_alerts_collector_runs{monitored_resource=\"cloud_run_revision\"}[1h]))"
                }
              },
              {
                "plotType": "STACKED_BAR",
                "targetAxis": "Y1",
                "legendTemplate": "failed",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum(increase(logging_googleapis_com:user_netskope_alerts_collector_failures{monitored_resource=\"cloud_run_revision\"}[1h]))"
                }
              }
            ],
            "yAxis": {
              "scale": "LINEAR"
            }
          }
        }
      },
      {
        "xPos": 24,
        "yPos": 32,
        "width": 24,
        "height": 16,
        "widget": {
          "title": "Bytes per hour",
          "xyChart": {
            "dataSets": [
              {
                "plotType": "STACKED_BAR",
                "targetAxis": "Y1",
                "timeSeriesQuery": {
                  "prometheusQuery": "sum by (stream) (increase(logging_googleapis_com:user_netskope_alerts_collector_bytes_sum{monitored_resource=\"cloud_run_revision\"}[1h]))",
                  "unitOverride": "By"
                }
              }
            ],
            "yAxis": {
              "scale": "LINEAR"
            }
          }
        }
      },
      {
        "xPos": 0,
        "yPos": 48,
        "width": 48,
        "height": 16,
        "widget": {
          "title": "Runs",
          "logsPanel": {
            "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.message=~\"^(run finished|run failed|configuration refused|message refused|audit passed|audit not complete|audit found a gap|audit failed|backfill finished|backfill not complete|backfill failed)$\"",
            "resourceNames": [
              "projects/my-project"
            ]
          }
        }
      },
      {
        "xPos": 0,
        "yPos": 64,
        "width": 48,
        "height": 8,
        "widget": {
          "title": "Runs that found something wrong with the state (state_trouble)",
          "logsPanel": {
            "filter": "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"netskope-alerts-collector\" AND jsonPayload.state_trouble=~\".\"",
            "resourceNames": [
              "projects/my-project"
            ]
          }
        }
      }
    ]
  }
}
END_OF_FILE
gcloud monitoring dashboards create "--config-from-file=$FILES/dashboard.json" --project=my-project
)
