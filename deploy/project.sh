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

# preflight says in one sentence what stands in the way. A dry run goes on without
# gcloud, login or project, as if the project were empty.
preflight() {
	local account billing
	if ! command -v gcloud >/dev/null; then
		unless_dry_run "gcloud is missing: install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install), or use Cloud Shell, which has it"
		return
	fi
	account=$(gcloud auth list --filter=status:ACTIVE '--format=value(account)' 2>/dev/null) || true
	# A token file, as automation uses it, is a login that gcloud does not list.
	if [[ ! $account && ! ${CLOUDSDK_AUTH_ACCESS_TOKEN_FILE-} && ! ${CLOUDSDK_AUTH_DISABLE_CREDENTIALS-} ]]; then
		unless_dry_run "gcloud is not logged in: run gcloud auth login"
		return
	fi
	account=${account:-the access token file}
	if ! PROJECT_NUMBER=$(gcloud projects describe "$PROJECT_ID" '--format=value(projectNumber)' 2>"$PRIVATE/stderr" </dev/null); then
		unless_dry_run "project $PROJECT_ID does not exist, or $account may not see it: check --project-id and gcloud auth list ($(complaint))"
		return
	fi
	CAN_READ=1
	if ! billing=$(gcloud billing projects describe "$PROJECT_ID" '--format=value(billingEnabled)' 2>/dev/null </dev/null); then
		warn "could not see whether project $PROJECT_ID has billing; without it, the APIs cannot be enabled"
	elif [[ ${billing,,} != true ]]; then
		unless_dry_run "project $PROJECT_ID has no billing account: link one with gcloud billing projects link $PROJECT_ID --billing-account=ACCOUNT"
	fi
}

unless_dry_run() {
	[[ $DRY_RUN ]] || die "$1"
	say "note: $1"
	say "shown is what an empty project needs"
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

# check_runtime needs the Cloud Functions API and so comes after enabling it.
check_runtime() {
	[[ $CAN_READ ]] || return 0
	local attempt
	for attempt in 1 2 3 4 5 6; do
		if REPLY=$(gcloud functions runtimes list "--region=$REGION" '--format=value(name)' "--project=$PROJECT_ID" 2>"$PRIVATE/stderr" </dev/null); then
			break
		fi
		# Enabled a moment ago, an API may answer for some more seconds that it is not.
		if [[ $DRY_RUN ]] && is_missing <"$PRIVATE/stderr"; then return 0; fi
		if ((attempt == 6)) || ! grep -q 'it is disabled' "$PRIVATE/stderr"; then
			die "region $REGION cannot run functions for this project: $(complaint)"
		fi
		sleep "${SETTLE_SECONDS:-10}"
	done
	grep -qx "$RUNTIME" <<<"$REPLY" || die "runtime $RUNTIME is not available in $REGION; it has$(grep -E '^go[0-9]+$' <<<"$REPLY" | sort -u | tr '\n' ' ' | sed 's/^/ /'): choose another --region, or wait until it is rolled out there"
}
