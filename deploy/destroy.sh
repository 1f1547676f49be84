#!/usr/bin/env bash
# Sourced by deploy.sh: takes away what deploy made, known by its mark, and nothing else.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

DOOMED=()  # what goes, for people
REMOVAL=() # the commands, one word list each, quoted

# doom notes something to remove: what it is, and the command.
doom() {
	DOOMED+=("$1")
	shift
	REMOVAL+=("$(printf '%q ' "$@")")
}

# marked_lines dooms every line "name, title, mark" of REPLY that has this function's mark.
doom_listed() {
	local what=$1 name title mark
	shift
	while IFS=$'\x1f' read -r name title mark; do
		[[ $mark != "$FUNCTION" ]] || doom "$what $title" "$@" "$name"
	done <<<"${REPLY//$'\t'/$'\x1f'}"
}

# doom_grant notes a binding to remove, if it is there.
doom_grant() {
	local on=$1 resource=$2 member=$3 role=$4 title=${5-} condition=()
	# shellcheck disable=SC2086
	lookup $on get-iam-policy "$resource" "${WHO_HAS_WHAT[@]}" || return 0
	has_role "$role" "$member" "$title" <<<"$REPLY" || return 0
	if [[ $title ]]; then
		condition=("--condition=expression=resource.name.startsWith(\"projects/_/buckets/gcf-v2-\"),title=$title")
	elif [[ $on == projects ]]; then
		condition=(--condition=None)
	fi
	# shellcheck disable=SC2086
	doom "$role of ${member#serviceAccount:} on $resource" \
		$on remove-iam-policy-binding "$resource" "--member=$member" "--role=$role" "${condition[@]}"
}

