#!/usr/bin/env bash
# Sourced by deploy.sh: metrics from the run's log record, alert policies, dashboard, from
# the files in deploy/monitoring. @NAMES@ in them are filled in here. What is there already
# is known by its display name and this function's mark, and is updated only where the
# hash of its file, kept beside it, differs.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

MONITOR_STEPS=(
	"make_metrics|metrics from the log"
	"make_channel|who is told"
	"make_policies|alert policies"
	"make_dashboard|dashboard"
)

# render prints the file $1 for this function, and sets RENDERED_HASH. It is called
# without a subshell: the text is in RENDERED.
render() {
	local text hash
	text=$(<"$1")
	text=${text//@FUNCTION@/$FUNCTION}
	text=${text//@PROJECT_ID@/$PROJECT_ID}
	text=${text//@REGION@/$REGION}
	text=${text//@SCHEDULER_JOB@/$SCHEDULER_JOB}
	text=${text//@SECRET@/$SECRET}
	text=${text//@LABEL@/$LABEL}
	text=${text//@MARK@/$MARK}
	text=${text//@METRIC@/${FUNCTION//-/_}}
	text=${text//@CHANNELS@/${CHANNELS-}}
	text=${text//@LABELS@/$(json_labels)}
	hash=$(digest <<<"$text")
	RENDERED=${text//@HASH@/$hash}
	RENDERED_HASH=$hash
}

# json_labels prints LABELS as members of a JSON object, each with a comma behind it.
json_labels() {
	local pair
	for pair in ${LABELS//,/ }; do printf ' "%s": "%s",' "${pair%%=*}" "${pair#*=}"; done
}

# updates counts something to change where $1 is set, and else to create.
updates() { if [[ $1 ]]; then changes "$2"; else creates "$2"; fi; }

make_metrics() {
	local file name verb
	for file in deploy/monitoring/metrics/*.json; do
		name=$(basename "$file" .json)
		render "$file"
		verb=create
		if lookup logging metrics describe "$FUNCTION-$name" '--format=value(description)'; then
			verb=update
			[[ $REPLY == *"$MARK"* ]] || die "there is a metric $FUNCTION-$name that deploy.sh did not make: choose another --function"
			if [[ $REPLY == *"$RENDERED_HASH"* ]]; then
				keeps metric
				continue
			fi
		fi
		updates "${verb#create}" metric
		put_file "$FILES/metric-$name.json" "$RENDERED"
		change logging metrics "$verb" "$FUNCTION-$name" "--config-from-file=$FILES/metric-$name.json"
	done
}

# make_channel sets CHANNELS, the members of a JSON list.
make_channel() {
	local channels=() found='' lacking
	[[ ! $NOTIFICATION_CHANNEL ]] || channels+=("$NOTIFICATION_CHANNEL")
	if [[ $ALERT_EMAIL ]]; then
		if lookup beta monitoring channels list "--format=value(name,labels.email_address,userLabels.$LABEL$(label_keys userLabels))"; then
			found=$(awk -F '\t' -v email="$ALERT_EMAIL" -v mark="$FUNCTION" \
				'$2 == email && $3 == mark { print; exit }' <<<"$REPLY")
		fi
		REPLY=${found%%	*}
		lacking=$(lacking "$(cut -f 4- <<<"$found")")
		if [[ ! $found ]]; then
			creates "notification channel"
			INTO=CHANNEL change beta monitoring channels create --type=email "--display-name=$FUNCTION: $ALERT_EMAIL" \
				"--channel-labels=email_address=$ALERT_EMAIL" "--user-labels=$(labels_of)" '--format=value(name)'
			[[ ! $DRY_RUN ]] || REPLY=$NEW_CHANNEL
		elif [[ $lacking ]]; then
			changes "notification channel"
			change beta monitoring channels update "$REPLY" "--update-user-labels=$lacking"
			REPLY=${found%%	*}
		else
			keeps "notification channel"
		fi
		channels+=("$REPLY")
	elif [[ ! $NOTIFICATION_CHANNEL ]]; then
		say "      nobody: incidents are only shown in the console; --alert-email ADDRESS changes that"
	fi
	CHANNELS=
	((${#channels[@]} == 0)) || CHANNELS=$(printf '"%s", ' "${channels[@]}")
	CHANNELS=${CHANNELS%, }
}

# NEW_CHANNEL stands, in the files of a transcript, for the channel that it makes.
NEW_CHANNEL=@CHANNEL@

# put_policy writes a policy for a command; in a transcript, with the channel that it made.
put_policy() {
	put_file "$1" "$RENDERED"
	# shellcheck disable=SC2016
	[[ ! $DRY_RUN || $RENDERED != *"$NEW_CHANNEL"* ]] || printf 'sed -i.bak "s|%s|$CHANNEL|" "%s"\n' "$NEW_CHANNEL" "$1"
}

# marked prints name and hash of what the list in $1 holds under the display name $2 with
# this function's mark.
marked() {
	awk -F '\t' -v title="$2" -v mark="$FUNCTION" '$2 == title && $3 == mark { print $1 "\t" $4; exit }' <<<"$1"
}

display_name() { sed -n 's/^  "displayName": "\(.*\)",$/\1/p' <<<"$RENDERED"; }

# The policies' commands are alpha in the gcloud releases that are still in use.
make_policies() {
	local file name existing found
	existing=''
	if lookup alpha monitoring policies list "--format=value(name,displayName,userLabels.$LABEL,userLabels.config_hash)"; then
		existing=$REPLY
	fi
	for file in deploy/monitoring/policies/*.json; do
		name=$(basename "$file" .json)
		render "$file"
		found=$(marked "$existing" "$(display_name)")
		if [[ ${found#*	} == "$RENDERED_HASH" ]]; then
			keeps "alert policy"
			continue
		fi
		updates "$found" "alert policy"
		put_policy "$FILES/policy-$name.json"
		if [[ $found ]]; then
			change alpha monitoring policies update "${found%%	*}" "--policy-from-file=$FILES/policy-$name.json"
		else
			change alpha monitoring policies create "--policy-from-file=$FILES/policy-$name.json"
		fi
	done
}

make_dashboard() {
	local found=''
	render deploy/monitoring/dashboard.json
	if lookup monitoring dashboards list "--format=value(name,displayName,labels.$LABEL,labels.config_hash)"; then
		found=$(marked "$REPLY" "$(display_name)")
	fi
	if [[ ${found#*	} == "$RENDERED_HASH" ]]; then
		keeps dashboard
		return
	fi
	updates "$found" dashboard
	put_file "$FILES/dashboard.json" "$RENDERED"
	if [[ $found ]]; then
		change monitoring dashboards update "${found%%	*}" "--config-from-file=$FILES/dashboard.json"
	else
		change monitoring dashboards create "--config-from-file=$FILES/dashboard.json"
	fi
}
