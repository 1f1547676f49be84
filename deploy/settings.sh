#!/usr/bin/env bash
# Sourced by deploy.sh: the settings, from flags and the environment, and the help.
#
# A setting is a variable; its flag is the name in lower case with dashes. A flag
# overrules the environment. The function's own variables keep their names.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

SETTINGS=(
	PROJECT_ID REGION FUNCTION TOPIC SCHEDULER_JOB SCHEDULE TIME_ZONE RUNTIME MEMORY TIMEOUT
	RUN_SERVICE_ACCOUNT TRIGGER_SERVICE_ACCOUNT BUILD_SERVICE_ACCOUNT SECRET
	BUCKET_LOCATION BUCKET_MAX_AGE_DAYS SECRET_LOCATIONS KMS_KEY
	NETWORK SUBNET EGRESS LABELS AUDIT_SCHEDULE AUDIT_JOB
	FEED_SERVICE_ACCOUNT SECOPS_INSTANCE FEED_LOG_TYPE FEED_MAX_AGE_DAYS FEED_NAME
	ALERT_EMAIL NOTIFICATION_CHANNEL
	GCS_BUCKET GCS_PREFIX STATE_KEY NETSKOPE_TENANT NETSKOPE_DOMAIN NETSKOPE_API_TOKEN_FILE
	STREAMS EVENTS_PREFIX
	MAX_RECORDS PAGE_SIZE LOOKBACK_HOURS LAG BUDGET REQUESTS_PER_SECOND IN_FLIGHT
	TIME_FIELD COMPRESSION LOG_LEVEL
)

# What the function reads besides GCS_BUCKET, NETSKOPE_TENANT and the token's file: it
# is given those that are set, and has its own defaults for the others.
FUNCTION_SETTINGS=(
	STREAMS EVENTS_PREFIX
	GCS_PREFIX STATE_KEY MAX_RECORDS PAGE_SIZE LOOKBACK_HOURS LAG BUDGET TIME_FIELD
	COMPRESSION REQUESTS_PER_SECOND IN_FLIGHT LOG_LEVEL NETSKOPE_DOMAIN
)

NO_WINDOW="no longer exists: the grid of cells is fixed; nothing configures it. What is left to set is LAG (--lag), how far a run stays behind the present, and when it runs (--schedule)"

MOUNTED_TOKEN=/secrets/netskope-api-token

