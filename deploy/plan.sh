#!/usr/bin/env bash
# Sourced by deploy.sh: what is to be done, counted and, in a dry run, printed as a script.

# shellcheck disable=SC2034,SC2153 # the parts of deploy.sh share its variables

# planned runs the command $1. What a dry run of it prints is kept until all is known, so
# that its summary stands before it.
planned() {
	if [[ ! $DRY_RUN ]]; then
		"$1"
		return
	fi
	"$1" >"$PRIVATE/plan"
	say "nothing was run; what there is to do:"
	print_summary "to create" "to change"
	say
	if ((TOTAL_CHANGES)); then
		print_script
	else
		cat "$PRIVATE/plan"
	fi
}

# print_script prints the commands of the plan as one: pasted into a terminal, it is
# read to its end before any of it is run, so that what asks for the token is not answered
# by the next line; nothing may follow. It stops at the first command that fails, and leaves
# nothing behind.
print_script() {
	# shellcheck disable=SC2016
	printf '%s\n' '(' 'set -e' 'export CLOUDSDK_CORE_DISABLE_PROMPTS=1' 'FILES=$(mktemp -d)' \
		"trap 'rm -rf \"\$FILES\"' EXIT"
	if [[ $PROJECT_NUMBER == \$* ]] && grep -q '[$]PROJECT_NUMBER' "$PRIVATE/plan"; then
		# shellcheck disable=SC2016
		printf 'PROJECT_NUMBER=$(%s)\n' \
			"$(print_command gcloud projects describe "$PROJECT_ID" '--format=value(projectNumber)')"
	fi
	cat "$PRIVATE/plan"
	printf ')\n'
}

# What deploy.sh makes, changes and finds as it is to be, counted by what it is.
NOUNS=()
declare -A CREATED=() CHANGED=() UNCHANGED=()

creates() { count CREATED "$@"; }
changes() { count CHANGED "$@"; }
keeps() { count UNCHANGED "$@"; }

# count adds $3, or 1, of the noun $2 to the table $1.
count() {
	local -n table=$1
	if [[ ! ${CREATED[$2]-}${CHANGED[$2]-}${UNCHANGED[$2]-} ]]; then NOUNS+=("$2"); fi
	table[$2]=$((${table[$2]-0} + ${3-1}))
}

# print_summary says how many of what are created and changed, in the words $1 and $2.
print_summary() {
	print_count "$1" CREATED
	print_count "$2" CHANGED
	print_count unchanged UNCHANGED
}

print_count() {
	local -n numbers=$2
	local noun part sum=0 parts=() line
	for noun in "${NOUNS[@]}"; do
		[[ ${numbers[$noun]-} ]] || continue
		sum=$((sum + ${numbers[$noun]}))
		parts+=("$(plural "${numbers[$noun]}" "$noun")")
	done
	line=$(printf '%4d %s' "$sum" "$1")
	((sum == 0)) || line+=:
	for part in "${parts[@]}"; do
		[[ $part == "${parts[-1]}" ]] || part+=,
		if ((${#line} + ${#part} > 76)); then
			say "$line"
			line='    '
		fi
		line+=" $part"
	done
	say "$line"
}

plural() {
	case $1:$2 in
	1:*) printf '1 %s' "$2" ;;
	*:*y) printf '%s %sies' "$1" "${2%y}" ;;
	*) printf '%s %ss' "$1" "$2" ;;
	esac
}
