#!/usr/bin/env bash
# Sourced by deploy.sh: is it working?

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

OUTCOMES='jsonPayload.message=("run finished" OR "run failed" OR "configuration refused" OR "message refused")'
RECORD_FIELDS=(
	message event stream from through cells alerts bytes objects cells_existing cells_covered cells_split requests
	pages retries duplicates undated id_clashes quarantined state_races state_trouble objects_gone objects_gone_names
	ledger_strange clock_skew_seconds lag_seconds lateness_p50_seconds
	lateness_p99_seconds lateness_max_seconds caught_up stopped duration_seconds error
)

# record_format asks for the fields one below the other: a JSON text may hold tabs.
record_format() {
	local field keys=severity
	for field in "${RECORD_FIELDS[@]}"; do keys+=",jsonPayload.$field"; done
	printf '%s' "--format=value[separator='\n'](timestamp,$keys)"
}

log_filter() { printf 'resource.type="cloud_run_revision" AND resource.labels.service_name="%s" AND %s' "$FUNCTION" "$1"; }

print_record() {
	local values i
	mapfile -t values <<<"$1"
	say "  $(printf '%-22s' time)${values[0]-}"
	say "  $(printf '%-22s' severity)${values[1]-}"
	for i in "${!RECORD_FIELDS[@]}"; do
		[[ ! ${values[i + 2]-} ]] || say "  $(printf '%-22s' "${RECORD_FIELDS[i]}")${values[i + 2]}"
	done
}