doom_monitoring() {
	local file name
	if lookup monitoring dashboards list "--format=value(name,displayName,labels.$LABEL)"; then
		doom_listed dashboard monitoring dashboards delete
	fi
	if lookup alpha monitoring policies list "--format=value(name,displayName,userLabels.$LABEL)"; then
		doom_listed "alert policy" alpha monitoring policies delete
	fi
	if lookup beta monitoring channels list "--format=value(name,displayName,userLabels.$LABEL)"; then
		doom_listed "notification channel" beta monitoring channels delete --force
	fi
	for file in deploy/monitoring/metrics/*.json; do
		name=$FUNCTION-$(basename "$file" .json)
		if lookup logging metrics describe "$name" '--format=value(description)' && [[ $REPLY == *"$MARK"* ]]; then
			doom "log-based metric $name" logging metrics delete "$name"
		fi
	done
}

doom_job() {
	if lookup scheduler jobs describe "$1" "--location=$REGION" '--format=value(description)' &&
		[[ $REPLY == "$MARK:"* ]]; then
		doom "scheduler job $1" scheduler jobs delete "$1" "--location=$REGION"
	fi
}

# doom_feed notes what event-driven feeds were given, whichever streams are collected now.
doom_feed() {
	local topic=$FEED_TOPIC FEED_TOPIC
	for FEED_TOPIC in "$topic" "$topic-events"; do
		doom_one_feed
	done
}

# doom_one_feed notes what the event-driven feed of FEED_TOPIC was given. The notification is known by the
# topic, which bears the mark, and so goes before it.
doom_one_feed() {
	local id
	if lookup pubsub subscriptions describe "$FEED_TOPIC" "--format=value(labels.$LABEL)" &&
		[[ $REPLY == "$FUNCTION" ]]; then
		doom "subscription $FEED_TOPIC of the feed" pubsub subscriptions delete "$FEED_TOPIC"
	fi
	lookup pubsub topics describe "$FEED_TOPIC" "--format=value(labels.$LABEL)" && [[ $REPLY == "$FUNCTION" ]] || return 0
	if [[ $GCS_BUCKET ]]; then
		find_bucket
		[[ ! $BUCKET_FOUND ]] || find_notifications
		for id in "${NOTIFICATIONS[@]%%	*}"; do
			doom "notification $id of gs://$GCS_BUCKET" \
				storage buckets notifications delete "projects/_/buckets/$GCS_BUCKET/notificationConfigs/$id"
		done
	fi
	doom "topic $FEED_TOPIC of the feed" pubsub topics delete "$FEED_TOPIC"
}

doom_account() {
	local email=$1
	if lookup iam service-accounts describe "$email" '--format=value(description)' && [[ $REPLY == "$MARK:"* ]]; then
		return 0
	fi
	return 1
}

find_doomed() {
	local topic_is_ours='' run='' trigger='' build=''
	name_accounts
	doom_monitoring
	doom_job "$SCHEDULER_JOB"
	doom_job "$AUDIT_JOB"
	doom_feed
	if lookup functions describe "$FUNCTION" --gen2 "--region=$REGION" "--format=value(labels.$LABEL)" &&
		[[ $REPLY == "$FUNCTION" ]]; then
		doom "function $FUNCTION with its trigger" functions delete "$FUNCTION" --gen2 "--region=$REGION"
	fi
	! doom_account "$RUN_EMAIL" || run=1
	! doom_account "$TRIGGER_EMAIL" || trigger=1
	! doom_account "$BUILD_EMAIL" || build=1
	if [[ $run && $GCS_BUCKET ]]; then
		doom_grant "storage buckets" "gs://$GCS_BUCKET" "serviceAccount:$RUN_EMAIL" roles/storage.objectUser
	fi
	if [[ $run ]]; then
		doom_grant secrets "$SECRET" "serviceAccount:$RUN_EMAIL" roles/secretmanager.secretAccessor
	fi
	if [[ $build ]]; then
		doom_grant projects "$PROJECT_ID" "serviceAccount:$BUILD_EMAIL" roles/logging.logWriter
		doom_grant projects "$PROJECT_ID" "serviceAccount:$BUILD_EMAIL" roles/artifactregistry.writer
		doom_grant projects "$PROJECT_ID" "serviceAccount:$BUILD_EMAIL" roles/storage.objectViewer sources-of-functions
	fi
	[[ ! $build ]] || doom "service account $BUILD_EMAIL" iam service-accounts delete "$BUILD_EMAIL"
	[[ ! $trigger ]] || doom "service account $TRIGGER_EMAIL" iam service-accounts delete "$TRIGGER_EMAIL"
	[[ ! $run ]] || doom "service account $RUN_EMAIL" iam service-accounts delete "$RUN_EMAIL"
	if [[ $WITH_DATA ]]; then
		doom_data
	fi
	if lookup pubsub topics describe "$TOPIC" "--format=value(labels.$LABEL)" && [[ $REPLY == "$FUNCTION" ]]; then
		topic_is_ours=1
	fi
	[[ ! $topic_is_ours ]] || doom "topic $TOPIC" pubsub topics delete "$TOPIC"
}

doom_data() {
	if lookup secrets describe "$SECRET" "--format=value(labels.$LABEL)" && [[ $REPLY == "$FUNCTION" ]]; then
		doom "secret $SECRET with the token" secrets delete "$SECRET"
	fi
	find_bucket
	if [[ $BUCKET_MARK == "$FUNCTION" ]]; then
		doom "bucket gs://$GCS_BUCKET WITH ALL ALERTS, THE LEDGER AND THE STATE" storage rm --recursive "gs://$GCS_BUCKET"
	elif [[ $BUCKET_FOUND ]]; then
		say "bucket gs://$GCS_BUCKET was not made by deploy.sh and stays"
	fi
}

destroy_command() {
	local i words began=$SECONDS answer
	find_doomed
	if ((${#OFF[@]})); then
		warn "what deploy.sh may have made in these APIs cannot be looked at, because they are not enabled in $PROJECT_ID; to look: gcloud services enable ${!OFF[*]} --project=$PROJECT_ID"
	fi
	if ((${#DOOMED[@]} == 0)); then
		say "in $PROJECT_ID there is nothing that deploy.sh made for $FUNCTION"
		return
	fi
	say "to be removed from $PROJECT_ID:"
	for i in "${!DOOMED[@]}"; do say "  ${DOOMED[i]}"; done
	if [[ ! $WITH_DATA ]]; then
		say "bucket and secret stay, with what may read them; --with-data removes them, too"
	fi
	if [[ ! $DRY_RUN ]]; then
		if [[ $WITH_DATA && ! $YES && -t 0 ]]; then
			read -rp "Type the bucket's name to remove it with everything in it: " answer
			[[ $answer == "$GCS_BUCKET" ]] || die "nothing was removed"
		fi
		confirm "Remove this?" || die "nothing was removed"
	fi
	for i in "${!DOOMED[@]}"; do
		STEP="removal $((i + 1))/${#DOOMED[@]} (${DOOMED[i]})"
		say "[$((i + 1))/${#DOOMED[@]}] ${DOOMED[i]}"
		eval "words=(${REMOVAL[i]})"
		change "${words[@]}"
	done
	STEP=
	[[ $DRY_RUN ]] || say "removed, $((SECONDS - began)) s; the APIs stay enabled, and Google's own source bucket (gcf-v2-sources-...) and image repository (gcf-artifacts) stay for other functions"
}
