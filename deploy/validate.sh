#!/usr/bin/env bash
# Sourced by deploy.sh: what is wrong with the settings.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

PROBLEMS=()

# problem notes what is wrong. Of a setting that is named first it says by which flag it is set, if the text does not.
problem() {
	local text=$* flag
	if is_setting "${text%%[=: ]*}"; then
		flag=$(flag_of "${text%%[=: ]*}")
		[[ $text == *"$flag"* ]] || text+=" ($flag)"
	fi
	PROBLEMS+=("$text")
}

# check_settings names everything that is wrong at once, before anything is asked of
# Google Cloud. gcloud itself checks neither the timeout nor the cron syntax, and the
# memory only after the source's upload.
check_settings() {
	local name value
	if [[ ${NETSKOPE_API_TOKEN-} ]]; then
		if [[ $COMMAND == deploy ]]; then
			# shellcheck disable=SC2016
			problem 'NETSKOPE_API_TOKEN is set (value not shown): the token is not taken from a variable; use: printf %s "$NETSKOPE_API_TOKEN" | env -u NETSKOPE_API_TOKEN ./deploy.sh --token-file - ...'
		fi
		unset NETSKOPE_API_TOKEN
	fi
	while read -r name value; do
		printf 'deploy.sh: %s is set, but nothing reads it: do you mean %s?\n' "$name" "$value" >&2
	done < <(compgen -e | misspelt "${SETTINGS[@]}" FEED_DELETES)
	# GNU screen has a WINDOW of its own, which is a number.
	if [[ ${WINDOW-} && ! (${STY-} && $WINDOW =~ ^[0-9]+$) ]]; then problem "WINDOW $NO_WINDOW; unset WINDOW"; fi
	for name in "${SETTINGS[@]}"; do
		[[ ${!name} != *[[:cntrl:]]* ]] || problem "$name has a line break or another control character; type it again"
	done
	[[ $PROJECT_ID ]] || PROJECT_ID=$(configured_project)
	[[ $PROJECT_ID ]] || problem "PROJECT_ID is not set, and gcloud has no default: --project-id ID"
	for name in FUNCTION TOPIC SCHEDULER_JOB AUDIT_JOB SECRET REGION; do
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
		check_token_file
		check_function_settings
		check_schedule SCHEDULE
		check_audit_schedule
		check_network
	fi
	if [[ $COMMAND == deploy ]]; then check_keys; fi
	case $COMMAND in
	deploy | monitor | feed) check_labels ;;
	esac
	if [[ $COMMAND == destroy && $WITH_DATA && ! $GCS_BUCKET ]]; then
		problem "--with-data wants the bucket named: --gcs-bucket NAME"
	fi
	check_feed_settings
	if [[ $ALERT_EMAIL && ! $ALERT_EMAIL =~ ^[^[:space:]@,\"\\]+@[^[:space:]@,\"\\]+$ ]]; then
		problem "ALERT_EMAIL=$ALERT_EMAIL is not an e-mail address, as in --alert-email soc@example.com"
	fi
	if [[ $NOTIFICATION_CHANNEL &&
		! $NOTIFICATION_CHANNEL =~ ^projects/[^/\"\\]+/notificationChannels/[^/\"\\]+$ ]]; then
		problem "NOTIFICATION_CHANNEL=$NOTIFICATION_CHANNEL: want projects/P/notificationChannels/N"
	fi
	refuse_problems
}

# refuse_problems ends if there are any.
refuse_problems() {
	((${#PROBLEMS[@]})) || return 0
	local problems=problems
	((${#PROBLEMS[@]} > 1)) || problems=problem
	printf 'deploy.sh: nothing was done, because of %d %s:\n' "${#PROBLEMS[@]}" "$problems" >&2
	printf '  - %s\n' "${PROBLEMS[@]}" >&2
	exit 2
}

# misspelt reads names, and prints each that is near to one of the settings $@, but none, with that
# setting. The rule is the function's, in internal/env/misspelt.go: TestMisspeltAsTheFunctionHasIt.
misspelt() {
	LC_ALL=C awk -v settings="$*" '
		function bare(name) { name = toupper(name); gsub(/[^A-Z0-9]/, "", name); return name }
		function least(a, b) { return a < b ? a : b }
		# distance is how many letters have to be put in, left out, replaced or exchanged.
		function distance(a, b, d, i, j, m, n) {
			m = length(a); n = length(b)
			for (i = 0; i <= m; i++) d[i, 0] = i
			for (j = 0; j <= n; j++) d[0, j] = j
			for (i = 1; i <= m; i++) for (j = 1; j <= n; j++) {
				d[i, j] = least(least(d[i-1, j], d[i, j-1]) + 1, d[i-1, j-1] + (substr(a, i, 1) != substr(b, j, 1)))
				if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j-1, 1) && substr(a, i-1, 1) == substr(b, j, 1))
					d[i, j] = least(d[i, j], d[i-2, j-2] + 1)
			}
			return d[m, n]
		}
		# extra is by how many words the longer name has all those of the shorter, in a namespace of ours.
		function extra(a, b, x, y, m, n, i, has) {
			m = split(toupper(a), x, /[^A-Z0-9]+/); n = split(toupper(b), y, /[^A-Z0-9]+/)
			if (m > n) return extra(b, a)
			if (m < 2 || x[1] != y[1] || (x[1] != "NETSKOPE" && x[1] != "GCS")) return 0
			for (i = 1; i <= n; i++) has[y[i]]
			for (i = 1; i <= m; i++) if (!(x[i] in has)) return 0
			return n - m
		}
		BEGIN { count = split(settings, known, " "); for (i in known) is[known[i]]; is["NETSKOPE_API_TOKEN"] }
		$0 in is { next }
		{
			best = ""; fewest = 1000
			for (i = 1; i <= count; i++) {
				k = bare(known[i])
				limit = length(k) <= 5 ? 0 : length(k) <= 9 ? 1 : 2
				found = distance(bare($0), k)
				if (found > limit) {
					if (!(found = extra($0, known[i]))) continue
					found += 10
				}
				if (found < fewest || (found == fewest && known[i] < best)) { best = known[i]; fewest = found }
			}
			if (best != "") print $0, best
		}'
}

check_storage_settings() {
	local name
	if [[ ! $GCS_BUCKET ]]; then
		[[ $COMMAND == destroy ]] || problem "GCS_BUCKET is not set: --gcs-bucket NAME"
	elif [[ $GCS_BUCKET == gs://* ]]; then
		problem "GCS_BUCKET=$GCS_BUCKET: want the name alone, without gs://: $(print_command --gcs-bucket "$(bucket_name "$GCS_BUCKET")"); a folder goes into GCS_PREFIX"
	elif [[ ! $GCS_BUCKET =~ ^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$ ]]; then
		problem "GCS_BUCKET=$GCS_BUCKET is not a bucket name: 3 to 222 lower-case letters, digits, dots, dashes and underscores"
	fi
	read_path GCS_PREFIX "${GCS_PREFIX:-netskope/alerts}" netskope/alerts
	FOLDER=$REPLY
	refuse_reserved GCS_PREFIX "$FOLDER" netskope/alerts
	if [[ $STATE_KEY ]]; then
		read_path STATE_KEY "$STATE_KEY" "$(beside state).json"
		if [[ $FOLDER && $REPLY == "$FOLDER"* ]]; then
			problem "STATE_KEY=$REPLY begins with the name of the feed's folder $FOLDER/: a feed, with that slash or without, would read the state as a log at every run, and may delete it; keep it outside, as in $(print_command --state-key "$(beside state).json"), its default"
		fi
	fi
	check_streams
	[[ $BUCKET_MAX_AGE_DAYS =~ ^([1-9][0-9]{0,4})?$ ]] || problem "BUCKET_MAX_AGE_DAYS=$BUCKET_MAX_AGE_DAYS: want a whole number of days, as in --bucket-max-age-days 90"
	[[ $BUCKET_LOCATION =~ ^[A-Za-z0-9-]+$ ]] || problem "BUCKET_LOCATION=$BUCKET_LOCATION: want a location, as in us-central1 or EU"
}

# bucket_name prints the bucket of the address $1.
bucket_name() {
	local name=${1#gs://}
	printf %s "${name%%/*}"
}

# refuse_reserved judges the folder $2 of the setting $1, whose default is $3. A feed on it may be
# given without its slash: it takes every name that begins so.
refuse_reserved() {
	local name
	for name in ledger staging quarantine check audit state; do
		if [[ $2 && $name == "${2##*/}"* ]]; then
			problem "$1=$2 is how the names of the collector's own objects in ${2%"${2##*/}"}$name/ begin: a feed on it would take them for alerts; choose another name, as in $(flag_of "$1") $3"
			return
		fi
	done
}

# check_streams leaves the folder of all streams but alerts in EVENTS, or nothing if there are
# none.
check_streams() {
	local word words alerts='' others='' all="alert, application, audit, infrastructure, network, page"
	EVENTS=
	read -ra words <<<"${STREAMS//,/ }"
	[[ $STREAMS ]] || words=(alert)
	((${#words[@]})) || problem "STREAMS=$STREAMS: want one or more of $all, as in --streams alert,page"
	for word in "${words[@]}"; do
		case ${word,,} in
		alert) alerts=1 ;;
		application | audit | infrastructure | network | page) others=1 ;;
		*)
			problem "STREAMS=$STREAMS: want one or more of $all, with commas between them, as in --streams alert,page"
			return
			;;
		esac
	done
	read_path EVENTS_PREFIX "${EVENTS_PREFIX:-netskope/events}" netskope/events
	refuse_reserved EVENTS_PREFIX "$REPLY" netskope/events
	[[ $others ]] || return 0
	EVENTS=$REPLY
	[[ $alerts && $FOLDER && $EVENTS ]] || return 0
	if overlap "$FOLDER" "$EVENTS"; then
		problem "EVENTS_PREFIX=$EVENTS is not apart from GCS_PREFIX=$FOLDER and what lies beside that: a feed on the one would take what is of the other; choose folders beside each other, as in --gcs-prefix netskope/alerts --events-prefix netskope/events"
	elif [[ $(slashless "${STATE_KEY:-$(beside state).json}") == "$EVENTS"* ]]; then
		problem "STATE_KEY begins with EVENTS_PREFIX=$EVENTS: a feed on that would take the state for an event; name an object elsewhere, as in $(print_command --state-key "$(beside state).json")"
	fi
}

# overlap tells whether the names of what lies in or beside one of two feeds' folders begin like
# those of the other.
overlap() {
	local name other
	while IFS= read -r name; do
		while IFS= read -r other; do
			[[ $name != "$other"* && $other != "$name"* ]] || return 0
		done < <(names_of "$2")
	done < <(names_of "$1")
	return 1
}

# names_of prints how the names begin of what lies in, and beside, the feed's folder $1.
names_of() {
	local parent=${1%"${1##*/}"} last=${1##*/}
	printf '%s\n' "$1" "$parent"{ledger,staging,quarantine,check}"/$last/" "$parent"{audit,state}"/$last.json"
}

# beside prints where the function keeps what it calls $1 of the feed's folder.
beside() { printf %s "${FOLDER%"${FOLDER##*/}"}$1/${FOLDER##*/}"; }

# Bytes that are no UTF-8, and the characters that cannot be seen.
UTF8=$'^([\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*$'
UNSEEN=$'\xc2[\x80-\xa0\xad]|\xe1\x9a\x80|\xe1\xa0\x8e|\xe2\x80[\x80-\x8f\xa8-\xaf]|\xe2\x81[\x9f-\xaf]|\xe3\x80\x80|\xee|\xef[\x80-\xa3]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|[\xf3\xf4]'

# read_path judges the value $2 of the setting $1 as the function does, and leaves it in
# REPLY without slashes at its ends; $3 is its default.
read_path() {
	local name=$1 value=$2 LC_ALL=C
	REPLY=$(slashless "$value")
	if [[ ! $REPLY ]]; then
		problem "$name=$value names nothing; leave it out for $3"
	elif [[ $value == gs:* ]]; then
		problem "$name=$value: want a path inside the bucket, without gs:// and without the bucket's name, as in $3"
	elif [[ $REPLY == *//* ]]; then
		problem "$name=$value has an empty folder name (//), with which a Cloud Storage feed does not work; leave one slash"
	elif [[ /$REPLY/ =~ /\.\.?/ ]]; then
		problem "$name=$value has a folder . or .., which Cloud Storage does not know; write the path out"
	elif ((${#REPLY} > 824)); then
		problem "$name is too long: want at most 824 bytes, because the function appends to it, and object names have at most 1024"
	elif [[ ! $REPLY =~ $UTF8 || $REPLY =~ $UNSEEN ]]; then
		problem "$name has characters that cannot be seen, or is not UTF-8; type it again"
	fi
}

# slashless prints $1 without slashes at its ends, as the function reads it.
slashless() {
	local text=$1
	text=${text#"${text%%[!/]*}"}
	printf %s "${text%"${text##*[!/]}"}"
}

# check_token_file judges the token in a file; what comes later, from standard input or a
# person, is judged then.
check_token_file() {
	local token
	[[ $NETSKOPE_API_TOKEN_FILE && $NETSKOPE_API_TOKEN_FILE != - ]] || return 0
	if [[ ! -r $NETSKOPE_API_TOKEN_FILE || -d $NETSKOPE_API_TOKEN_FILE ]]; then
		problem "NETSKOPE_API_TOKEN_FILE: the token file $NETSKOPE_API_TOKEN_FILE cannot be read"
		return
	fi
	token=$(trim "$(tr -d '\0' <"$NETSKOPE_API_TOKEN_FILE")")
	judge_token "$token"
	[[ ! $REPLY ]] || problem "NETSKOPE_API_TOKEN_FILE: the token $REPLY"
}

# judge_token leaves in REPLY what the function would refuse in the token $1, or nothing.
judge_token() {
	local LC_ALL=C
	REPLY=
	if [[ ! $1 ]]; then
		REPLY="is empty"
	elif [[ $1 == *[![:graph:]]* ]]; then
		REPLY="(not shown) has a blank, a line break or a non-ASCII character inside: copy it again, as one line"
	elif [[ $1 == *[\"\'\`]* ]]; then
		REPLY="(not shown) has quotes, which no token has: give the token alone"
	elif [[ $1 == *[\$\{\}\<\>\(\)]* ]]; then
		REPLY="(not shown) looks like a name to be replaced, not like a token: give the token itself"
	elif [[ ${1,,} == bearer* || ${1,,} == netskope-api-token* ]]; then
		REPLY="(not shown) begins like a header: give the token alone, without the header's name"
	elif ((${#1} > 4096)); then
		REPLY="(not shown) has ${#1} characters, which gateways refuse in a header: copy it again"
	elif [[ $1 == *://* || $1 == *.goskope.com ]]; then
		REPLY="(not shown) looks like an address: is it swapped with NETSKOPE_TENANT?"
	fi
}

# check_tenant judges the tenant's address: the token goes there with every request.
check_tenant() {
	local domain=${NETSKOPE_DOMAIN,,} form="want the tenant's address, as in https://acme.goskope.com" host name
	if [[ $domain && ! $domain =~ ^([a-z0-9-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*$ ]]; then
		problem "NETSKOPE_DOMAIN=$NETSKOPE_DOMAIN is no domain: want the domain alone, as in govskope.us; leave it out for goskope.com"
		domain=
	fi
	if [[ ! $NETSKOPE_TENANT ]]; then
		problem "NETSKOPE_TENANT is not set: --netskope-tenant https://acme.${domain:-goskope.com}"
		return
	fi
	host=${NETSKOPE_TENANT#https://}
	if ((${#host} > 30)) && [[ $host != *.* || $host == eyJ* ]]; then # so a JWT begins
		problem "NETSKOPE_TENANT (value not shown) looks like the token; $form"
		return
	fi
	case $NETSKOPE_TENANT in
	*"]("*) problem "NETSKOPE_TENANT=$NETSKOPE_TENANT looks like a Markdown link; $form" ;;
	[Hh][Tt][Tt][Pp]://*) problem "NETSKOPE_TENANT=$NETSKOPE_TENANT would send the token unencrypted; want https://${NETSKOPE_TENANT#*://}" ;;
	*@*) problem "NETSKOPE_TENANT (value not shown) holds a user or password; $form" ;;
	*)
		host=${NETSKOPE_TENANT#[Hh][Tt][Tt][Pp][Ss]://}
		host=${host%/}
		name=${host,,}
		name=${name%:*}
		if [[ $host =~ ^(\[[0-9A-Fa-f:.]+\]|[0-9]+(\.[0-9]+){3})(:[0-9]+)?$ ]]; then
			problem "NETSKOPE_TENANT=$NETSKOPE_TENANT is an IP address, and a tenant has a name; $form"
		elif [[ $name == metadata.google.internal || $name == metadata.goog ]]; then
			problem "NETSKOPE_TENANT=$NETSKOPE_TENANT is the metadata service of a cloud, not a tenant; $form"
		elif [[ ! $host =~ ^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:0*([0-9]{1,5}))?$ ]] ||
			((10#${BASH_REMATCH[3]:-1} < 1 || 10#${BASH_REMATCH[3]:-1} > 65535)); then
			problem "NETSKOPE_TENANT=$NETSKOPE_TENANT: $form"
		elif [[ ! ($domain && $domain != goskope.com && $name == "$domain") && $name != *".${domain:-goskope.com}" ]]; then
			problem "NETSKOPE_TENANT=$NETSKOPE_TENANT is not below ${domain:-goskope.com}, where tenants are; want the tenant's name, as in https://acme.${domain:-goskope.com}; if the tenant is elsewhere, set NETSKOPE_DOMAIN (--netskope-domain) to its domain, as in govskope.us"
		fi
		;;
	esac
}

check_function_settings() {
	local limit=$TIMEOUT
	if [[ ! $TIMEOUT =~ ^[1-9][0-9]{0,3}$ ]] || ((TIMEOUT > 540)); then
		problem "TIMEOUT=$TIMEOUT: want seconds up to 540, the limit for a function that an event starts"
		limit=3601
	fi
	if read_duration BUDGET 8m 1 3600 "from 1s to 1h" && ((REPLY >= limit)); then
		problem "BUDGET=${BUDGET:-8m, its default,} is not below TIMEOUT=${TIMEOUT}s: the platform would end the run before it ends itself"
	fi
	if [[ ! $MEMORY =~ ^[1-9][0-9]*(k|Ki|M|Mi|G|Gi|MB|GB)$ ]]; then
		problem "MEMORY=$MEMORY: want a size with its suffix, as in 256Mi or 1Gi"
	fi
	[[ $RUNTIME =~ ^go[0-9]+$ ]] || problem "RUNTIME=$RUNTIME: want a Go runtime, as in go126"
	check_integer MAX_RECORDS 0 $((1 << 40))
	check_integer PAGE_SIZE 1 10000
	check_integer IN_FLIGHT 1 16
	check_integer LOOKBACK_HOURS 1 2160
	if [[ $REQUESTS_PER_SECOND ]] && ! is_number "$REQUESTS_PER_SECOND" 0 1000; then problem "REQUESTS_PER_SECOND=$REQUESTS_PER_SECOND: want a number from 0 to 1000"; fi
	read_duration LAG 5m 0 86400 "from 0s to 24h" || true
	[[ ${TIME_FIELD,,} =~ ^(insertion|event)?$ ]] || problem "TIME_FIELD=$TIME_FIELD: want insertion or event"
	[[ ${COMPRESSION,,} =~ ^(none|gzip)?$ ]] || problem "COMPRESSION=$COMPRESSION: want none or gzip"
	[[ ${LOG_LEVEL,,} =~ ^(info|debug|warn|error)?$ ]] || problem "LOG_LEVEL=$LOG_LEVEL: want info, debug, warn or error"
}

# These refuse what the function refuses: TestSettingsAreJudgedAsByTheFunction.

# check_integer judges the setting $1, a whole number from $2 to $3.
check_integer() {
	local value=${!1}
	[[ $value ]] || return 0
	if [[ ! $value =~ ^\+?0*([0-9]{1,15})$ ]] || ((10#${BASH_REMATCH[1]} < $2 || 10#${BASH_REMATCH[1]} > $3)); then
		problem "$1=$value: want a whole number from $2 to $3"
	fi
}

# is_number tells whether $1 is a number from $2 to $3.
is_number() {
	[[ $1 =~ ^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$ ]] &&
		LC_ALL=C awk -v n="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(n + 0 >= low + 0 && n + 0 <= high + 0) }'
}

# read_duration judges the setting $1, whose default is $2, a duration of $3 to $4 seconds,
# in words $5, and leaves its seconds in REPLY.
read_duration() {
	local value=${!1}
	REPLY=$(duration_seconds "${value:-$2}")
	if [[ ! $REPLY ]]; then
		problem "$1=$value: want a duration with its unit, as in $2"
	elif [[ $REPLY == *.* ]]; then
		problem "$1=$value: want whole seconds; the tenant's times have no finer grain"
	elif [[ ! $REPLY =~ ^-?[0-9]{1,9}$ ]] || ((REPLY < $3 || REPLY > $4)); then
		problem "$1=$value: want a duration $5"
	else
		return 0
	fi
	return 1
}

# duration_seconds prints a Go duration in seconds, with a fraction only if it has one, or
# nothing where it is none.
duration_seconds() {
	local rest=${1#[+-]} sign='' parts=''
	[[ $1 != -* ]] || sign=-
	[[ $1 != 0 ]] || rest=0s
	[[ $rest =~ ^(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$ ]] || return 0
	while [[ $rest =~ ^([0-9.]+)([^0-9.]+)(.*)$ ]]; do
		parts+="${BASH_REMATCH[1]} ${BASH_REMATCH[2]} "
		rest=${BASH_REMATCH[3]}
	done
	rest=$(LC_ALL=C awk -v parts="$parts" 'BEGIN {
		unit["ns"] = 1; unit["us"] = unit["µs"] = unit["μs"] = 1e3; unit["ms"] = 1e6
		unit["s"] = 1e9; unit["m"] = 60e9; unit["h"] = 3600e9
		n = split(parts, p, " ")
		for (i = 1; i < n; i += 2) sum += int(p[i] * unit[p[i+1]] + 0.5)
		printf "%.9f", sum / 1e9
	}')
	printf %s "$sign${rest%.000000000}"
}

# check_schedule judges the setting $1, and the time zone.
check_schedule() {
	local value=${!1} fields field i low=(0 0 1 1 0) high=(59 23 31 12 7)
	local kind=(minute hour "day of the month" month "day of the week")
	if [[ $1 == SCHEDULE && ! $TIME_ZONE =~ ^[A-Za-z0-9_+/-]+$ ]]; then
		problem "TIME_ZONE=$TIME_ZONE: want a name of the time zone database, as in Etc/UTC"
	fi
	read -ra fields <<<"$value"
	if ((${#fields[@]} != 5)); then
		problem "$1=$value: want five fields (minute, hour, day of the month, month, day of the week), as in '0 * * * *'"
		return
	fi
	for i in "${!fields[@]}"; do
		field=${fields[i]^^}
		if ((i == 3)); then field=$(sed -E 's/JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC/1/g' <<<"$field"); fi
		if ((i == 4)); then field=$(sed -E 's/SUN|MON|TUE|WED|THU|FRI|SAT/1/g' <<<"$field"); fi
		if ! is_cron_field "$field" "${low[i]}" "${high[i]}"; then
			problem "$1=$value: '${fields[i]}' is not a ${kind[i]} (${low[i]} to ${high[i]}, *, lists, ranges and steps)"
		fi
	done
}

# check_audit_schedule wants an audit every day: one looks back 48 hours, and a day that none
# looks at would be passed over in silence.
check_audit_schedule() {
	local minute hour rest
	[[ $AUDIT_SCHEDULE && $AUDIT_SCHEDULE != off ]] || return 0
	check_schedule AUDIT_SCHEDULE
	read -r minute hour rest <<<"$AUDIT_SCHEDULE"
	if [[ $rest =~ ^[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+$ &&
		! $rest =~ ^\*[[:space:]]+\*[[:space:]]+\*$ ]]; then
		problem "AUDIT_SCHEDULE=$AUDIT_SCHEDULE: want every day, as in '$minute $hour * * *': an audit looks back 48 hours, and what lies between two of them would not be looked at"
	fi
}

check_network() {
	local name='[a-z]([a-z0-9-]{0,61}[a-z0-9])?'
	if [[ $NETWORK && ! $NETWORK =~ ^(projects/[A-Za-z0-9.:-]+/global/networks/)?$name$ ]]; then
		problem "NETWORK=$NETWORK: want the name of a VPC network, or projects/P/global/networks/N"
	fi
	if [[ $SUBNET && ! $SUBNET =~ ^(projects/[A-Za-z0-9.:-]+/regions/[a-z0-9-]+/subnetworks/)?$name$ ]]; then
		problem "SUBNET=$SUBNET: want the name of a subnet, or projects/P/regions/R/subnetworks/S"
	fi
	if [[ $SUBNET == projects/* && $SUBNET != */regions/"$REGION"/* ]]; then
		problem "SUBNET=$SUBNET is not in the function's region, $REGION"
	fi
	case $EGRESS in
	all) ;;
	private-ranges-only) [[ $NETWORK$SUBNET ]] || problem "EGRESS=$EGRESS says nothing without a --network or --subnet" ;;
	*) problem "EGRESS=$EGRESS: want all, so that the tenant is called through the network, or private-ranges-only" ;;
	esac
}

# check_keys wants a key in each place where something is to be encrypted.
check_keys() {
	local key place places name='[A-Za-z0-9_-]+'
	if [[ ! $SECRET_LOCATIONS =~ ^([a-z]+-[a-z]+[0-9]+(,[a-z]+-[a-z]+[0-9]+)*)?$ ]]; then
		problem "SECRET_LOCATIONS=$SECRET_LOCATIONS: want regions, as in europe-west3,europe-west4"
		return
	fi
	[[ $KMS_KEY ]] || return 0
	for key in ${KMS_KEY//,/ }; do
		if [[ ! $key =~ ^projects/[A-Za-z0-9.:-]+/locations/[a-z0-9-]+/keyRings/$name/cryptoKeys/$name$ ]]; then
			problem "KMS_KEY=$key: want projects/P/locations/L/keyRings/R/cryptoKeys/K"
			return
		fi
	done
	key_in "$BUCKET_LOCATION" || problem "KMS_KEY: no key lies where the bucket does, in ${BUCKET_LOCATION,,}, and another cannot encrypt it; add one with a comma, or change --bucket-location"
	places=$(secret_places)
	for place in $places; do
		key_in "$place" || problem "KMS_KEY: no key lies in $place, where the secret is to be kept, and another cannot encrypt it; add one with a comma, or change --secret-locations"
	done
	if [[ ! $places ]] && ! key_in global; then
		problem "KMS_KEY: no key can encrypt the secret, which is kept in single regions: add one in a region, as in $REGION, with a comma"
	fi
}

check_labels() {
	local pair keys=' '
	for pair in ${LABELS//,/ }; do
		if [[ ! $pair =~ ^[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}$ ]]; then
			problem "LABELS: $pair is not KEY=VALUE: want lower-case letters, digits, dashes and underscores, at most 63 of each"
		elif [[ $pair == "$LABEL"* || $pair == config_hash=* ]]; then
			problem "LABELS: ${pair%%=*} is deploy.sh's own; choose another key"
		elif [[ $keys == *" ${pair%%=*} "* ]]; then
			problem "LABELS: ${pair%%=*} is there twice"
		fi
		keys+="${pair%%=*} "
	done
}

is_cron_field() {
	local part parts number='[0-9]{1,2}'
	[[ $1 && $1 != *, && $1 != ,* && $1 != *,,* ]] || return 1
	IFS=, read -ra parts <<<"$1"
	for part in "${parts[@]}"; do
		[[ $part =~ ^(\*|($number)(-($number))?)(/($number))?$ ]] || return 1
		if [[ ${BASH_REMATCH[2]} ]]; then
			((10#${BASH_REMATCH[2]} >= $2 && 10#${BASH_REMATCH[2]} <= $3)) || return 1
		fi
		if [[ ${BASH_REMATCH[4]} ]]; then
			((10#${BASH_REMATCH[4]} >= 10#${BASH_REMATCH[2]} && 10#${BASH_REMATCH[4]} <= $3)) || return 1
		fi
		if [[ ${BASH_REMATCH[6]} ]]; then
			((10#${BASH_REMATCH[6]} > 0)) || return 1
		fi
	done
}

check_feed_settings() {
	[[ $FEED_LOG_TYPE =~ ^NETSKOPE_ALERT(_V2)?$ ]] || problem "FEED_LOG_TYPE=$FEED_LOG_TYPE: want NETSKOPE_ALERT_V2 or NETSKOPE_ALERT"
	if [[ ! $FEED_MAX_AGE_DAYS =~ ^[1-9][0-9]{0,2}$ ]] || ((FEED_MAX_AGE_DAYS > 180)); then
		problem "FEED_MAX_AGE_DAYS=$FEED_MAX_AGE_DAYS: want 1 to 180 days"
	fi
	if [[ $FEED_SERVICE_ACCOUNT && ! $FEED_SERVICE_ACCOUNT =~ ^[^[:space:]@:,]+@[A-Za-z0-9.-]+$ ]]; then
		problem "FEED_SERVICE_ACCOUNT=$FEED_SERVICE_ACCOUNT: want the e-mail address that SecOps shows"
	fi
	if [[ $SECOPS_INSTANCE &&
		! $SECOPS_INSTANCE =~ ^projects/[A-Za-z0-9.:-]+/locations/[a-z0-9-]+/instances/[A-Za-z0-9-]+$ ]]; then
		problem "SECOPS_INSTANCE=$SECOPS_INSTANCE: want projects/PROJECT/locations/us/instances/CUSTOMER_UUID"
	fi
}
