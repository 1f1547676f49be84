#!/usr/bin/env bash
# Sourced by deploy.sh: numbered steps, and the two ways to gcloud: lookup reads, change
# changes. Every command names its project, so that none acts on another by accident.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# Marks what deploy.sh made for this function: a label where a resource takes labels,
# else a part of its description. destroy removes nothing without it.
LABEL=netskope_alerts_deployment

STEP=
TOTAL_CHANGES=0
STEP_CHANGES=0
CAN_READ=
PROJECT_NUMBER=
ORGANISATION= # the sort of what the project lies in, or nothing

begin_work() {
	MARK="netskope-alerts deployment $FUNCTION"
	export CLOUDSDK_CORE_DISABLE_PROMPTS=1
	umask 077
	PRIVATE=$(mktemp -d)
	trap 'rm -rf "$PRIVATE"' EXIT
	# Where the files lie that commands refer to. In a dry run it is a variable of the
	# transcript, which makes a directory of its own.
	FILES=$PRIVATE
	# shellcheck disable=SC2016
	[[ ! $DRY_RUN ]] || FILES='$FILES'
}

# say prints for people; in a dry run as a comment, so that all of the output is a script.
say() {
	if [[ $DRY_RUN ]]; then
		printf '#%s\n' "${*:+ $*}"
	else
		printf '%s\n' "$*"
	fi
}

warn() { printf 'warning: %s\n' "$*" >&2; }

die() {
	if [[ $STEP ]]; then
		printf 'deploy.sh: %s failed: %s\n' "$STEP" "$*" >&2
		printf 'What was done stays. Run the same command again: it continues there.\n' >&2
	else
		printf 'deploy.sh: %s\n' "$*" >&2
	fi
	exit 1
}

# run_steps runs "function|what it does" after the other.
run_steps() {
	local steps=("$@") i began
	for i in "${!steps[@]}"; do
		STEP="step $((i + 1))/${#steps[@]} (${steps[i]#*|})"
		STEP_CHANGES=0
		began=$SECONDS
		[[ ! $DRY_RUN ]] || printf '\n'
		say "[$((i + 1))/${#steps[@]}] ${steps[i]#*|}"
		"${steps[i]%%|*}"
		if [[ ! $DRY_RUN ]]; then
			if ((STEP_CHANGES)); then
				say "      done, $((SECONDS - began)) s"
			else
				say "      nothing to change, $((SECONDS - began)) s"
			fi
		fi
	done
	STEP=
}

