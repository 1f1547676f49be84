#!/usr/bin/env bash
# Sourced by deploy.sh: what is wrong with the settings.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

PROBLEMS=()
problem() { PROBLEMS+=("$*"); }

# check_settings names everything that is wrong at once, before anything is asked of
# Google Cloud. gcloud itself checks neither the timeout nor the cron syntax, and the
# memory only after the source's upload.
check_settings() {
	local name
	if [[ ${NETSKOPE_API_TOKEN-} ]]; then
		if [[ $COMMAND == deploy ]]; then
			# shellcheck disable=SC2016
			problem 'NETSKOPE_API_TOKEN is set (value not shown): the token is not taken from a variable; use: printf %s "$NETSKOPE_API_TOKEN" | env -u NETSKOPE_API_TOKEN ./deploy.sh --token-file - ...'
		fi
		unset NETSKOPE_API_TOKEN
	fi
	# GNU screen has a WINDOW of its own, which is a number.
	if [[ ${WINDOW-} && ! (${STY-} && $WINDOW =~ ^[0-9]+$) ]]; then problem "WINDOW $NO_WINDOW; unset WINDOW"; fi
	for name in "${SETTINGS[@]}"; do
		[[ ${!name} != *[[:cntrl:]]* ]] || problem "$name has a line break or another control character; type it again"
	done
	[[ $PROJECT_ID ]] || PROJECT_ID=$(configured_project)
	[[ $PROJECT_ID ]] || problem "PROJECT_ID is not set, and gcloud has no default: --project-id ID"
	for name in FUNCTION TOPIC SCHEDULER_JOB SECRET REGION; do
		[[ ${!name} =~ ^[A-Za-z][A-Za-z0-9_-]{0,254}$ ]] || problem "$name=${!name} is not a name: letters, digits and dashes"
	done
	[[ $FUNCTION =~ ^[a-z][a-z0-9-]{0,47}[a-z0-9]$ ]] || problem "FUNCTION=$FUNCTION: want 2 to 49 lower-case letters, digits and dashes (Cloud Run's limit for a service)"
	for name in RUN_SERVICE_ACCOUNT TRIGGER_SERVICE_ACCOUNT BUILD_SERVICE_ACCOUNT; do
		[[ ${!name} =~ ^([a-z][a-z0-9-]{4,28}[a-z0-9]|[^[:space:]@,]+@[a-z0-9.-]+)$ ]] || problem "$name=${!name}: want 6 to 30 lower-case letters, digits and dashes, or the e-mail address of an account that exists"
	done
	case $COMMAND in
	deploy | feed | destroy) check_storage_settings ;;
	esac
	if [[ $COMMAND == deploy ]]; then
		check_tenant
		check_function_settings
		check_schedule
	fi
	check_feed_settings
	if [[ $ALERT_EMAIL && ! $ALERT_EMAIL =~ ^[^[:space:]@,\"\\]+@[^[:space:]@,\"\\]+$ ]]; then problem "ALERT_EMAIL=$ALERT_EMAIL is not an e-mail address"; fi
	if [[ $NOTIFICATION_CHANNEL && ! $NOTIFICATION_CHANNEL =~ ^projects/[^/\"\\]+/notificationChannels/[^/\"\\]+$ ]]; then problem "NOTIFICATION_CHANNEL=$NOTIFICATION_CHANNEL: want projects/P/notificationChannels/N"; fi
	((${#PROBLEMS[@]})) || return 0
	printf 'deploy.sh: nothing was done, because of %d problem(s):\n' "${#PROBLEMS[@]}" >&2
	printf '  - %s\n' "${PROBLEMS[@]}" >&2
	exit 2
}

check_storage_settings() {
	local prefix=${GCS_PREFIX:-netskope/alerts} key=${STATE_KEY:-netskope/state/alerts.json} name
	if [[ ! $GCS_BUCKET ]]; then
		[[ $COMMAND == destroy ]] || problem "GCS_BUCKET is not set: --gcs-bucket NAME"
	elif [[ $GCS_BUCKET == gs://* ]]; then
		problem "GCS_BUCKET=$GCS_BUCKET: want the name alone, without gs://; a folder goes into GCS_PREFIX"
	elif [[ ! $GCS_BUCKET =~ ^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$ ]]; then
		problem "GCS_BUCKET=$GCS_BUCKET is not a bucket name: 3 to 222 lower-case letters, digits, dots, dashes and underscores"
	fi
	for name in GCS_PREFIX STATE_KEY; do
		[[ ! ${!name} =~ (^gs:|//|(^|/)\.\.?/) ]] || problem "$name=${!name}: want a path inside the bucket, without gs://, // and dots for folders"
	done
	FOLDER=$(slashless "$prefix")
	key=$(slashless "$key")
	if [[ ! $FOLDER || ! $key ]]; then
		problem "GCS_PREFIX and STATE_KEY must name something: leave them out for netskope/alerts and netskope/state/alerts.json"
	elif [[ $key == "$FOLDER" || $key == "$FOLDER"/* ]]; then
		problem "STATE_KEY=$key lies in the feed's folder $FOLDER/: the feed would read it as a log at every run, and may delete it; keep it outside"
	fi
	[[ $BUCKET_MAX_AGE_DAYS =~ ^([1-9][0-9]{0,4})?$ ]] || problem "BUCKET_MAX_AGE_DAYS=$BUCKET_MAX_AGE_DAYS: want a whole number of days"
	[[ $BUCKET_LOCATION =~ ^[A-Za-z0-9-]+$ ]] || problem "BUCKET_LOCATION=$BUCKET_LOCATION: want a location, as in us-central1 or EU"
}

# slashless prints $1 without slashes at its ends, as the function reads it.
slashless() {
	local text=$1
	text=${text#"${text%%[!/]*}"}
	printf %s "${text%"${text##*[!/]}"}"
}

check_tenant() {
	local form="want the tenant's address, as in https://acme.goskope.com" host
	if [[ ! $NETSKOPE_TENANT ]]; then
		problem "NETSKOPE_TENANT is not set: --netskope-tenant https://acme.goskope.com"
		return
	fi
	case $NETSKOPE_TENANT in
	*[\[\]\(\)\<\>]*) problem "NETSKOPE_TENANT=$NETSKOPE_TENANT looks like a Markdown link; $form" ;;
	http://*) problem "NETSKOPE_TENANT=$NETSKOPE_TENANT would send the token unencrypted; want https://${NETSKOPE_TENANT#http://}" ;;
	*@*) problem "NETSKOPE_TENANT (value not shown) holds a user or password; $form" ;;
	*)
		host=${NETSKOPE_TENANT#https://}
		host=${host%/}
		if ((${#host} > 40)) && [[ $host != *.* ]]; then
			problem "NETSKOPE_TENANT (value not shown) looks like the token; $form"
		elif [[ ! $host =~ ^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?$ ]]; then
			problem "NETSKOPE_TENANT=$NETSKOPE_TENANT: $form"
		fi
		;;
	esac
}

check_function_settings() {
	local name seconds
	if [[ ! $TIMEOUT =~ ^[1-9][0-9]{0,3}$ ]] || ((TIMEOUT > 540)); then
		problem "TIMEOUT=$TIMEOUT: want seconds up to 540, the limit for a function that an event starts"
	else
		seconds=$(duration_seconds "${BUDGET:-8m}")
		if [[ ! $seconds ]]; then
			problem "BUDGET=$BUDGET: want a duration with its unit, as in 8m"
		elif ((seconds >= TIMEOUT)); then
			problem "BUDGET=${BUDGET:-8m, its default,} is not below TIMEOUT=${TIMEOUT}s: the platform would end the run before it ends itself"
		fi
	fi
	if [[ ! $MEMORY =~ ^[1-9][0-9]*(k|Ki|M|Mi|G|Gi|MB|GB)$ ]]; then
		problem "MEMORY=$MEMORY: want a size with its suffix, as in 256Mi or 1Gi"
	fi
	[[ $RUNTIME =~ ^go[0-9]+$ ]] || problem "RUNTIME=$RUNTIME: want a Go runtime, as in go126"
	for name in MAX_RECORDS PAGE_SIZE LOOKBACK_HOURS; do
		[[ ${!name} =~ ^[0-9]*$ ]] || problem "$name=${!name}: want a whole number"
	done
	[[ $REQUESTS_PER_SECOND =~ ^([0-9]+(\.[0-9]+)?)?$ ]] || problem "REQUESTS_PER_SECOND=$REQUESTS_PER_SECOND: want a number"
	[[ ! $LAG || $(duration_seconds "$LAG") ]] || problem "LAG=$LAG: want a duration with its unit, as in 5m"
	[[ ${TIME_FIELD,,} =~ ^(insertion|event)?$ ]] || problem "TIME_FIELD=$TIME_FIELD: want insertion or event"
	[[ ${COMPRESSION,,} =~ ^(none|gzip)?$ ]] || problem "COMPRESSION=$COMPRESSION: want none or gzip"
	[[ ${LOG_LEVEL,,} =~ ^(info|debug|warn|error)?$ ]] || problem "LOG_LEVEL=$LOG_LEVEL: want info, debug, warn or error"
}

# duration_seconds prints a Go duration in whole seconds, rounded up, or nothing.
duration_seconds() {
	local rest=$1 total=0
	[[ $rest != 0 ]] || rest=0s
	[[ $rest =~ ^([0-9]+(\.[0-9]+)?(h|m|s))+$ ]] || return 0
	while [[ $rest =~ ^([0-9.]+)(h|m|s)(.*)$ ]]; do
		total="$total ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
		rest=${BASH_REMATCH[3]}
	done
	awk -v parts="$total" 'BEGIN {
		n = split(parts, p, " ")
		for (i = 2; i < n; i += 2) sum += p[i] * (p[i+1] == "h" ? 3600 : p[i+1] == "m" ? 60 : 1)
		printf "%d", sum == int(sum) ? sum : int(sum) + 1
	}'
}

check_schedule() {
	local fields field i low=(0 0 1 1 0) high=(59 23 31 12 7) kind=(minute hour "day of the month" month "day of the week")
	if [[ ! $TIME_ZONE =~ ^[A-Za-z0-9_+/-]+$ ]]; then problem "TIME_ZONE=$TIME_ZONE: want a name of the time zone database, as in Etc/UTC"; fi
	read -ra fields <<<"$SCHEDULE"
	if ((${#fields[@]} != 5)); then
		problem "SCHEDULE=$SCHEDULE: want five fields (minute, hour, day of the month, month, day of the week), as in '0 * * * *'"
		return
	fi
	for i in "${!fields[@]}"; do
		field=${fields[i]^^}
		if ((i == 3)); then field=$(sed -E 's/JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC/1/g' <<<"$field"); fi
		if ((i == 4)); then field=$(sed -E 's/SUN|MON|TUE|WED|THU|FRI|SAT/1/g' <<<"$field"); fi
		if ! is_cron_field "$field" "${low[i]}" "${high[i]}"; then
			problem "SCHEDULE=$SCHEDULE: '${fields[i]}' is not a ${kind[i]} (${low[i]} to ${high[i]}, *, lists, ranges and steps)"
		fi
	done
}

is_cron_field() {
	local part parts number='[0-9]{1,2}'
	[[ $1 && $1 != *, && $1 != ,* && $1 != *,,* ]] || return 1
	IFS=, read -ra parts <<<"$1"
	for part in "${parts[@]}"; do
		[[ $part =~ ^(\*|($number)(-($number))?)(/($number))?$ ]] || return 1
		if [[ ${BASH_REMATCH[2]} ]]; then ((10#${BASH_REMATCH[2]} >= $2 && 10#${BASH_REMATCH[2]} <= $3)) || return 1; fi
		if [[ ${BASH_REMATCH[4]} ]]; then ((10#${BASH_REMATCH[4]} >= 10#${BASH_REMATCH[2]} && 10#${BASH_REMATCH[4]} <= $3)) || return 1; fi
		if [[ ${BASH_REMATCH[6]} ]]; then ((10#${BASH_REMATCH[6]} > 0)) || return 1; fi
	done
}

check_feed_settings() {
	[[ $FEED_LOG_TYPE =~ ^NETSKOPE_ALERT(_V2)?$ ]] || problem "FEED_LOG_TYPE=$FEED_LOG_TYPE: want NETSKOPE_ALERT_V2 or NETSKOPE_ALERT"
	if [[ ! $FEED_MAX_AGE_DAYS =~ ^[1-9][0-9]{0,2}$ ]] || ((FEED_MAX_AGE_DAYS > 180)); then problem "FEED_MAX_AGE_DAYS=$FEED_MAX_AGE_DAYS: want 1 to 180 days"; fi
	if [[ $FEED_SERVICE_ACCOUNT && ! $FEED_SERVICE_ACCOUNT =~ ^[^[:space:]@:,]+@[A-Za-z0-9.-]+$ ]]; then
		problem "FEED_SERVICE_ACCOUNT=$FEED_SERVICE_ACCOUNT: want the e-mail address that SecOps shows"
	fi
	if [[ $SECOPS_INSTANCE && ! $SECOPS_INSTANCE =~ ^projects/[A-Za-z0-9.:-]+/locations/[a-z0-9-]+/instances/[A-Za-z0-9-]+$ ]]; then
		problem "SECOPS_INSTANCE=$SECOPS_INSTANCE: want projects/PROJECT/locations/us/instances/CUSTOMER_UUID"
	fi
}
