#!/usr/bin/env bash
# Sourced by deploy.sh: the bucket, the token's secret, and who may use them.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# A bucket is labelled only after it is made, by a second command. So that a failure
# between the two leaves no doubt whose bucket it is, the topic, which is made before and
# takes labels at once, notes which bucket was missing then.
bucket_note() { digest <<<"$GCS_BUCKET"; }

find_bucket() {
	local found
	BUCKET_FOUND='' BUCKET_MARK='' BUCKET_ACCESS='' BUCKET_PUBLIC='' BUCKET_RETENTION='' BUCKET_LIFECYCLE='' found=''
	[[ $CAN_READ ]] || return 0
	if REPLY=$(gcloud storage buckets describe "gs://$GCS_BUCKET" --raw "--format=value(projectNumber,labels.$LABEL,iamConfiguration.uniformBucketLevelAccess.enabled,iamConfiguration.publicAccessPrevention,retentionPolicy.retentionPeriod,labels.${LABEL}_lifecycle)" "--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then
		BUCKET_FOUND=1
		found=$(cut -f 1 <<<"$REPLY")
		BUCKET_MARK=$(cut -f 2 <<<"$REPLY")
		BUCKET_ACCESS=$(cut -f 3 <<<"$REPLY")
		BUCKET_PUBLIC=$(cut -f 4 <<<"$REPLY")
		BUCKET_RETENTION=$(cut -f 5 <<<"$REPLY")
		BUCKET_LIFECYCLE=$(cut -f 6 <<<"$REPLY")
		[[ ! $found || $found == "$PROJECT_NUMBER" ]] || die "bucket $GCS_BUCKET belongs to another project (number $found; $PROJECT_ID is $PROJECT_NUMBER): bucket names are taken worldwide, choose another --gcs-bucket"
	elif ! is_missing <"$PRIVATE/stderr"; then
		if grep -qE '403|permission|PERMISSION' "$PRIVATE/stderr"; then
			die "bucket $GCS_BUCKET exists and is not yours, or you may not see it: bucket names are taken worldwide, choose another --gcs-bucket ($(complaint))"
		fi
		die "gcloud storage buckets describe: $(complaint)"
	fi
}

make_bucket() {
	local lifecycle=none noted=
	find_bucket
	if [[ $BUCKET_RETENTION ]]; then
		die "bucket $GCS_BUCKET has a retention policy ($BUCKET_RETENTION s): the state could not be rewritten in it, no staged object moved into the feed's folder, nor could a feed delete. Remove it (gcloud storage buckets update gs://$GCS_BUCKET --clear-retention-period) or choose another bucket; to delete old objects, use --bucket-max-age-days"
	fi
	if [[ ! $BUCKET_FOUND ]]; then
		change_bucket create "gs://$GCS_BUCKET" "--location=$BUCKET_LOCATION" --uniform-bucket-level-access --public-access-prevention
		noted=1
	else
		if [[ ${BUCKET_ACCESS,,} != true ]]; then
			change storage buckets update "gs://$GCS_BUCKET" --uniform-bucket-level-access
		fi
		if [[ $BUCKET_PUBLIC != enforced ]]; then
			change storage buckets update "gs://$GCS_BUCKET" --public-access-prevention
		fi
		if [[ ! $BUCKET_MARK ]] && lookup pubsub topics describe "$TOPIC" "--format=value(labels.${LABEL}_bucket)"; then
			[[ $REPLY != "$(bucket_note)" ]] || noted=1
		fi
	fi
	[[ ! $BUCKET_MAX_AGE_DAYS ]] || lifecycle=$BUCKET_MAX_AGE_DAYS
	# Only the feed's folder ages. The ledger, beside it, must not: what it does not know as
	# delivered is delivered again, and without it a lost state cannot be rebuilt.
	# A bucket's own lifecycle rules are left alone unless an age is asked for.
	if [[ $BUCKET_MAX_AGE_DAYS && $BUCKET_LIFECYCLE != "$lifecycle" ]]; then
		put_file "$FILES/lifecycle.json" "{\"rule\": [{\"action\": {\"type\": \"Delete\"}, \"condition\": {\"age\": $BUCKET_MAX_AGE_DAYS, \"matchesPrefix\": [$(json_text "$FOLDER/")]}}]}"
		change storage buckets update "gs://$GCS_BUCKET" "--lifecycle-file=$FILES/lifecycle.json"
	fi
	local labels=()
	if [[ $noted && ! $BUCKET_MARK ]]; then labels+=("$LABEL=$FUNCTION"); fi
	if [[ $BUCKET_MAX_AGE_DAYS && $BUCKET_LIFECYCLE != "$lifecycle" ]]; then labels+=("${LABEL}_lifecycle=$lifecycle"); fi
	if ((${#labels[@]})); then
		change storage buckets update "gs://$GCS_BUCKET" "--update-labels=$(
			IFS=,
			printf %s "${labels[*]}"
		)"
	fi
}

# change_bucket is the creation, whose refusal usually has one cause.
change_bucket() {
	if [[ ! $DRY_RUN ]]; then
		STEP_CHANGES=$((STEP_CHANGES + 1)) TOTAL_CHANGES=$((TOTAL_CHANGES + 1))
		if ! gcloud storage buckets "$@" "--project=$PROJECT_ID" >/dev/null 2>"$PRIVATE/stderr" </dev/null; then
			if grep -qE '409|not available|already (exists|own)' "$PRIVATE/stderr"; then
				die "the bucket name $GCS_BUCKET is taken: names are shared by all of Google Cloud, choose another --gcs-bucket ($(complaint))"
			fi
			die "gcloud storage buckets create: $(complaint)"
		fi
		return
	fi
	change storage buckets "$@"
}

# read_token sets TOKEN from the file, standard input or a prompt, without white space
# around it, or leaves it empty where none is needed.
read_token() {
	local need=$1
	TOKEN=
	if [[ $NETSKOPE_API_TOKEN_FILE == - ]]; then
		TOKEN=$(cat | tr -d '\0') || die "the token could not be read from standard input"
	elif [[ $NETSKOPE_API_TOKEN_FILE ]]; then
		[[ -r $NETSKOPE_API_TOKEN_FILE && ! -d $NETSKOPE_API_TOKEN_FILE ]] || die "the token file $NETSKOPE_API_TOKEN_FILE cannot be read"
		TOKEN=$(tr -d '\0' <"$NETSKOPE_API_TOKEN_FILE")
	elif [[ $need || $ASK_TOKEN ]]; then
		[[ -t 0 ]] || die "the secret $SECRET holds no token yet: give one with --token-file FILE, or --token-file - to read standard input"
		read -rsp "Netskope REST API v2 token (not shown): " TOKEN
		printf '\n' >&2
	else
		return 0
	fi
	TOKEN=$(trim "$TOKEN")
	local LC_ALL=C
	[[ $TOKEN ]] || die "the token is empty"
	[[ $TOKEN != *[![:graph:]]* ]] || die "the token (not shown) has a blank, a line break or a non-ASCII character inside: copy it again, as one line"
	[[ $TOKEN != *://* && $TOKEN != *.goskope.com ]] || die "the token (not shown) looks like an address: is it swapped with NETSKOPE_TENANT?"
}

make_secret() {
	local need=1 instead
	if ! lookup secrets describe "$SECRET" '--format=value(name)'; then
		change secrets create "$SECRET" --replication-policy=automatic "--labels=$LABEL=$FUNCTION"
	elif lookup secrets versions access latest "--secret=$SECRET"; then
		need=
	fi
	local current=$REPLY
	[[ ! $need ]] || current=
	REPLY=
	if [[ $DRY_RUN ]]; then
		[[ $need || $ASK_TOKEN || $NETSKOPE_API_TOKEN_FILE ]] || return 0
		if [[ $current && -f $NETSKOPE_API_TOKEN_FILE && $(trim "$(tr -d '\0' <"$NETSKOPE_API_TOKEN_FILE")") == "$current" ]]; then
			return 0
		fi
		instead="read -rsp 'Netskope API token: ' TOKEN && printf %s \"\$TOKEN\" | "
		if [[ $NETSKOPE_API_TOKEN_FILE == - ]]; then
			instead="tr -d '[:space:]' | "
		elif [[ $NETSKOPE_API_TOKEN_FILE ]]; then
			instead="tr -d '[:space:]' <$(printf %q "$NETSKOPE_API_TOKEN_FILE") | "
		fi
		change_from '' "$instead" secrets versions add "$SECRET" --data-file=-
		return
	fi
	read_token "$need"
	if [[ $TOKEN && $TOKEN != "$current" ]]; then
		change_from "$TOKEN" '' secrets versions add "$SECRET" --data-file=-
	fi
	TOKEN=
}

# grant_storage: on the one bucket and the one secret, nothing on the project. Staged
# objects are moved and the state is replaced, which for Cloud Storage is a deletion and a
# creation; the ledger is listed, and reading what does not exist yet needs that, too.
grant_storage() {
	grant "storage buckets" "gs://$GCS_BUCKET" "serviceAccount:$RUN_EMAIL" roles/storage.objectUser
	grant secrets "$SECRET" "serviceAccount:$RUN_EMAIL" roles/secretmanager.secretAccessor
}
