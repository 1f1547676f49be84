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
	local steps=()
	[[ ! $FEED_SERVICE_ACCOUNT ]] || steps+=("grant_feed|access of the SecOps feed")
	[[ ! $FEED_EVENT_DRIVEN ]] || steps+=("announce_objects|new objects are announced to the feed")
	[[ ! $FEED_EVENT_DRIVEN ]] || ! second_feed || steps+=("announce_events|new objects of the events are announced to their feed")
	if ((${#steps[@]})); then
		run_steps "${steps[@]}"
		say
	fi
	one_feed
	if second_feed; then
		say
		of_events one_feed
	fi
}

# second_feed: the streams beside alerts lie below one folder, and one feed takes them all.
second_feed() { [[ $EVENTS && $EVENTS != "$FOLDER" ]]; }

# of_events does $1 for the second feed. Its topic is its own: a feed is told of nothing that is
# not in its folder, also where the first feed is older than the second.
of_events() {
	local FOLDER=$EVENTS FEED_NAME="$FEED_NAME: events" FEED_TOPIC=$FEED_TOPIC-events
	"$1"
}

announce_events() { of_events announce_objects; }

one_feed() {
	print_feed_form
	if [[ $SECOPS_INSTANCE ]]; then
		create_feed
	fi
}

# announce_objects has the bucket tell an event-driven feed of every object that comes to
# be in its folder: with its slash, because names beside the folder may begin like it. The
# subscription is made first, so that no object comes to be between the two unannounced.
announce_objects() {
	local agent="service-$PROJECT_NUMBER@gs-project-accounts.iam.gserviceaccount.com" found=''
	find_bucket
	[[ $BUCKET_FOUND || ! $CAN_READ ]] || die "there is no bucket $GCS_BUCKET: deploy first"
	if lookup pubsub topics describe "$FEED_TOPIC" "--format=value(labels.$LABEL)"; then
		[[ $REPLY == "$FUNCTION" ]] || die "there is a topic $FEED_TOPIC that deploy.sh did not make: choose another --function"
		keeps topic
	else
		creates topic
		change pubsub topics create "$FEED_TOPIC" "--labels=$(labels_of)"
	fi
	if lookup pubsub subscriptions describe "$FEED_TOPIC" "--format=value(labels.$LABEL)"; then
		[[ $REPLY == "$FUNCTION" ]] || die "there is a subscription $FEED_TOPIC that deploy.sh did not make: choose another --function"
		keeps subscription
	else
		creates subscription
		change pubsub subscriptions create "$FEED_TOPIC" "--topic=$FEED_TOPIC" --ack-deadline=600 \
			--message-retention-duration=7d --expiration-period=never "--labels=$(labels_of)"
	fi
	if [[ $FEED_SERVICE_ACCOUNT ]]; then
		grant "pubsub subscriptions" "$FEED_TOPIC" "serviceAccount:$FEED_SERVICE_ACCOUNT" roles/pubsub.subscriber
	fi
	# Cloud Storage publishes with an account of Google's, which is made where it is missing.
	if ! lookup pubsub topics get-iam-policy "$FEED_TOPIC" "${WHO_HAS_WHAT[@]}" ||
		! has_role roles/pubsub.publisher "serviceAccount:$agent" <<<"$REPLY"; then
		change storage service-agent
	fi
	grant "pubsub topics" "$FEED_TOPIC" "serviceAccount:$agent" roles/pubsub.publisher
	find_notifications
	for found in "${NOTIFICATIONS[@]}"; do
		if [[ ${found#*	} == "$FOLDER/" ]]; then
			keeps notification
			return
		fi
	done
	creates notification
	change storage buckets notifications create "gs://$GCS_BUCKET" "--topic=$FEED_TOPIC" \
		--event-types=OBJECT_FINALIZE "--object-prefix=$FOLDER/" --payload-format=json --skip-topic-setup
}

# find_notifications leaves in NOTIFICATIONS those that the bucket sends to the feed's
# topic: the id, a tab, and how the objects' names begin.
find_notifications() {
	NOTIFICATIONS=()
	lookup storage buckets notifications list "gs://$GCS_BUCKET" '--format=value("Notification Configuration".id,"Notification Configuration".object_name_prefix,"Notification Configuration".topic)' || return 0
	[[ $REPLY ]] || return 0
	mapfile -t NOTIFICATIONS < <(awk -F '\t' -v topic="projects/$PROJECT_ID/topics/$FEED_TOPIC" '$3 == topic || $3 == "//pubsub.googleapis.com/" topic { print $1 "\t" $2 }' <<<"$REPLY")
}

feed_uri() { printf 'gs://%s/%s/' "$GCS_BUCKET" "$FOLDER"; }

deletion_option() { if [[ $FEED_DELETES ]]; then printf ON_SUCCESS; else printf NEVER; fi; }

feed_json() {
	local instance=${SECOPS_INSTANCE:-projects/PROJECT/locations/LOCATION/instances/CUSTOMER_UUID}
	local source=GOOGLE_CLOUD_STORAGE_V2 settings=gcsV2Settings subscription=''
	if [[ $FEED_EVENT_DRIVEN ]]; then
		source=GOOGLE_CLOUD_STORAGE_EVENT_DRIVEN settings=googleCloudStorageEventDrivenSettings
		subscription=$'\n'"      \"pubsubSubscription\": \"$(feed_subscription)\","
	fi
	cat <<END
{
  "displayName": $(json_text "$FEED_NAME"),
  "details": {
    "feedSourceType": "$source",
    "logType": "$instance/logTypes/$FEED_LOG_TYPE",
    "$settings": {
      "bucketUri": $(json_text "$(feed_uri)"),$subscription
      "sourceDeletionOption": "$(deletion_option)",
      "maxLookbackDays": $FEED_MAX_AGE_DAYS
    }
  }
}
END
}

feed_subscription() { printf 'projects/%s/subscriptions/%s' "$PROJECT_ID" "$FEED_TOPIC"; }

print_feed_form() {
	local deletion="Never delete files" text source="Google Cloud Storage V2" subscription='' note='' again=''
	[[ ! $FEED_DELETES ]] || deletion="Delete transferred files and empty directories"
	if [[ $FEED_EVENT_DRIVEN ]]; then
		source="Google Cloud Storage Event Driven" again=" --feed-event-driven"
		subscription=$'\n'"  Pub/Sub subscription    $(feed_subscription)"
		note="
Such a feed reads what is announced from now on, and what is in the bucket already only as far
as Google says so. An announcement is kept for seven days: a feed that stands still for longer
misses objects. Let no second feed use the subscription.
"
	fi
	[[ ! $EVENTS ]] || again+=" --streams ${STREAMS// /}"
	text=$(
		cat <<END
In Google SecOps, under SIEM Settings > Feeds > Add New Feed:

  Feed name               $FEED_NAME
  Source type             $source
  Log type                $FEED_LOG_TYPE
  Storage bucket URI      $(feed_uri)
                          with the slash at its end: the feed reads everything below$subscription
  Source deletion option  $deletion
  Maximum file age        $FEED_MAX_AGE_DAYS days

Log type: NETSKOPE_ALERT_V2 is the parser that is still developed, and the one for JSON of
the REST API v2. NETSKOPE_ALERT is the older one: take it if your rules and dashboards rest
on its fields. The objects are the same for both.
$note
Before submitting, grant access to the account that "Get Service Account" shows:

  ./deploy.sh --project-id $PROJECT_ID --gcs-bucket $GCS_BUCKET feed$again --feed-service-account EMAIL

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
	TOTAL_CHANGES=$((TOTAL_CHANGES + 1))
	creates feed
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
	answer=$(gcloud auth print-access-token 2>"$PRIVATE/stderr" </dev/null) ||
		die "gcloud auth print-access-token: $(complaint)"
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
