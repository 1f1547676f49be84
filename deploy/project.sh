#!/usr/bin/env bash
# Sourced by deploy.sh: is there a gcloud, a login, a project, a billing account; the APIs.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

APIS=(
	artifactregistry.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com
	cloudresourcemanager.googleapis.com cloudscheduler.googleapis.com eventarc.googleapis.com
	iam.googleapis.com logging.googleapis.com monitoring.googleapis.com pubsub.googleapis.com
	run.googleapis.com secretmanager.googleapis.com storage.googleapis.com
)

configured_project() {
	if command -v gcloud >/dev/null; then
		gcloud config get-value project 2>/dev/null || true
	fi
}

# preflight says in one sentence what stands in the way. A dry run of what makes something goes on
# without gcloud, login or project, as if the project were empty.
preflight() {
	local account billing
	if ! command -v gcloud >/dev/null; then
		unless_dry_run "gcloud is missing: install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install), or use Cloud Shell, which has it"
		return
	fi
	account=$(gcloud auth list --filter=status:ACTIVE '--format=value(account)' 2>/dev/null) || true
	# A token file, as automation uses it, is a login that gcloud does not list.
	if [[ ! $account && ! ${CLOUDSDK_AUTH_ACCESS_TOKEN_FILE-} && ! ${CLOUDSDK_AUTH_DISABLE_CREDENTIALS-} ]]; then
		unless_dry_run "gcloud is not logged in; type: gcloud auth login"
		return
	fi
	account=${account:-the access token file}
	if ! REPLY=$(gcloud projects describe "$PROJECT_ID" '--format=value(projectNumber,parent.type)' \
		2>"$PRIVATE/stderr" </dev/null); then
		if grep -qE 'gcloud auth login|Reauthentication|invalid_grant' "$PRIVATE/stderr"; then
			unless_dry_run "the login of $account is no longer valid; type: gcloud auth login ($(complaint))"
			return
		fi
		unless_dry_run "project $PROJECT_ID does not exist, or $account may not see it: check --project-id and gcloud auth list ($(complaint))"
		return
	fi
	PROJECT_NUMBER=$(cut -f 1 <<<"$REPLY")
	ORGANISATION=$(cut -f 2 <<<"$REPLY")
	CAN_READ=1
	# To look at what is there, and to take it away, nothing has to be paid for.
	if looks; then return; fi
	if ! billing=$(gcloud billing projects describe "$PROJECT_ID" '--format=value(billingEnabled)' \
		2>/dev/null </dev/null); then
		warn "could not see whether project $PROJECT_ID has billing; without it, the APIs cannot be enabled"
	elif [[ ${billing,,} != true ]]; then
		unless_dry_run "project $PROJECT_ID has no billing account: link one with gcloud billing projects link $PROJECT_ID --billing-account=ACCOUNT"
	fi
}

# check_project names everything in the project that would stop a deployment half way,
# before anything is changed.
check_project() {
	local version
	if [[ $NETWORK$SUBNET && $COMMAND == deploy ]] && command -v gcloud >/dev/null; then
		version=$(gcloud version "--format=value('Google Cloud SDK')" 2>/dev/null) || version=
		if [[ $version =~ ^([0-9]+)\. ]] && ((BASH_REMATCH[1] < 558)); then
			problem "--network wants gcloud 558 or newer, and this is $version: gcloud components update"
		fi
	fi
	case $COMMAND in
	deploy | feed) check_policies ;;
	esac
	if [[ $COMMAND == deploy ]]; then check_secret; fi
	refuse_problems
}

# looks tells whether the command has to see what is there. Without that, "nothing is there" would be a guess.
looks() { [[ $COMMAND == status || $COMMAND == env || $COMMAND == destroy ]]; }