# lookup reads through gcloud into REPLY. It returns 1 for what does not exist; any other
# failure ends the run, because whatever came after would rest on a guess.
lookup() {
	REPLY=
	[[ $CAN_READ ]] || return 1
	if REPLY=$(gcloud "$@" "--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then
		return 0
	fi
	REPLY=
	if is_missing <"$PRIVATE/stderr" || is_off; then
		return 1
	fi
	die "gcloud $1 $2${3:+ $3}: $(complaint)$(refused_remedy)"
}

# OFF are the APIs that a command that only looks has found not to be enabled.
declare -A OFF=()

# is_off notes that what was asked has no answer because its API is not enabled. Where something is to be made
# that is a failure: the APIs were enabled before.
is_off() {
	local api=unknown
	looks || [[ $COMMAND == run ]] || return 1
	grep -qE 'SERVICE_DISABLED|it is disabled' "$PRIVATE/stderr" || return 1
	if [[ $(<"$PRIVATE/stderr") =~ [a-z]+\.googleapis\.com ]]; then api=${BASH_REMATCH[0]}; fi
	OFF[$api]=1
}

# refused_remedy says what to do if the last command was refused.
refused_remedy() {
	if grep -qE 'gcloud auth login|Reauthentication|invalid_grant' "$PRIVATE/stderr"; then
		printf '; type: gcloud auth login'
	elif grep -qE 'PERMISSION_DENIED|does not have permission|HTTPError 403' "$PRIVATE/stderr"; then
		printf '; docs/deploy.md lists the roles that this takes; as somebody who has them: gcloud auth login'
	fi
}

# lookup_unless_off is lookup, for which an API that is not enabled has nothing yet.
lookup_unless_off() {
	REPLY=
	[[ $CAN_READ ]] || return 1
	if REPLY=$(gcloud "$@" "--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then return 0; fi
	REPLY=
	if grep -qE 'SERVICE_DISABLED|it is disabled' "$PRIVATE/stderr" || is_missing <"$PRIVATE/stderr"; then return 1; fi
	die "gcloud $1 $2${3:+ $3}: $(complaint)$(refused_remedy)"
}

# is_missing tells "there is none" from "you may not see it": the latter, too, says that
# the resource may not exist. In a dry run, an API that is not enabled has nothing yet.
is_missing() {
	local text
	text=$(cat)
	if [[ $DRY_RUN ]] && ! looks && grep -qE 'SERVICE_DISABLED|it is disabled' <<<"$text"; then
		return 0
	fi
	if grep -qE 'PERMISSION_DENIED|does not have permission|HTTPError 403|may not exist' <<<"$text"; then
		return 1
	fi
	grep -qiE 'NOT_FOUND|not found|does not exist|HTTPError 404|404\.$' <<<"$text"
}

# complaint is what gcloud wrote last to its standard error, as one line.
complaint() { grep -vE '^(WARNING|Updated|Created|\.+)' "$PRIVATE/stderr" | tr -s '\n\t ' ' ' | tail -c 1500; }

# change runs a gcloud command that changes something; its standard output is in REPLY, and
# in a transcript in the variable that INTO names.
# What a moment ago was created may be unknown to the next service for some seconds:
# only then it is tried again.
change() {
	local attempt
	REPLY=
	STEP_CHANGES=$((STEP_CHANGES + 1))
	TOTAL_CHANGES=$((TOTAL_CHANGES + 1))
	if [[ $DRY_RUN ]]; then
		if [[ ${INTO-} ]]; then
			# shellcheck disable=SC2016
			printf '%s=$(%s)\n' "$INTO" "$(print_command gcloud "$@" "--project=$PROJECT_ID")"
		else
			print_command gcloud "$@" "--project=$PROJECT_ID"
		fi
		return
	fi
	for attempt in 1 2 3 4 5 6 7; do
		if REPLY=$(gcloud "$@" "--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then
			return
		fi
		if ((attempt == 7)) || ! grep -qiE 'service account [^ ]+ does not exist|before or it is disabled|Identity Pool does not exist' "$PRIVATE/stderr"; then
			break
		fi
		sleep "${SETTLE_SECONDS:-10}"
	done
	die "gcloud $1 $2${3:+ $3}: $(complaint)$(refused_remedy)"
}

# change_from is change with the text $1 on standard input. In a dry run, $2 is how a
# person would feed it instead.
change_from() {
	local text=$1 instead=$2
	shift 2
	STEP_CHANGES=$((STEP_CHANGES + 1))
	TOTAL_CHANGES=$((TOTAL_CHANGES + 1))
	if [[ $DRY_RUN ]]; then
		printf '%s' "$instead"
		print_command gcloud "$@" "--project=$PROJECT_ID"
		return
	fi
	if ! printf %s "$text" | gcloud "$@" "--project=$PROJECT_ID" >/dev/null 2>"$PRIVATE/stderr"; then
		die "gcloud $1 $2${3:+ $3}: $(complaint)$(refused_remedy)"
	fi
}

print_command() {
	local word quoted=''
	for word in "$@"; do
		# %q would escape commas and more that no shell minds.
		if [[ $word =~ ^[A-Za-z0-9_./:=@,%+-]+$ ]]; then
			quoted+=" $word"
		elif [[ $DRY_RUN && $word =~ ^[A-Za-z0-9_./:=@,%+-]+\$(FILES|PROJECT_NUMBER)[A-Za-z0-9_./@-]+$ ]]; then
			quoted+=" \"$word\""
		elif [[ $word != *\'* ]]; then
			quoted+=" '$word'"
		else
			quoted+=" $(printf %q "$word")"
		fi
	done
	printf '%s\n' "${quoted# }"
}

# put_file writes $2 to the file $1 for a command to refer to.
put_file() {
	if [[ $DRY_RUN ]]; then
		printf "cat >\"%s\" <<'END_OF_FILE'\n%s\nEND_OF_FILE\n" "$1" "$2"
	else
		printf '%s\n' "$2" >"$1"
	fi
}

# digest is a short hash of standard input.
digest() {
	local sum
	if command -v sha256sum >/dev/null; then sum=$(sha256sum); else sum=$(shasum -a 256); fi
	printf %s "${sum:0:20}"
}

# json_text prints $1 as a JSON string; settings hold no control characters. It is a
# YAML string as well.
json_text() {
	local text=${1//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}

# grant gives a member a role, unless it has it: grant "storage buckets" gs://b MEMBER ROLE.
# A fifth word is the title of a condition, a sixth its expression.
grant() {
	local on=$1 resource=$2 member=$3 role=$4 title=${5-} expression=${6-} place=() condition=()
	[[ $on != "run services" ]] || place=("--region=$REGION")
	# shellcheck disable=SC2086
	if lookup $on get-iam-policy "$resource" "${place[@]}" "${WHO_HAS_WHAT[@]}" &&
		has_role "$role" "$member" "$title" <<<"$REPLY"; then
		keeps role
		return
	fi
	if [[ $expression ]]; then
		condition=("--condition=expression=$expression,title=$title")
	elif [[ $on == projects ]]; then
		condition=(--condition=None)
	fi
	creates role
	# shellcheck disable=SC2086
	change $on add-iam-policy-binding "$resource" "${place[@]}" "--member=$member" "--role=$role" "${condition[@]}"
}

# WHO_HAS_WHAT has get-iam-policy print what has_role reads.
WHO_HAS_WHAT=('--flatten=bindings[].members' '--format=value(bindings.role,bindings.members,bindings.condition.title)')

# has_role finds the role $1 of the member $2, on the condition titled $3 or on none.
has_role() {
	awk -F '\t' -v role="$1" -v member="$2" -v title="${3-}" \
		'$1 == role && $2 == member && $3 == title { found = 1 } END { exit !found }'
}

# labels_of prints the labels of something new: the mark, those in $@, and those of LABELS.
labels_of() {
	local IFS=,
	printf %s "$LABEL=$FUNCTION${*:+,$*}${LABELS:+,$LABELS}"
}

# label_keys prints, for a --format, the keys of LABELS in the field $1.
label_keys() {
	local pair
	for pair in ${LABELS//,/ }; do printf ',%s.%s' "$1" "${pair%%=*}"; done
}

# lacking prints those of LABELS that differ from the values in $1, which label_keys asked
# for, separated by tabs.
lacking() {
	local pair rest=$1$'\t' missing=''
	for pair in ${LABELS//,/ }; do
		[[ ${rest%%$'\t'*} == "${pair#*=}" ]] || missing+=",$pair"
		rest=${rest#*$'\t'}
	done
	printf %s "${missing#,}"
}
