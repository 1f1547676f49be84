#!/usr/bin/env bash
# Sourced by deploy.sh: accounts, topic, function and schedule.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

DEPLOY_STEPS=(
	"enable_apis|enable the APIs"
	"check_runtime|see whether region and runtime are available"
	"make_accounts|service accounts to run, trigger and build"
	"make_topic|Pub/Sub topic"
	"grant_keys|access to the keys that encrypt bucket and secret"
	"make_bucket|bucket for the alerts"
	"make_secret|secret with the API token"
	"grant_storage|access of the function to bucket and secret"
	"grant_build|access of the build"
	"deploy_function|function (two to three minutes)"
	"connect_trigger|access of the trigger to the function"
	"make_schedule|schedule"
	"make_audit|schedule of audits"
	"grant_feed|access of the SecOps feed"
)

email_of() {
	if [[ $1 == *@* ]]; then printf %s "$1"; else printf %s "$1@$PROJECT_ID.iam.gserviceaccount.com"; fi
}

name_accounts() {
	RUN_EMAIL=$(email_of "$RUN_SERVICE_ACCOUNT")
	TRIGGER_EMAIL=$(email_of "$TRIGGER_SERVICE_ACCOUNT")
	BUILD_EMAIL=$(email_of "$BUILD_SERVICE_ACCOUNT")
}

make_accounts() {
	name_accounts
	make_account "$RUN_SERVICE_ACCOUNT" "$RUN_EMAIL" "runs the function"
	make_account "$TRIGGER_SERVICE_ACCOUNT" "$TRIGGER_EMAIL" "starts the function"
	make_account "$BUILD_SERVICE_ACCOUNT" "$BUILD_EMAIL" "builds the function"
}

make_account() {
	local name=$1 email=$2 purpose=$3
	if lookup iam service-accounts describe "$email" '--format=value(disabled)'; then
		[[ ${REPLY,,} != true ]] || die "service account $email is disabled: gcloud iam service-accounts enable $email"
		keeps "service account"
		return 0
	fi
	if [[ $name == *@* ]]; then
		[[ $DRY_RUN ]] || die "service account $email does not exist"
		return 0
	fi
	creates "service account"
	change iam service-accounts create "$name" "--display-name=Netskope alerts: $purpose" "--description=$MARK: $purpose"
}

make_topic() {
	local more=() lacking=''
	if lookup pubsub topics describe "$TOPIC" "--format=value(labels.$LABEL$(label_keys labels))"; then
		if [[ $(cut -f 1 <<<"$REPLY") == "$FUNCTION" ]]; then lacking=$(lacking "$(cut -f 2- <<<"$REPLY")"); fi
		if [[ ! $lacking ]]; then
			keeps topic
			return
		fi
		changes topic
		change pubsub topics update "$TOPIC" "--update-labels=$lacking"
		return
	fi
	find_bucket
	[[ $BUCKET_FOUND ]] || more+=("${LABEL}_bucket=$(bucket_note)")
	creates topic
	change pubsub topics create "$TOPIC" "--labels=$(labels_of "${more[@]}")"
}

# grant_build gives what Google's page on build accounts of functions asks for. These
# roles exist on the project only; the reading of objects is bound to the buckets in which
# functions' sources lie, so that a build cannot read alerts. An account that was brought
# along keeps the rights that it has.
grant_build() {
	[[ $BUILD_SERVICE_ACCOUNT != *@* ]] || return 0
	local member="serviceAccount:$BUILD_EMAIL"
	grant projects "$PROJECT_ID" "$member" roles/logging.logWriter
	grant projects "$PROJECT_ID" "$member" roles/artifactregistry.writer
	grant projects "$PROJECT_ID" "$member" roles/storage.objectViewer sources-of-functions \
		'resource.name.startsWith("projects/_/buckets/gcf-v2-")'
}

# function_environment prints the function's variables as YAML, every value quoted, so that
# commas, quotes and equals signs are nothing special.
function_environment() {
	local name
	printf 'GCS_BUCKET: %s\n' "$(json_text "$GCS_BUCKET")"
	printf 'NETSKOPE_TENANT: %s\n' "$(json_text "$NETSKOPE_TENANT")"
	printf 'NETSKOPE_API_TOKEN_FILE: %s\n' "$(json_text "$MOUNTED_TOKEN")"
	for name in "${FUNCTION_SETTINGS[@]}"; do
		[[ ! ${!name} ]] || printf '%s: %s\n' "$name" "$(json_text "${!name}")"
	done
}