unless_dry_run() {
	if looks; then die "$COMMAND cannot look at project $PROJECT_ID, so nothing is known, and nothing was done: $1"; fi
	[[ $DRY_RUN ]] || die "$1"
	say "note: $1"
	[[ $COMMAND == run ]] || say "shown is what an empty project needs"
	say
	CAN_READ=
	# shellcheck disable=SC2016
	PROJECT_NUMBER='$PROJECT_NUMBER' # a variable of the transcript
}

enable_apis() {
	local api missing=() enabled=''
	if lookup services list --enabled '--format=value(config.name)'; then
		enabled=$REPLY
	fi
	for api in "${APIS[@]}"; do
		if grep -qx "$api" <<<"$enabled"; then keeps API; else missing+=("$api"); fi
	done
	if ((${#missing[@]})); then
		creates API "${#missing[@]}"
		change services enable "${missing[@]}"
	fi
}

# RUNTIME_DATES are those from which on a runtime is patched no more, and from which on
# nothing can be deployed with it: Google's support schedule of Cloud Run
# (https://docs.cloud.google.com/run/docs/runtime-support#go) as of 2026-09-01. Of dates
# that it gives as two months, this is the earlier.
RUNTIME_DATES=(
	"go123 2026-02-21 2026-08-21"
	"go124 2026-09-02 2027-03-02"
	"go125 2026-10-01 2027-04-01"
	"go126 2027-02 2027-08"
	"go127 2027-08 2028-02"
)

# runtime_age leaves in REPLY how long the runtime $1 is supported, and returns 1 where it
# no longer is. $2 is its stage, as Google Cloud tells it.
runtime_age() {
	local entry name='' deprecated='' gone='' today=${TODAY:-}
	[[ $today ]] || printf -v today '%(%F)T' -1
	for entry in "${RUNTIME_DATES[@]}"; do
		if [[ $entry == "$1 "* ]]; then read -r name deprecated gone <<<"$entry"; fi
	done
	if [[ $2 == DEPRECATED || $2 == DECOMMISSIONED || $deprecated && ! $today < $deprecated ]]; then
		REPLY="$1 is deprecated${deprecated:+ since $deprecated}: it is patched no more${gone:+, and from $gone on nothing can be deployed with it}"
		return 1
	fi
	if [[ $deprecated ]]; then
		REPLY="$1 is supported until $deprecated, and can be deployed until $gone"
	else
		REPLY="until when $1 is supported: https://docs.cloud.google.com/run/docs/runtime-support#go"
	fi
}

# check_runtime needs the Cloud Functions API and so comes after enabling it.
check_runtime() {
	local attempt stage='' newest
	REPLY=
	if [[ $CAN_READ ]]; then
		for attempt in 1 2 3 4 5 6; do
			if REPLY=$(gcloud functions runtimes list "--region=$REGION" '--format=value(name,stage)' \
				"--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then
				break
			fi
			# Enabled a moment ago, an API may answer for some more seconds that it is not.
			if [[ $DRY_RUN ]] && is_missing <"$PRIVATE/stderr"; then return 0; fi
			if ((attempt == 6)) || ! grep -q 'it is disabled' "$PRIVATE/stderr"; then
				die "region $REGION cannot run functions for this project: $(complaint)"
			fi
			sleep "${SETTLE_SECONDS:-10}"
		done
		stage=$(awk -F '\t' -v name="$RUNTIME" '$1 == name { print $2; exit }' <<<"$REPLY")
		newest=$(awk -F '\t' '$1 ~ /^go[0-9]+$/ && $2 !~ /^DE/ { print $1 }' <<<"$REPLY" | sort -u | tr '\n' ' ')
		newest=${newest% }
		if [[ ! $stage || $stage == DECOMMISSIONED ]]; then
			die "runtime $RUNTIME is not available in $REGION; it has ${newest:-no other}: choose another --runtime or --region, or wait until it is rolled out there"
		fi
	fi
	if runtime_age "$RUNTIME" "$stage"; then
		say "      $REPLY"
	else
		warn "runtime $REPLY${newest:+; choose a newer --runtime: $newest}"
	fi
}
