#!/usr/bin/env bash
# Sourced by deploy.sh: customer-managed keys, and Google's services that use them.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# A key encrypts only what lies where it lies itself: of those in KMS_KEY, the one in the
# bucket's location is the bucket's, and those in the secret's are the secret's.

# key_in leaves in REPLY the key whose location is that of the place $1, or returns 1. A
# multi-region's bucket is called otherwise than its keys.
key_in() {
	local key place=${1,,}
	case $place in
	eu) place=europe ;;
	esac
	for key in ${KMS_KEY//,/ }; do
		REPLY=$key
		[[ $(key_location "$key") != "$place" ]] || return 0
	done
	REPLY=
	return 1
}

key_location() {
	local rest=${1#*/locations/}
	printf %s "${rest%%/*}"
}

# secret_places prints where the secret is to be kept, with spaces between them; nothing
# leaves that to Google. With a key and nothing else said, it is where the function is, or
# where the first key is that a secret can have.
secret_places() {
	local key place first=''
	if [[ $SECRET_LOCATIONS || ! $KMS_KEY ]]; then
		printf %s "${SECRET_LOCATIONS//,/ }"
		return
	fi
	for key in ${KMS_KEY//,/ }; do
		place=$(key_location "$key")
		if [[ $place == "$REGION" ]]; then first=$place; fi
		if [[ ! $first && $place == *-*[0-9] ]]; then first=$place; fi
	done
	printf %s "$first"
}

# grant_keys lets Cloud Storage encrypt the bucket, and Secret Manager the secret. Both do
# that with accounts of Google's, one in each project, which are made where they are missing.
grant_keys() {
	local place storage="service-$PROJECT_NUMBER@gs-project-accounts.iam.gserviceaccount.com"
	local secrets="service-$PROJECT_NUMBER@gcp-sa-secretmanager.iam.gserviceaccount.com"
	if [[ ! $KMS_KEY ]]; then
		say "      none: Google's own keys encrypt; --kms-key changes that"
		return 0
	fi
	key_in "$BUCKET_LOCATION"
	grant_key "$REPLY" "$storage" storage service-agent
	for place in $(secret_places); do
		key_in "$place"
		grant_key "$REPLY" "$secrets" beta services identity create --service=secretmanager.googleapis.com
	done
	if [[ ! $(secret_places) ]]; then
		key_in global
		grant_key "$REPLY" "$secrets" beta services identity create --service=secretmanager.googleapis.com
	fi
}

# grant_key lets the service's account $2, which the command in the other words makes, use
# the key $1. The key may belong to people who show its policy to nobody.
grant_key() {
	local key=$1 member=serviceAccount:$2 role=roles/cloudkms.cryptoKeyEncrypterDecrypter
	shift 2
	if [[ $CAN_READ ]]; then
		if ! REPLY=$(gcloud kms keys get-iam-policy "$key" "${WHO_HAS_WHAT[@]}" "--project=$PROJECT_ID" \
			2>"$PRIVATE/stderr" </dev/null); then
			if is_missing <"$PRIVATE/stderr"; then die "key $key does not exist: $(complaint)"; fi
			warn "could not see who may use $key ($(complaint)); if what follows fails, have its owner run: gcloud kms keys add-iam-policy-binding $key --member=$member --role=$role"
			return 0
		fi
		if has_role "$role" "$member" <<<"$REPLY"; then
			keeps role
			return
		fi
	fi
	change "$@"
	creates role
	change kms keys add-iam-policy-binding "$key" "--member=$member" "--role=$role"
}
