# shellcheck shell=bash
# Functions that the scripts in launch/ share. A script sources this file from its own folder, through any symbolic links:
#
#     source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
#
# Sets `project`, the absolute path of the project, and `script`, the absolute path of the calling script. It does not change the current
# folder: relative paths on a command line are those of the caller.
script=$(readlink -f "${BASH_SOURCE[1]}")
project=$(dirname "$(dirname "$script")")

# Prints a message with the script's name and exits. Arguments: status, message.
fail() {
    local status=$1
    shift
    echo "launch/$(basename "$script"): $*" >&2
    exit "$status"
}

# Prints the comment at the top of the script.
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$script"; }

# Prints the usage and exits if the first argument requests it. Arguments: those of the script.
help_if_requested() {
    case ${1:-} in
    -h | --help)
        usage
        exit 0
        ;;
    esac
}

# Prints the usage on standard error and exits with status 64. Arguments: message.
refuse_usage() {
    echo "launch/$(basename "$script"): $*" >&2
    echo >&2
    usage >&2
    exit 64
}

# Sets `drnet` to the absolute path of the command: the value of DRNET, or the project's own build. Builds the latter if it is missing.
find_drnet() {
    drnet=${DRNET:-$project/.build/release/drnet}
    if [ -z "${DRNET:-}" ]; then
        [ -x "$drnet" ] || "$project/launch/build"
        return
    fi
    # A name without a slash is a file in the current folder, or a command on the PATH.
    case $drnet in
    */*) ;;
    *) [ -f "$drnet" ] || drnet=$(type -P "$drnet" || echo "$drnet") ;;
    esac
    [ -e "$drnet" ] || fail 64 "DRNET is '$DRNET', which does not exist; it takes the path of the command drnet"
    [ -f "$drnet" ] && [ -x "$drnet" ] ||
        fail 64 "DRNET is '$DRNET', which is not an executable file; it takes the path of the command drnet"
    case $drnet in
    /*) ;;
    *) drnet=$PWD/$drnet ;;
    esac
}

# Exits unless Open MPI's launcher is on the PATH.
require_mpirun() {
    command -v mpirun >/dev/null ||
        fail 1 "no 'mpirun' on the PATH. Install Open MPI (apt-get install openmpi-bin, or launch/install), or add its folder to PATH"
}

# Exits unless a number of ranks is valid. Arguments: name of the variable or option, value.
require_rank_count() {
    [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || fail 64 "$1 is '$2'; it takes the number of ranks, a whole number from 1"
}

# Prints the number of ranks of a list of hosts such as node1:16,node2:16. Exits if the list is not valid. Arguments: list.
rank_count_of_hosts() {
    local list=$1 entries entry count=0
    [[ $list != *[[:space:]]* ]] || fail 64 "HOSTS is '$list'; write it without spaces, such as node1:16,node2:16"
    IFS=, read -r -a entries <<<"$list,"
    for entry in "${entries[@]}"; do
        [ -n "$entry" ] || fail 64 "HOSTS is '$list', which has an empty entry; write it such as node1:16,node2:16"
        [[ $entry != *:*:* && $entry != *[\[\]]* ]] || fail 64 "HOSTS has '$entry'; IPv6 addresses are not supported: use a host name"
        [[ $entry =~ ^[A-Za-z0-9_]([A-Za-z0-9_.-]*)(:[1-9][0-9]{0,5})?$ ]] ||
            fail 64 "HOSTS has '$entry'; an entry is HOST or HOST:RANKS with a whole number from 1, such as node1:16"
        case $entry in
        *:*) count=$((count + ${entry#*:})) ;;
        *) count=$((count + 1)) ;;
        esac
    done
    echo "$count"
}

# Prints the number of slots of a hostfile of Open MPI. Exits if the file is not valid. Arguments: path.
rank_count_of_hostfile() {
    local path=$1 line number=0 count=0
    [ -f "$path" ] && [ -r "$path" ] || fail 64 "HOSTFILE is '$path', which is not a readable file"
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=${line%%#*}
        [[ $line =~ [^[:space:]] ]] || continue
        [[ $line =~ ^[[:space:]]*[^[:space:]]+[[:space:]](.*[[:space:]])?slots=([1-9][0-9]{0,5})([[:space:]].*)?$ ]] ||
            fail 64 "$path, line $number: '$line' has no number of ranks; write it such as 'node1 slots=16'"
        count=$((count + BASH_REMATCH[2]))
    done <"$path"
    [ "$count" -ge 1 ] || fail 64 "$path names no host; write a line for each, such as 'node1 slots=16'"
    echo "$count"
}
