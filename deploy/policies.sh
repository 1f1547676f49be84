#!/usr/bin/env bash
# Sourced by deploy.sh: what the organisation's policies would refuse, found before the
# first change.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# The constraints that can stand in the way, and what judges the policy in effect. Those
# on uniform access to buckets, on public access, on unauthenticated calls, on keys of
# service accounts and on the rights of default accounts are not here: whatever they say,
# deploy.sh keeps to it.
ORG_POLICIES=(
	"gcp.resourceLocations|judge_locations"
	"gcp.restrictServiceUsage|judge_services"
	"gcp.restrictNonCmekServices|judge_required_keys"
	"gcp.restrictCmekCryptoKeyProjects|judge_key_projects"
	"iam.allowedPolicyMemberDomains|judge_domains"
	"iam.disableServiceAccountCreation|judge_accounts"
	"storage.retentionPolicySeconds|judge_retention"
	"cloudfunctions.allowedIngressSettings|judge_function_ingress"
	"cloudfunctions.restrictAllowedGenerations|judge_generation"
	"run.allowedIngress|judge_ingress"
	"run.allowedVPCEgress|judge_egress"
	"run.allowedBinaryAuthorizationPolicies|judge_binary_authorization"
	"cloudbuild.allowedWorkerPools|judge_worker_pools"
	"cloudscheduler.allowedTargetTypes|judge_scheduler"
)

# SECOPS_CUSTOMER is the organisation to which the accounts of SecOps feeds belong
# (Google SecOps, feed management, domain restricted sharing).
SECOPS_CUSTOMER=C02h8e9nw

# check_policies asks for the policies in effect, some at a time. A project without an
# organisation has none.
check_policies() {
	local entry constraint running=0 unread='' why='' wanted=("${ORG_POLICIES[@]}")
	[[ $CAN_READ && $ORGANISATION ]] || return 0
	[[ $COMMAND != feed ]] || wanted=("iam.allowedPolicyMemberDomains|judge_domains")
	for entry in "${wanted[@]}"; do
		constraint=${entry%%|*}
		gcloud resource-manager org-policies describe "$constraint" --effective \
			"--format=value[separator='\n'](booleanPolicy.enforced,listPolicy.allValues,listPolicy.allowedValues,listPolicy.deniedValues)" \
			"--project=$PROJECT_ID" >"$PRIVATE/policy-$constraint" 2>"$PRIVATE/policy-$constraint.stderr" </dev/null &
		running=$((running + 1))
		if ((running >= 4)); then wait -n || true; fi
	done
	wait
	for entry in "${wanted[@]}"; do
		constraint=${entry%%|*}
		if [[ -s $PRIVATE/policy-$constraint ]]; then
			mapfile -t POLICY <"$PRIVATE/policy-$constraint"
			"${entry#*|}" "$constraint"
		elif ! grep -qE 'INVALID_ARGUMENT|NOT_FOUND' "$PRIVATE/policy-$constraint.stderr"; then
			unread+="${unread:+, }$constraint"
			why=$(tr -s '\n\t ' ' ' <"$PRIVATE/policy-$constraint.stderr" | tail -c 300)
		fi
	done
	if [[ $unread ]]; then
		warn "could not read the organisation's policies on $unread ($why): what they forbid shows only when it is refused; Organization Policy Viewer (roles/orgpolicy.policyViewer) may read them"
	fi
}

# refused notes that the constraint $1 forbids what is said in $2, and the remedy $3.
refused() {
	problem "organisation policy $1 $2: $3, or ask for an exception for $PROJECT_ID"
}

enforced() { [[ ${POLICY[0],,} == true ]]; }

# permits tells whether the list last read lets the value $1 pass.
permits() {
	if [[ ${POLICY[1]-} == DENY ]] || in_list "$1" "${POLICY[3]-}"; then return 1; fi
	[[ ! ${POLICY[2]-} ]] || in_list "$1" "${POLICY[2]}"
}

# restricted tells whether the list last read keeps anything out.
restricted() { [[ ${POLICY[1]-} != ALLOW && ${POLICY[1]-}${POLICY[2]-}${POLICY[3]-} ]]; }