# deployed_files names what .gcloudignore lets gcloud upload, in an order of its own.
deployed_files() {
	local LC_ALL=C file
	shopt -s globstar nullglob
	for file in *.go internal/**/*.go go.mod go.sum; do
		case /$file in
		*_test.go | /internal/standin/* | */testdata/*) ;;
		*) printf '%s\n' "$file" ;;
		esac
	done
	shopt -u globstar nullglob
}

# function_source prints names and text of all that is uploaded.
function_source() {
	local file
	deployed_files | while IFS= read -r file; do
		printf '%s\n' "$file"
		cat "$file"
	done
}

deploy_function() {
	local environment hash arguments deployed=''
	environment=$(function_environment)
	arguments=(
		functions deploy "$FUNCTION" --gen2 "--region=$REGION" "--runtime=$RUNTIME" --source=.
		--entry-point=CollectAlerts "--trigger-topic=$TOPIC" "--trigger-service-account=$TRIGGER_EMAIL"
		"--run-service-account=$RUN_EMAIL"
		"--build-service-account=projects/$PROJECT_ID/serviceAccounts/$BUILD_EMAIL"
		# A file, and its latest version: a rotated token then counts from the next run on,
		# without a new deployment.
		"--set-secrets=${MOUNTED_TOKEN%/*}:/${MOUNTED_TOKEN##*/}=$SECRET:latest"
		# The collector speaks JSON to Cloud Storage: without its gRPC parts, the client
		# starts in half the time.
		--set-build-env-vars=GOFLAGS=-tags=disable_grpc_modules
		"--timeout=${TIMEOUT}s" "--memory=$MEMORY" --cpu=1 --concurrency=1 --max-instances=1
		--ingress-settings=internal-only --no-allow-unauthenticated --retry
	)
	if [[ $NETWORK$SUBNET ]]; then
		arguments+=(${NETWORK:+"--network=$NETWORK"} ${SUBNET:+"--subnet=$SUBNET"} "--direct-vpc-egress=$EGRESS")
	fi
	hash=$({
		function_source
		printf '%s\n' "${arguments[@]}" "$environment" ${LABELS:+"$LABELS"}
	} | digest)
	if lookup functions describe "$FUNCTION" --gen2 "--region=$REGION" \
		"--format=value(state,labels.$LABEL,labels.config_hash)"; then
		deployed=$REPLY
		if [[ $(cut -f 2 <<<"$deployed") != "$FUNCTION" && ! $ADOPT ]]; then
			die "there is a function $FUNCTION in $REGION that deploy.sh did not make: choose another --function, or take it over with --adopt"
		fi
	fi
	if [[ $deployed == "ACTIVE	$FUNCTION	$hash" && ! $FORCE ]]; then
		keeps function
		return
	fi
	if [[ $deployed ]]; then changes function; else creates function; fi
	put_file "$FILES/env.yaml" "$environment"
	change "${arguments[@]}" "--env-vars-file=$FILES/env.yaml" "--update-labels=$(labels_of "config_hash=$hash")"
}

# connect_trigger lets the trigger's account call this one service, and gives a run the
# time it may take before Pub/Sub delivers its message again.
connect_trigger() {
	local line topic deadline
	grant "run services" "$FUNCTION" "serviceAccount:$TRIGGER_EMAIL" roles/run.invoker
	if ! lookup pubsub subscriptions list '--format=value(name,topic,ackDeadlineSeconds)'; then
		[[ ! $DRY_RUN ]] || say "then, if it differs: gcloud pubsub subscriptions update (the one that Eventarc made for $TOPIC) --ack-deadline=600"
		return 0
	fi
	while IFS=$'\t' read -r line topic deadline; do
		[[ $topic == "projects/$PROJECT_ID/topics/$TOPIC" && $line == */eventarc-* ]] || continue
		if [[ $deadline == 600 ]]; then
			keeps subscription
		else
			changes subscription
			change pubsub subscriptions update "${line##*/}" --ack-deadline=600
		fi
	done <<<"$REPLY"
}

make_schedule() {
	make_job "$SCHEDULER_JOB" --scheduler-job "$SCHEDULE" '{}' "$MARK: collects Netskope alerts" "nothing is collected"
}

# make_audit has the function audit the last 48 hours, and deliver what it finds missing.
make_audit() {
	case $AUDIT_SCHEDULE in
	'') say "      none: --audit-schedule '30 3 * * *' audits every night" ;;
	off)
		if lookup scheduler jobs describe "$AUDIT_JOB" "--location=$REGION" '--format=value(description)' &&
			[[ $REPLY == "$MARK"* ]]; then
			changes "scheduler job"
			change scheduler jobs delete "$AUDIT_JOB" "--location=$REGION"
		fi
		;;
	*)
		make_job "$AUDIT_JOB" --audit-job "$AUDIT_SCHEDULE" '{"verify":"48h","repair":true}' \
			"$MARK: audits what was delivered" "nothing is audited"
		;;
	esac
}

# make_job has the job $1, which the flag $2 names, publish $4 at the times $3. $5 is its
# description, and $6 what a paused one means.
make_job() {
	local name=$1 flag=$2 schedule=$3 message=$4 description=$5 paused=$6 verb=create
	local job=("$name" "--location=$REGION") topic=projects/$PROJECT_ID/topics/$TOPIC
	if lookup scheduler jobs describe "${job[@]}" '--format=value(schedule,timeZone,pubsubTarget.topicName,description,state)'; then
		verb=update
		case $REPLY in
		*"$MARK"*) ;;
		*) [[ $ADOPT ]] || die "there is a scheduler job $name that deploy.sh did not make: choose another $flag, or take it over with --adopt" ;;
		esac
		[[ $(cut -f 5 <<<"$REPLY") != PAUSED ]] || warn "the job is paused, so $paused: gcloud scheduler jobs resume $name --location=$REGION --project=$PROJECT_ID"
		if [[ $(cut -f 1-4 <<<"$REPLY") == "$schedule	$TIME_ZONE	$topic	$description" ]]; then
			keeps "scheduler job"
			return
		fi
	fi
	if [[ $verb == create ]]; then creates "scheduler job"; else changes "scheduler job"; fi
	change scheduler jobs "$verb" pubsub "${job[@]}" "--schedule=$schedule" "--time-zone=$TIME_ZONE" \
		"--topic=$topic" "--message-body=$message" "--description=$description"
}
