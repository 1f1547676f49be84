#!/usr/bin/env bash
# Sourced by deploy.sh: the settings with which the function runs, for netskope-alerts.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# env_command prints, for a shell to read, what netskope-alerts needs to know of what is
# deployed: as the function has it, not as it was typed here. The token is left out: what
# only looks at the bucket needs none, and whoever needs it fetches it with a command.
env_command() {
	local names=(GCS_BUCKET NETSKOPE_TENANT "${FUNCTION_SETTINGS[@]}") name values i keys='' given=() absent=() fetch
	for name in "${names[@]}"; do keys+=",serviceConfig.environmentVariables.$name"; done
	lookup functions describe "$FUNCTION" --gen2 "--region=$REGION" "--format=value[separator='\n'](${keys#,})" ||
		die "there is no function $FUNCTION in $REGION: name another with --function and --region, or deploy first"
	mapfile -t values <<<"$REPLY"
	for i in "${!names[@]}"; do
		if [[ ${values[i]-} ]]; then
			given+=("${names[i]}=${values[i]}")
		else
			absent+=("${names[i]}")
		fi
	done
	given+=("NETSKOPE_ALERTS_TOPIC=projects/$PROJECT_ID/topics/$TOPIC")
	# Those of an emulator, as the demo sets them, would lead past the deployed bucket.
	absent+=(STORAGE_EMULATOR_HOST PUBSUB_EMULATOR_HOST)
	fetch=$(print_command gcloud secrets versions access latest "--secret=$SECRET" "--project=$PROJECT_ID")
	printf '# %s in %s, for netskope-alerts in this shell:\n' "$FUNCTION" "$PROJECT_ID"
	printf '#   ./deploy.sh --project-id %s env >environment.sh && . ./environment.sh\n' "$PROJECT_ID"
	printf '#   gcloud auth application-default login    once, to be let into the bucket\n'
	printf 'unset %s\n' "${absent[*]}"
	for name in "${given[@]}"; do
		printf "export %s='%s'\n" "${name%%=*}" "$(single_quoted "${name#*=}")"
	done
	cat <<END

# status, find and state need no token. Before check, collect, verify or backfill:
#   netskope_alerts_token
netskope_alerts_token() {
	NETSKOPE_API_TOKEN=\$($fetch) &&
		export NETSKOPE_API_TOKEN && unset NETSKOPE_API_TOKEN_FILE
}

# Afterwards: netskope_alerts_off
netskope_alerts_off() {
	unset ${given[*]%%=*} NETSKOPE_API_TOKEN
	unset -f netskope_alerts_token netskope_alerts_off
}
END
}

# single_quoted prints $1 as it stands between single quotes.
single_quoted() {
	local quote="'\\''"
	printf %s "${1//\'/$quote}"
}