in_list() {
	local item
	for item in ${2//;/ }; do
		[[ ${item#is:} != "$1" ]] || return 0
	done
	return 1
}

# allowed prints the list's values for people.
allowed() {
	if [[ ${POLICY[2]-} ]]; then
		printf 'it allows %s' "${POLICY[2]//;/, }"
	elif [[ ${POLICY[3]-} ]]; then
		printf 'it denies %s' "${POLICY[3]//;/, }"
	else
		printf 'it denies all'
	fi
}

judge_locations() {
	judge_location "$1" "$REGION" "the region $REGION" "choose another --region"
	find_bucket
	if [[ ! $BUCKET_FOUND ]]; then
		judge_location "$1" "${BUCKET_LOCATION,,}" "the bucket's location $BUCKET_LOCATION" "choose another --bucket-location"
	fi
	local place places
	places=$(secret_places)
	for place in $places; do
		judge_location "$1" "$place" "$place, where the secret is to be kept" "choose other --secret-locations"
	done
	if [[ ! $places ]] && ! lookup_unless_off secrets describe "$SECRET" '--format=value(name)'; then
		judge_location "$1" global "a secret that is kept wherever Google likes" "add --secret-locations $REGION"
	fi
}

# judge_location says whether the place $2 is allowed, in the words $3, and the remedy $4.
judge_location() {
	local item unknown=''
	permits "$2" && return
	if [[ ${POLICY[1]-} != DENY ]] && ! in_list "$2" "${POLICY[3]-}"; then
		for item in ${POLICY[2]//;/ }; do
			[[ $item == in:* ]] || continue
			case $(group_has "${item#in:}" "$2") in
			yes) return 0 ;;
			unknown) unknown=$item ;;
			esac
		done
	fi
	if [[ $unknown ]]; then
		warn "organisation policy $1 allows $unknown: whether $3 is among them only Google knows"
	else
		refused "$1" "does not allow $3 ($(allowed))" "$4"
	fi
}

# group_has says whether the group of locations $1 has the place $2: yes, no or unknown.
# https://cloud.google.com/resource-manager/docs/organization-policy/defining-locations
group_has() {
	case $1:$2 in
	"$2-locations:$2") echo yes ;;
	us-locations:us | us-locations:us-* | us-locations:nam[0-9]*) echo yes ;;
	eu-locations:europe-west2 | eu-locations:europe-west6) echo no ;;
	eu-locations:eu | eu-locations:europe-* | eu-locations:eur[0-9]*) echo yes ;;
	europe-locations:eu | europe-locations:europe-* | europe-locations:eur[0-9]*) echo yes ;;
	asia-locations:asia | asia-locations:asia-* | asia-locations:asia[0-9]*) echo yes ;;
	australia-locations:australia-*) echo yes ;;
	canada-locations:northamerica-northeast[12]) echo yes ;;
	us-locations:* | eu-locations:* | europe-locations:*) echo no ;;
	asia-locations:* | australia-locations:* | canada-locations:*) echo no ;;
	*-*[0-9]-locations:*) echo no ;;
	*) echo unknown ;;
	esac
}

judge_services() {
	local api
	for api in "${APIS[@]}"; do
		permits "$api" ||
			refused "$1" "does not allow $api ($(allowed))" "the collector cannot do without it; have it allowed"
	done
}

judge_required_keys() {
	local service
	for service in storage secretmanager; do
		permits "$service.googleapis.com" || [[ $KMS_KEY ]] ||
			refused "$1" "wants a customer-managed key for $service.googleapis.com" "add --kms-key"
	done
	for service in artifactregistry cloudfunctions eventarc logging pubsub run; do
		permits "$service.googleapis.com" ||
			refused "$1" "wants a customer-managed key for $service.googleapis.com, and deploy.sh encrypts only bucket and secret with one" "have this service taken out for the project"
	done
}

judge_key_projects() {
	local key project
	for key in ${KMS_KEY//,/ }; do
		project=${key#projects/}
		project=${project%%/*}
		permits "projects/$project" || in_list "under:projects/$project" "${POLICY[2]-}" && continue
		if [[ ${POLICY[2]-} == *under:folders/* || ${POLICY[2]-} == *under:organizations/* ]]; then
			warn "organisation policy $1 ($(allowed)): whether $project is below that only Google knows"
		else
			refused "$1" "does not allow keys of the project $project ($(allowed))" "take a --kms-key of another project"
		fi
	done
}

judge_domains() {
	permits "$SECOPS_CUSTOMER" && return
	if [[ $FEED_SERVICE_ACCOUNT ]]; then
		refused "$1" "lets no account of SecOps be granted anything ($(allowed))" "have its administrator run: gcloud resource-manager org-policies allow $1 $SECOPS_CUSTOMER --project=$PROJECT_ID"
	else
		say "note: organisation policy $1 would refuse the feed's account later ($(allowed)); ./deploy.sh feed --feed-service-account EMAIL says what to do"
	fi
}

judge_accounts() {
	local name
	enforced || return 0
	name_accounts
	for name in RUN TRIGGER BUILD; do
		local setting=${name}_SERVICE_ACCOUNT email=${name}_EMAIL
		[[ ${!setting} != *@* ]] || continue
		lookup_unless_off iam service-accounts describe "${!email}" '--format=value(email)' && continue
		refused "$1" "forbids to create the account ${!email}" "have one made and name it with --${name,,}-service-account EMAIL"
	done
}

judge_retention() {
	restricted || return 0
	find_bucket
	[[ ! $BUCKET_FOUND ]] || return 0
	refused "$1" "wants a retention policy on new buckets ($(allowed)), under which the state cannot be rewritten nor a staged object moved" "name a bucket without one with --gcs-bucket"
}

judge_function_ingress() { permits ALLOW_INTERNAL_ONLY || refused "$1" "does not allow a function that only internal calls reach ($(allowed))" "have ALLOW_INTERNAL_ONLY allowed"; }

judge_ingress() { permits internal || refused "$1" "does not allow a service that only internal calls reach ($(allowed))" "have internal allowed"; }

judge_generation() { permits 2ndGen || refused "$1" "does not allow functions of the second generation ($(allowed))" "have 2ndGen allowed"; }

judge_egress() {
	local setting=all-traffic
	restricted || return 0
	if [[ ! $NETWORK$SUBNET ]]; then
		refused "$1" "wants the function to call through a VPC network" "add --network and --subnet"
		return
	fi
	[[ $EGRESS == all ]] || setting=private-ranges-only
	permits "$setting" || refused "$1" "does not allow $setting ($(allowed))" "choose another --egress"
}

judge_binary_authorization() {
	restricted || return 0
	refused "$1" "wants Binary Authorization ($(allowed)), which deploy.sh does not set" "have it lifted"
}

judge_worker_pools() {
	restricted || return 0
	refused "$1" "lets only certain pools build ($(allowed)), and the function is built in Google's default pool" "have it lifted"
}

judge_scheduler() {
	permits PUBSUB || refused "$1" "does not allow jobs that publish ($(allowed))" "have PUBSUB allowed"
}
