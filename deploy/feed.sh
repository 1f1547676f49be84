#!/usr/bin/env bash
# Sourced by deploy.sh: what a Google SecOps feed of type Cloud Storage V2 needs.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# grant_feed grants both roles that such a feed needs, before it is submitted: submitting
# checks the access (Google SecOps, feed management). objectViewer alone lacks
# storage.buckets.get.
grant_feed() {
	local bucket_role=roles/storage.legacyBucketReader
	if [[ ! $FEED_SERVICE_ACCOUNT ]]; then
		say "      no --feed-service-account: ./deploy.sh feed does it later"
		return 0
	fi
	[[ ! $FEED_DELETES ]] || bucket_role=roles/storage.legacyBucketWriter
	grant "storage buckets" "gs://$GCS_BUCKET" "serviceAccount:$FEED_SERVICE_ACCOUNT" roles/storage.objectViewer
	grant "storage buckets" "gs://$GCS_BUCKET" "serviceAccount:$FEED_SERVICE_ACCOUNT" "$bucket_role"
}

feed_command() {
	if [[ $FEED_SERVICE_ACCOUNT ]]; then
		run_steps "grant_feed|access of the SecOps feed"
		say
	fi
	print_feed_form
	if [[ $SECOPS_INSTANCE ]]; then
		create_feed
	fi
}

feed_uri() { printf 'gs://%s/%s/' "$GCS_BUCKET" "$FOLDER"; }

deletion_option() { if [[ $FEED_DELETES ]]; then printf ON_SUCCESS; else printf NEVER; fi; }

feed_json() {
	local instance=${SECOPS_INSTANCE:-projects/PROJECT/locations/LOCATION/instances/CUSTOMER_UUID}
	cat <<END
{
  "displayName": $(json_text "$FEED_NAME"),
  "details": {
    "feedSourceType": "GOOGLE_CLOUD_STORAGE_V2",
    "logType": "$instance/logTypes/$FEED_LOG_TYPE",
    "gcsV2Settings": {
      "bucketUri": $(json_text "$(feed_uri)"),
      "sourceDeletionOption": "$(deletion_option)",
      "maxLookbackDays": $FEED_MAX_AGE_DAYS
    }
  }
}
END
}

print_feed_form() {
	local deletion="Never delete files" text
	[[ ! $FEED_DELETES ]] || deletion="Delete transferred files and empty directories"
	text=$(
		cat <<END
In Google SecOps, under SIEM Settings > Feeds > Add New Feed:

  Feed name               $FEED_NAME
  Source type             Google Cloud Storage V2
  Log type                $FEED_LOG_TYPE
  Storage bucket URI      $(feed_uri)
                          with the slash at its end: the feed reads everything below
  Source deletion option  $deletion
  Maximum file age        $FEED_MAX_AGE_DAYS days

Log type: NETSKOPE_ALERT_V2 is the parser that is still developed, and the one for JSON of
the REST API v2. NETSKOPE_ALERT is the older one: take it if your rules and dashboards rest
on its fields. The objects are the same for both.

Before submitting, grant access to the account that "Get Service Account" shows:

  ./deploy.sh --project-id $PROJECT_ID --gcs-bucket $GCS_BUCKET feed --feed-service-account EMAIL

The same for the feeds API (POST .../feeds):

$(feed_json)
END
	)
	while IFS= read -r line; do say "$line"; done <<<"$text"
}

# create_feed asks the feeds API with the caller's own token, which reaches curl through
# its standard input: a command line can be read by other users of the machine.
create_feed() {
	local location url answer
	location=${SECOPS_INSTANCE#*/locations/}
	location=${location%%/*}
	url="https://$location-chronicle.googleapis.com/v1/$SECOPS_INSTANCE/feeds"
	put_file "$FILES/feed.json" "$(feed_json)"
	if [[ $DRY_RUN ]]; then
		# shellcheck disable=SC2016
		printf '%s\n' 'printf '\''header = "Authorization: Bearer %s"\n'\'' "$(gcloud auth print-access-token)" |' \
			"	curl --config - --fail-with-body --silent --show-error --max-time 60 --header 'Content-Type: application/json' --data-binary \"@$FILES/feed.json\" $url"
		return
	fi
	command -v curl >/dev/null || die "curl is missing: install it, or enter the feed by hand"
	say
	say "POST $url with the JSON above"
	confirm "Create this feed?" || die "nothing was created"
	answer=$(gcloud auth print-access-token 2>"$PRIVATE/stderr" </dev/null) || die "gcloud auth print-access-token: $(complaint)"
	if ! answer=$(printf 'header = "Authorization: Bearer %s"\n' "$answer" |
		curl --config - --fail-with-body --silent --show-error --max-time 60 \
			--header 'Content-Type: application/json' --data-binary "@$FILES/feed.json" "$url" 2>&1); then
		die "the feed was not created: ${answer:0:1500}"
	fi
	say "$answer"
}

# confirm asks $1; without a terminal, and without --yes, the answer is no.
confirm() {
	local answer
	[[ ! $YES ]] || return 0
	[[ -t 0 ]] || die "to go on without a question, add --yes"
	read -rp "$1 [y/N] " answer
	[[ $answer == [yY] || $answer == [yY][eE][sS] ]]
}