print_help() {
	cat <<'HELP'
Sets up the Netskope alert collector in a Google Cloud project, or takes it away
again.

  ./deploy.sh [deploy]   create or update everything, monitoring included
  ./deploy.sh feed       grant the SecOps feed its access and say what to enter
  ./deploy.sh monitor    metrics, alert policies and dashboard only
  ./deploy.sh run        collect now, wait for the run's record and show it
  ./deploy.sh status     what exists, the last run, the next one
  ./deploy.sh env        the settings that netskope-alerts needs, for your shell
  ./deploy.sh destroy    remove what deploy made; bucket and secret stay
                         without --with-data
  ./deploy.sh help

Running it again changes only what differs; after a failure it continues where
it was. It ends with 0 if all went well, 1 if something failed, and 2 if the
command line or a setting will not do: then nothing was done.

Examples

  ./deploy.sh --project-id my-project --gcs-bucket my-alerts \
      --netskope-tenant https://acme.goskope.com    # asks for the token
  ./deploy.sh ... --token-file - <token             # or reads it
  ./deploy.sh ... --dry-run                         # only shows the commands
  ./deploy.sh --project-id my-project --gcs-bucket my-alerts feed \
      --feed-service-account EMAIL                  # the one that SecOps shows
  ./deploy.sh --project-id my-project status

Settings: a flag, or the variable that it is named after
(--gcs-bucket is GCS_BUCKET)

  --project-id ID            the project; default: that of `gcloud config`
  --gcs-bucket NAME          bucket for alerts, made if missing   (required)
  --netskope-tenant URL      https://acme.goskope.com (required to deploy)
  --token-file FILE          the tenant's API token; - is standard input. Needed
                             until the secret holds one, and to rotate it
                             (NETSKOPE_API_TOKEN_FILE)
  --ask-token                ask for a token though the secret holds one:
                             rotation
  --region REGION            default us-central1
  --bucket-location PLACE    default: the region
  --bucket-max-age-days N    delete objects in the feed's folder after N days;
                             default: keep them. Ledger, state and quarantine,
                             beside it, stay
  --schedule CRON            default '0 * * * *'; --time-zone, default Etc/UTC
  --audit-schedule CRON      audit the last 48 hours, as in '30 3 * * *': what
                             is missing is delivered. Default: none; off removes
                             it
  --kms-key KEY[,KEY]        projects/P/locations/L/keyRings/R/cryptoKeys/K:
                             encrypts bucket and secret; one key in the location
                             of each. Google's services are granted its use
  --secret-locations L[,L]   where the secret is kept; default: wherever Google
                             likes, or where the key is
  --network NAME, --subnet NAME
                             the function calls through this VPC network (Direct
                             VPC egress). --egress all (default) or
                             private-ranges-only. For an address that stays the
                             same, give the network a Cloud NAT
  --labels K=V[,K=V]         on everything that takes labels
  --memory SIZE              default 256Mi
  --timeout SECONDS          default and limit 540
  --runtime NAME             default go126
  --alert-email ADDRESS      is told when something is wrong
  --notification-channel N   an existing channel:
                             projects/P/notificationChannels/N
  --function --topic --scheduler-job --audit-job --secret
  --run-service-account --trigger-service-account --build-service-account
                             names; an account with an @ is used as it is, not
                             created
  --streams LIST             what is collected, with commas: alert (default),
                             application, audit, infrastructure, network, page.
                             All but alerts go to a folder each below
                             --events-prefix, default netskope/events
The function's own, see docs/settings.md: --gcs-prefix --state-key --max-records
  --page-size --lookback-hours --lag --budget --requests-per-second --in-flight
  --time-field --compression --log-level --netskope-domain

  --feed-service-account EMAIL
                             the account that SecOps shows for the feed; it is
                             granted read access. --feed-deletes: the feed
                             deletes what it has read
  --feed-event-driven        feed: the bucket announces each object to the feed,
                             which need not look for them: a topic, one
                             subscription, a notification
  --feed-log-type TYPE       NETSKOPE_ALERT_V2 (default) or NETSKOPE_ALERT
  --feed-max-age-days N      default 30, limit 180
  --secops-instance NAME     projects/P/locations/L/instances/ID: create the
                             feed there

Switches

  --dry-run       print the commands, ready to paste in this directory; change
                  nothing. With gcloud and a login it reads, and prints what is
                  missing; without them deploy, feed and monitor take the
                  project for empty, and status, env and destroy, which have to
                  look, end with 1
  --force         deploy the function though neither source nor settings changed
  --adopt         take over a function or job of this name that deploy.sh did
                  not make
  --no-monitor    leave monitoring out
  --trigger-now   end with a run
  --with-data     destroy: the bucket with all alerts, and the secret, too
  --yes           destroy and feed: do not ask
HELP
}

parse_arguments() {
	COMMAND=
	DRY_RUN='' FORCE='' ADOPT='' NO_MONITOR='' TRIGGER_NOW='' WITH_DATA='' YES='' ASK_TOKEN=''
	FEED_DELETES=${FEED_DELETES:-} FEED_EVENT_DRIVEN=${FEED_EVENT_DRIVEN:-}
	local argument name value
	while (($#)); do
		argument=$1
		shift
		case $argument in
		-h | --help) COMMAND=help ;;
		--dry-run) DRY_RUN=1 ;;
		--force) FORCE=1 ;;
		--adopt) ADOPT=1 ;;
		--no-monitor) NO_MONITOR=1 ;;
		--trigger-now) TRIGGER_NOW=1 ;;
		--with-data) WITH_DATA=1 ;;
		--yes) YES=1 ;;
		--ask-token) ASK_TOKEN=1 ;;
		--feed-deletes) FEED_DELETES=1 ;;
		--feed-event-driven) FEED_EVENT_DRIVEN=1 ;;
		--?*)
			name=${argument%%=*}
			name=${name#--}
			case $name in
			project) name=project-id ;;
			bucket) name=gcs-bucket ;;
			tenant) name=netskope-tenant ;;
			token-file) name=netskope-api-token-file ;;
			window) usage_error "--window $NO_WINDOW" ;;
			esac
			name=${name//-/_}
			name=${name^^}
			if ! is_setting "$name"; then
				value=$(misspelt "${SETTINGS[@]}" <<<"$name")
				value=${value##* }
				value=${value//_/-}
				if is_switch "$name"; then usage_error "${argument%%=*} takes no value: type it alone"; fi
				usage_error "there is no flag ${argument%%=*}${value:+: type --${value,,}, if you mean that}"
			fi
			if [[ $argument == *=* ]]; then
				value=${argument#*=}
			else
				(($#)) || usage_error "$argument wants a value"
				value=$1
				shift
			fi
			printf -v "$name" %s "$value"
			;;
		deploy | feed | monitor | run | status | env | destroy | help)
			[[ -z $COMMAND || $COMMAND == help ]] || usage_error "both $COMMAND and $argument: one thing at a time"
			[[ $COMMAND ]] || COMMAND=$argument
			;;
		*)
			usage_error "there is no command '$argument': type one of deploy, feed, monitor, run, status, env, destroy, or a flag with -- before it"
			;;
		esac
	done
	COMMAND=${COMMAND:-deploy}
	set_defaults
}

is_setting() {
	local name
	for name in "${SETTINGS[@]}"; do
		[[ $name != "$1" ]] || return 0
	done
	return 1
}

is_switch() {
	case $1 in
	HELP | DRY_RUN | FORCE | ADOPT | NO_MONITOR | TRIGGER_NOW | WITH_DATA | YES | ASK_TOKEN) ;;
	FEED_DELETES | FEED_EVENT_DRIVEN) ;;
	*) return 1 ;;
	esac
}

