#!/usr/bin/env bash
# From an empty Google Cloud project to a running, watched collector, and back.
# `./deploy.sh help` says how. Needs bash 4.4 or newer, coreutils, sed, grep, awk, and
# gcloud with its alpha and beta commands; curl only for `feed --secops-instance`.
#
# The parts, in the order in which they are used:
#   deploy/settings.sh    flags and variables, their defaults, the help
#   deploy/validate.sh    what is wrong with them
#   deploy/steps.sh       numbered steps; reading and changing through gcloud; dry run
#   deploy/project.sh     login, project, billing, APIs, region and runtime
#   deploy/storage.sh     bucket, token, and who may use them
#   deploy/function.sh    accounts, topic, function, schedule
#   deploy/feed.sh        what SecOps needs to read the bucket
#   deploy/monitor.sh     metrics, alerts and dashboard from the files in deploy/monitoring
#   deploy/operate.sh     is it working: run and status
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

for part in settings validate steps project storage function feed monitor operate destroy; do
	# shellcheck source=/dev/null
	source "deploy/$part.sh"
done

deploy_command() {
	local steps=("${DEPLOY_STEPS[@]}")
	[[ $NO_MONITOR ]] || steps+=("${MONITOR_STEPS[@]}")
	run_steps "${steps[@]}"
	say
	if [[ $DRY_RUN ]]; then
		say "nothing was run"
		return
	fi
	say "$FUNCTION in $PROJECT_ID: $TOTAL_CHANGES change(s), ${SECONDS} s"
	if [[ ! $TRIGGER_NOW ]]; then
		say "  ./deploy.sh run      collects now and shows what came of it"
		say "  ./deploy.sh feed     says what to enter in SecOps"
	fi
}

main() {
	parse_arguments "$@"
	if [[ $COMMAND == help ]]; then
		print_help
		return
	fi
	begin_work
	check_settings
	preflight
	case $COMMAND in
	deploy) deploy_command ;;
	feed) feed_command ;;
	monitor) run_steps "${MONITOR_STEPS[@]}" ;;
	run) run_command ;;
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
