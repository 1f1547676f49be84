#!/usr/bin/env bash
# From an empty Google Cloud project to a running, watched collector, and back.
# `./deploy.sh help` says how. Needs bash 4.4 or newer, coreutils, sed, grep, awk, and
# gcloud with its alpha and beta commands; curl only for `feed --secops-instance`.
#
# The parts, in the order in which they are used:
#   deploy/settings.sh    flags and variables, their defaults, the help
#   deploy/validate.sh    what is wrong with them
#   deploy/steps.sh       numbered steps; reading and changing through gcloud; dry run
#   deploy/plan.sh        what is to be done: a summary, and the script of a dry run
#   deploy/project.sh     login, project, billing, APIs, region and runtime
#   deploy/policies.sh    what the organisation's policies would refuse
#   deploy/keys.sh        customer-managed keys, and Google's services that use them
#   deploy/storage.sh     bucket, token, and who may use them
#   deploy/function.sh    accounts, topic, function, schedule
#   deploy/feed.sh        what SecOps needs to read the bucket
#   deploy/monitor.sh     metrics, alerts and dashboard from the files in deploy/monitoring
#   deploy/operate.sh     is it working: run and status
#   deploy/env.sh         the settings for netskope-alerts
#   deploy/destroy.sh     the way back
set -Eeuo pipefail
shopt -u patsub_replacement 2>/dev/null || true # "&" in a replacement means "&", as in bash before 5.2

if ((BASH_VERSINFO[0] < 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] < 4))); then
	echo "deploy.sh needs bash 4.4 or newer; this is $BASH_VERSION" >&2
	exit 1
fi
CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
export CALLED_FROM

for part in settings validate steps plan project policies keys storage function feed monitor operate env destroy; do
	# shellcheck source=/dev/null
	source "deploy/$part.sh"
done

deploy_command() {
	local steps=("${DEPLOY_STEPS[@]}")
	[[ $NO_MONITOR ]] || steps+=("${MONITOR_STEPS[@]}")
	run_steps "${steps[@]}"
	[[ ! $DRY_RUN ]] || return 0
	say
	say "$FUNCTION in $PROJECT_ID: $TOTAL_CHANGES change(s), ${SECONDS} s"
	print_summary created changed
	if [[ $NETWORK$SUBNET && $EGRESS == all ]]; then
		say "  the function calls through ${SUBNET:-$NETWORK}: without a Cloud NAT it reaches neither the tenant nor,"
		say "  without Private Google Access, the bucket"
	fi
	if [[ ! $TRIGGER_NOW ]]; then
		say "  ./deploy.sh run      collects now and shows what came of it"
		say "  ./deploy.sh feed     says what to enter in SecOps"
	fi
}

monitor_command() { run_steps "${MONITOR_STEPS[@]}"; }

main() {
	parse_arguments "$@"
	if [[ $COMMAND == help ]]; then
		print_help
		return
	fi
	begin_work
	check_settings
	preflight
	check_project
	case $COMMAND in
	deploy | feed | monitor) planned "${COMMAND}_command" ;;
	run) run_command ;;
	env) env_command ;;
	status) status_command ;;
	destroy) destroy_command ;;
	esac
	if [[ $COMMAND == deploy && $TRIGGER_NOW && ! $DRY_RUN ]]; then
		run_command
	fi
}

# Every failure that is expected says so itself.
trap 'printf "deploy.sh: unexpected failure in %s, line %s\n" "${BASH_SOURCE[0]}" "$LINENO" >&2' ERR
main "$@"