# flag_of prints the flag that sets the setting $1.
flag_of() {
	local name=${1,,}
	[[ $1 != NETSKOPE_API_TOKEN_FILE ]] || name=token-file
	printf -- '--%s' "${name//_/-}"
}

usage_error() {
	printf 'deploy.sh: %s; ./deploy.sh help shows what there is\n' "$1" >&2
	exit 2
}

set_defaults() {
	local name
	for name in "${SETTINGS[@]}"; do
		printf -v "$name" %s "$(trim "${!name-}")"
		export -n "${name?}" # gcloud has no use for them
	done
	REGION=${REGION:-us-central1}
	FUNCTION=${FUNCTION:-netskope-alerts-collector}
	TOPIC=${TOPIC:-netskope-alerts-trigger}
	SCHEDULER_JOB=${SCHEDULER_JOB:-netskope-alerts-collector-hourly}
	SCHEDULE=${SCHEDULE:-0 * * * *}
	TIME_ZONE=${TIME_ZONE:-Etc/UTC}
	RUNTIME=${RUNTIME:-go126}
	MEMORY=${MEMORY:-256Mi}
	TIMEOUT=${TIMEOUT:-540}
	TIMEOUT=${TIMEOUT%s}
	RUN_SERVICE_ACCOUNT=${RUN_SERVICE_ACCOUNT:-netskope-alerts-collector}
	TRIGGER_SERVICE_ACCOUNT=${TRIGGER_SERVICE_ACCOUNT:-netskope-alerts-trigger}
	BUILD_SERVICE_ACCOUNT=${BUILD_SERVICE_ACCOUNT:-netskope-alerts-build}
	SECRET=${SECRET:-netskope-api-token}
	BUCKET_LOCATION=${BUCKET_LOCATION:-$REGION}
	SECRET_LOCATIONS=${SECRET_LOCATIONS// /}
	KMS_KEY=${KMS_KEY// /}
	LABELS=${LABELS// /}
	EGRESS=${EGRESS:-all}
	AUDIT_JOB=${AUDIT_JOB:-$FUNCTION-audit}
	FEED_LOG_TYPE=${FEED_LOG_TYPE:-NETSKOPE_ALERT_V2}
	FEED_MAX_AGE_DAYS=${FEED_MAX_AGE_DAYS:-30}
	FEED_NAME=${FEED_NAME:-Netskope alerts}
	FEED_TOPIC=$FUNCTION-feed # and the subscription of an event-driven feed
	if [[ $NETSKOPE_API_TOKEN_FILE && $NETSKOPE_API_TOKEN_FILE != [-/]* ]]; then
		NETSKOPE_API_TOKEN_FILE=$CALLED_FROM/$NETSKOPE_API_TOKEN_FILE
	fi
}

# trim prints $1 without white space at its ends.
trim() {
	local text=$1
	text=${text#"${text%%[![:space:]]*}"}
	text=${text%"${text##*[![:space:]]}"}
	printf %s "$text"
}
