#!/usr/bin/env bash
# Sourced by deploy.sh: the bucket, the token's secret, and who may use them.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# A bucket is labelled only after it is made, by a second command. So that a failure
# between the two leaves no doubt whose bucket it is, the topic, which is made before and
# takes labels at once, notes which bucket was missing then.
bucket_note() { digest <<<"$GCS_BUCKET"; }

find_bucket() {
	local found fields
	BUCKET_FOUND='' BUCKET_MARK='' BUCKET_ACCESS='' BUCKET_PUBLIC='' BUCKET_RETENTION=''
	BUCKET_LIFECYCLE='' BUCKET_KEY='' BUCKET_LABELS='' found=''
	[[ $CAN_READ ]] || return 0
	fields=projectNumber,labels.$LABEL,iamConfiguration.uniformBucketLevelAccess.enabled
	fields+=,iamConfiguration.publicAccessPrevention,retentionPolicy.retentionPeriod
	fields+=,labels.${LABEL}_lifecycle,encryption.defaultKmsKeyName$(label_keys labels)
	if REPLY=$(gcloud storage buckets describe "gs://$GCS_BUCKET" --raw "--format=value($fields)" \
		"--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then
		BUCKET_FOUND=1
		found=$(cut -f 1 <<<"$REPLY")
		BUCKET_MARK=$(cut -f 2 <<<"$REPLY")
		BUCKET_ACCESS=$(cut -f 3 <<<"$REPLY")
		BUCKET_PUBLIC=$(cut -f 4 <<<"$REPLY")
		BUCKET_RETENTION=$(cut -f 5 <<<"$REPLY")
		BUCKET_LIFECYCLE=$(cut -f 6 <<<"$REPLY")
		BUCKET_KEY=$(cut -f 7 <<<"$REPLY")
		BUCKET_LABELS=$(cut -f 8- <<<"$REPLY")
		[[ ! $found || $found == "$PROJECT_NUMBER" ]] || die "bucket $GCS_BUCKET belongs to another project (number $found; $PROJECT_ID is $PROJECT_NUMBER): bucket names are taken worldwide, choose another --gcs-bucket"
	elif ! is_missing <"$PRIVATE/stderr" && ! is_off; then
		if grep -qE '403|permission|PERMISSION' "$PRIVATE/stderr"; then
			die "bucket $GCS_BUCKET exists and is not yours, or you may not see it: bucket names are taken worldwide, choose another --gcs-bucket ($(complaint))"
		fi
		die "gcloud storage buckets describe: $(complaint)"
	fi
}

make_bucket() {
	local lifecycle=none noted='' key='' before=$STEP_CHANGES lacking=''
	find_bucket
	if [[ $BUCKET_RETENTION ]]; then
		die "bucket $GCS_BUCKET has a retention policy ($BUCKET_RETENTION s): the state could not be rewritten in it, no staged object moved into the feed's folder, nor could a feed delete. Remove it (gcloud storage buckets update gs://$GCS_BUCKET --clear-retention-period) or choose another bucket; to delete old objects, use --bucket-max-age-days"
	fi
	if [[ $KMS_KEY ]] && key_in "$BUCKET_LOCATION"; then key=$REPLY; fi
	if [[ ! $BUCKET_FOUND ]]; then
		change_bucket create "gs://$GCS_BUCKET" "--location=$BUCKET_LOCATION" --uniform-bucket-level-access \
			--public-access-prevention ${key:+"--default-encryption-key=$key"}
		noted=1
	else
		if [[ ${BUCKET_ACCESS,,} != true ]]; then
			change storage buckets update "gs://$GCS_BUCKET" --uniform-bucket-level-access
		fi
		if [[ $BUCKET_PUBLIC != enforced ]]; then
			change storage buckets update "gs://$GCS_BUCKET" --public-access-prevention
		fi
		# It encrypts what is written from now on.
		if [[ $key && $BUCKET_KEY != "$key" ]]; then
			change storage buckets update "gs://$GCS_BUCKET" "--default-encryption-key=$key"
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
		put_file "$FILES/lifecycle.json" "{\"rule\": [{\"action\": {\"type\": \"Delete\"}, \"condition\": {\"age\": $BUCKET_MAX_AGE_DAYS, \"matchesPrefix\": [$(json_text "$FOLDER/")${EVENTS:+, $(json_text "$EVENTS/")}]}}]}"
		change storage buckets update "gs://$GCS_BUCKET" "--lifecycle-file=$FILES/lifecycle.json"
	fi
	local labels=()
	if [[ $noted && ! $BUCKET_MARK ]]; then labels+=("$LABEL=$FUNCTION"); fi
	if [[ $noted || $BUCKET_MARK == "$FUNCTION" ]]; then lacking=$(lacking "$BUCKET_LABELS"); fi
	[[ ! $lacking ]] || labels+=("$lacking")
	if [[ $BUCKET_MAX_AGE_DAYS && $BUCKET_LIFECYCLE != "$lifecycle" ]]; then labels+=("${LABEL}_lifecycle=$lifecycle"); fi
	if ((${#labels[@]})); then
		change storage buckets update "gs://$GCS_BUCKET" "--update-labels=$(
			IFS=,
			printf %s "${labels[*]}"
		)"
	fi
	if [[ ! $BUCKET_FOUND ]]; then
		creates bucket
	elif ((STEP_CHANGES > before)); then
		changes bucket
	else
		keeps bucket
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
		[[ -r $NETSKOPE_API_TOKEN_FILE && ! -d $NETSKOPE_API_TOKEN_FILE ]] ||
			die "the token file $NETSKOPE_API_TOKEN_FILE cannot be read"
		TOKEN=$(tr -d '\0' <"$NETSKOPE_API_TOKEN_FILE")
	elif [[ $need || $ASK_TOKEN ]]; then
		[[ -t 0 ]] || die "the secret $SECRET holds no token yet: give one with --token-file FILE, or --token-file - to read standard input"
		read -rsp "Netskope REST API v2 token (not shown): " TOKEN
		printf '\n' >&2
	else
		return 0
	fi
	TOKEN=$(trim "$TOKEN")
	judge_token "$TOKEN"
	[[ ! $REPLY ]] || die "the token $REPLY"
}

# create_secret keeps it where SECRET_LOCATIONS says, or the keys are.
create_secret() {
	local places place replicas='' how=(--replication-policy=automatic)
	places=$(secret_places)
	if [[ $KMS_KEY ]]; then
		for place in $places; do
			key_in "$place"
			replicas+="${replicas:+, }{\"location\": \"$place\", \"customerManagedEncryption\": {\"kmsKeyName\": \"$REPLY\"}}"
		done
		if [[ $places ]]; then
			put_file "$FILES/replication.json" "{\"userManaged\": {\"replicas\": [$replicas]}}"
		else
			key_in global
			put_file "$FILES/replication.json" "{\"automatic\": {\"customerManagedEncryption\": {\"kmsKeyName\": \"$REPLY\"}}}"
		fi
		how=("--replication-policy-file=$FILES/replication.json")
	elif [[ $places ]]; then
		how=(--replication-policy=user-managed "--locations=${places// /,}")
	fi
	change secrets create "$SECRET" "${how[@]}" "--labels=$(labels_of)"
}

# check_secret refuses a secret that is kept elsewhere, or otherwise, than is asked for:
# that cannot be changed afterwards.
check_secret() {
	local kept wanted
	[[ $KMS_KEY || $SECRET_LOCATIONS ]] || return 0
	lookup_unless_off secrets describe "$SECRET" '--format=value(replication.userManaged.replicas[].location,replication.userManaged.replicas[].customerManagedEncryption.kmsKeyName,replication.automatic.customerManagedEncryption.kmsKeyName)' || return 0
	kept=$(cut -f 1 <<<"$REPLY")
	kept=${kept//;/ }
	wanted=$(secret_places)
	if [[ $(words "$kept") != "$(words "$wanted")" ]]; then
		kept=${kept:+in ${kept// /, }}
		wanted=${wanted:+in ${wanted// /, }}
		problem "the secret $SECRET is kept ${kept:-wherever Google likes}, not ${wanted:-wherever Google likes}, and that cannot be changed: choose another --secret, or delete it (gcloud secrets delete $SECRET --project=$PROJECT_ID) and give the token again"
	elif [[ $KMS_KEY && ! $(cut -f 2- <<<"$REPLY" | tr -d '\t;') ]]; then
		problem "the secret $SECRET is encrypted with none of --kms-key: choose another --secret, or set it with gcloud secrets replication update $SECRET --set-kms-key=KEY --project=$PROJECT_ID"
	fi
}

# words prints the words of $1 in one order.
words() { tr ' ' '\n' <<<"$1" | sort; }

make_secret() {
	local need=1 instead lacking=''
	if ! lookup secrets describe "$SECRET" "--format=value(name,labels.$LABEL$(label_keys labels))"; then
		creates secret
		create_secret
	else
		if [[ $(cut -f 2 <<<"$REPLY") == "$FUNCTION" ]]; then lacking=$(lacking "$(cut -f 3- <<<"$REPLY")"); fi
		if [[ $lacking ]]; then
			changes secret
			change secrets update "$SECRET" "--update-labels=$lacking"
		else
			keeps secret
		fi
		if lookup secrets versions access latest "--secret=$SECRET"; then need=''; fi
	fi
	local current=$REPLY
	[[ ! $need ]] || current=
	REPLY=
	if [[ $DRY_RUN ]]; then
		if [[ ! $need && ! $ASK_TOKEN && ! $NETSKOPE_API_TOKEN_FILE ]]; then
			keeps "version of the secret"
			return 0
		fi
		if [[ $current && -f $NETSKOPE_API_TOKEN_FILE &&
			$(trim "$(tr -d '\0' <"$NETSKOPE_API_TOKEN_FILE")") == "$current" ]]; then
			keeps "version of the secret"
			return 0
		fi
		creates "version of the secret"
		instead="read -rsp 'Netskope REST API v2 token (not shown): ' TOKEN </dev/tty"$'\n'"echo"$'\n'"printf %s \"\$TOKEN\" | "
		if [[ $NETSKOPE_API_TOKEN_FILE && $NETSKOPE_API_TOKEN_FILE != - ]]; then
			instead="tr -d '[:space:]' <$(printf %q "$NETSKOPE_API_TOKEN_FILE") | "
		fi
		change_from '' "$instead" secrets versions add "$SECRET" --data-file=-
		return
	fi
	read_token "$need"
	if [[ ! $TOKEN || $TOKEN == "$current" ]]; then
		keeps "version of the secret"
	else
		creates "version of the secret"
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