run_command() {
	local id streams of said failed='' began=$SECONDS
	if [[ $DRY_RUN ]]; then
		print_command gcloud pubsub topics publish "$TOPIC" '--message={}' "--project=$PROJECT_ID"
		print_command gcloud logging read "$(log_filter "$OUTCOMES")" --limit=1 --freshness=1h "--project=$PROJECT_ID"
		return
	fi
	lookup functions describe "$FUNCTION" --gen2 "--region=$REGION" \
		'--format=value(state,serviceConfig.environmentVariables.STREAMS)' ||
		die "there is no function $FUNCTION in $REGION: deploy first"
	streams=$(cut -s -f 2 <<<"$REPLY")
	REPLY=$(cut -f 1 <<<"$REPLY")
	[[ $REPLY == ACTIVE ]] || die "function $FUNCTION is $REPLY, not ACTIVE: ./deploy.sh --force deploys it again"
	lookup pubsub topics describe "$TOPIC" '--format=value(name)' || die "there is no topic $TOPIC: run ./deploy.sh again"
	change pubsub topics publish "$TOPIC" '--message={}' '--format=value(messageIds[0])'
	id=$REPLY
	say "published tick $id to $TOPIC; waiting for the run's record (a run takes up to its BUDGET)"
	read -ra streams <<<"${streams//,/ }"
	((${#streams[@]} > 1)) || streams=('')
	for of in "${streams[@]}"; do
		of=${of,,}
		await_record "$id" "$began" "${of:+jsonPayload.stream=\"$of\"}"
		said=$(sed -n 3p <<<"$REPLY")
		say
		print_record "$REPLY"
		[[ $said == "run finished" ]] || failed+="${failed:+, }${of:+$of: }$said"
		# Then there is one record for all of them.
		[[ $said != *refused ]] || break
	done
	say
	if [[ $failed ]]; then
		die "$failed: error above says why"
	fi
	say "it works: the run finished"
}

# await_record waits, since second $2, for the record of the tick $1, which is for the stream that the
# filter $3 names, or for all of them, and leaves it in REPLY.
await_record() {
	local waited limit=${RUN_SECONDS:-660} one="jsonPayload.event=\"$1\" AND $OUTCOMES"
	[[ ! $3 ]] || one="jsonPayload.event=\"$1\" AND (($3 AND $OUTCOMES) OR jsonPayload.message=(\"configuration refused\" OR \"message refused\"))"
	while :; do
		lookup logging read "$(log_filter "$one")" --limit=1 --freshness=1h "$(record_format)" || true
		[[ ! $REPLY ]] || return 0
		waited=$((SECONDS - $2))
		((waited < limit)) || no_record "$1" "$waited"
		sleep "${POLL_SECONDS:-5}"
	done
}

# no_record says what is wrong if a tick led to nothing.
no_record() {
	local id=$1 waited=$2 why=()
	if lookup pubsub subscriptions list '--format=value(name,topic)'; then
		grep -q "/topics/$TOPIC\$" <<<"$REPLY" || why+=("nothing is subscribed to $TOPIC: the function's trigger is gone; ./deploy.sh --force makes it again")
	fi
	name_accounts
	if lookup run services get-iam-policy "$FUNCTION" "--region=$REGION" \
		'--flatten=bindings[].members' '--format=value(bindings.role,bindings.members)'; then
		grep -qx "roles/run.invoker	serviceAccount:$TRIGGER_EMAIL" <<<"$REPLY" ||
			why+=("$TRIGGER_EMAIL may not call the service; ./deploy.sh grants it")
	fi
	if lookup logging read "$(log_filter 'severity>=WARNING')" --limit=5 --freshness=1h \
		'--format=value(timestamp,severity,textPayload,jsonPayload.error)' && [[ $REPLY ]]; then
		why+=("the service's last warnings are:"$'\n'"$REPLY")
	fi
	((${#why[@]})) || why+=("nothing looks wrong; the record may come late: ./deploy.sh status shows it then")
	die "no record of tick $id after $waited s: $(printf '%s; ' "${why[@]}")"
}

show() { say "$(printf '  %-12s %s' "$1" "$2")"; }

# show_job shows the job $2 as $1, or $3 if there is none.
show_job() {
	if lookup scheduler jobs describe "$2" "--location=$REGION" \
		'--format=value(state,schedule,timeZone,scheduleTime)'; then
		show "$1" "$(awk -F '\t' '{ print $1 ", " $2 " (" $3 "), next " $4 }' <<<"$REPLY")"
	else
		show "$1" "$3"
	fi
}

# status shows what exists; it changes nothing and needs no bucket to be named.
status_command() {
	name_accounts
	say "$FUNCTION in $PROJECT_ID, $REGION"
	if lookup functions describe "$FUNCTION" --gen2 "--region=$REGION" "--format=value(state,updateTime,labels.$LABEL,buildConfig.runtime)"; then
		show function "$(cut -f 1-3 <<<"$REPLY" | tr '\t' ' ')"
		runtime_age "$(cut -f 4 <<<"$REPLY")" '' || REPLY="$REPLY; deploy with a newer --runtime"
		show runtime "$REPLY"
	else
		show function "does not exist"
	fi
	if lookup pubsub topics describe "$TOPIC" '--format=value(name)'; then
		show topic "$TOPIC"
	else
		show topic "does not exist"
	fi
	if lookup secrets describe "$SECRET" '--format=value(createTime)'; then
		show secret "$SECRET"
	else
		show secret "does not exist"
	fi
	if [[ $GCS_BUCKET ]]; then
		find_bucket
		if [[ $BUCKET_FOUND ]]; then show bucket "gs://$GCS_BUCKET"; else show bucket "does not exist"; fi
	fi
	show_job schedule "$SCHEDULER_JOB" "does not exist"
	show_job audits "$AUDIT_JOB" "none; --audit-schedule '30 3 * * *' makes them"
	for topic in "$FEED_TOPIC" "$FEED_TOPIC-events"; do
		if lookup pubsub subscriptions describe "$topic" '--format=value(name)'; then show "feed events" "$topic"; fi
	done
	if lookup logging read "$(log_filter "$OUTCOMES")" --limit=1 --freshness=7d "$(record_format)" && [[ $REPLY ]]; then
		say "last run"
		print_record "$REPLY"
	else
		say "no run in the last 7 days"
	fi
	((${#OFF[@]} == 0)) || say "APIs that are not enabled, and so have nothing to show: ${!OFF[*]}"
}
