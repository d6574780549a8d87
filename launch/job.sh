# shellcheck shell=bash
# Functions that run one job of mpirun, end what a lost host leaves of it, and decide whether it starts again. launch/train sources this
# file after common.sh.

# mpirun gets this time, in seconds, after the last rank on this host has ended.
leftover_seconds=3
# EX_UNAVAILABLE: a rank, a host or a link did not answer. drnet's watchdog ends a job with the same status.
lost_status=69
# 1 after a signal of the user.
stopping=0
# 1 as soon as a rank of the last job was seen on this host.
were_seen=0

# Whether a host of a list is this machine. Arguments: name or address.
is_this_host() {
    case $1 in localhost | 127.*) return 0 ;; esac
    [ "$1" != "$(uname -n)" ] && [ "$1" != "$(uname -n | cut -d . -f 1)" ] || return 0
    case " $(hostname -I 2>/dev/null || true) " in *" $1 "*) return 0 ;; esac
    return 1
}

# Whether some ranks belong on this host. Not known if mpirun's own options choose the hosts.
expects_local_ranks() {
    local entries entry
    if [ -n "${HOSTFILE:-}" ]; then
        mapfile -t entries < <(sed -e 's/#.*//' "$HOSTFILE" | awk 'NF { print $1 }')
    elif [ -n "${HOSTS:-}" ]; then
        IFS=, read -r -a entries <<<"$HOSTS"
    else
        [[ ${MPI_OPTIONS:-} != *host* ]]
        return
    fi
    for entry in "${entries[@]}"; do
        ! is_this_host "${entry%%:*}" || return 0
    done
    return 1
}

# Whether mpirun has a child that is a rank. Its other children connect to other hosts.
has_local_ranks() {
    local child
    for child in $(cat "/proc/$mpirun/task/"*/children 2>/dev/null); do
        ! grep -qsz '^OMPI_COMM_WORLD_RANK=' "/proc/$child/environ" || return 0
    done
    return 1
}

# Prints the processes of mpirun's session, which it leads: what it started on this host.
session_members() {
    local stat line fields
    for stat in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <"$stat" || continue
        read -r -a fields <<<"${line##*) }"
        [ "${fields[3]}" != "$mpirun" ] || echo "${line%% *}"
    done
}

# Ends mpirun and what it started on this host. Arguments: the reason.
#
# mpirun is aborting already. Another SIGTERM would not end it sooner.
end_leftovers() {
    local members
    echo "launch/train: $1: ending mpirun" >&2
    members=$(session_members)
    # shellcheck disable=SC2086
    kill -KILL "$mpirun" $members 2>/dev/null || true
}

# Runs mpirun and waits for its end. Sets `status`. Arguments: those of mpirun.
run_mpirun() {
    # mpirun runs in its own session. A terminal sends Ctrl-C to the whole process group, and mpirun would kill the ranks.
    setsid mpirun "$@" &
    mpirun=$!
    # mpirun passes SIGUSR1 on to the ranks, which then exit with status 75. On SIGTERM and SIGINT, mpirun exits with its own status.
    trap 'stopping=1; kill -USR1 "$mpirun" 2>/dev/null || true' TERM USR1 HUP
    trap 'stopping=1; kill -USR1 "$mpirun" 2>/dev/null || true; trap "kill -TERM $mpirun 2>/dev/null || true" INT' INT

    # Times are counted in looks, each of which takes 0.3 s or more. A clock would also count time in which this script could not run: on a
    # busy machine or after a suspension, it would end a healthy job before it looks at it.
    local looks=0 gone=0 is_ended=0 limit=${DRNET_START_TIMEOUT:-120}
    were_seen=0
    [[ $limit =~ ^[0-9]+$ ]] || limit=120
    expects_local_ranks || limit=0
    while kill -0 "$mpirun" 2>/dev/null; do
        sleep 0.3 &
        # A signal interrupts `wait`, so that its trap runs at once.
        wait $! || true
        looks=$((looks + 1))
        if has_local_ranks; then
            were_seen=1 gone=0
        elif [ "$were_seen" -eq 1 ]; then
            gone=$((gone + 1))
            [ $((gone * 3)) -le $((leftover_seconds * 10)) ] || is_ended=1
            [ "$is_ended" -eq 0 ] || end_leftovers "all ranks on this host have ended, but mpirun still waits for other hosts"
        elif [ "$limit" -gt 0 ] && [ $((looks * 3)) -gt $((limit * 10)) ]; then
            is_ended=1
            end_leftovers "no rank has started on this host after $limit s (DRNET_START_TIMEOUT); a host of the job cannot be reached"
        fi
        [ "$is_ended" -eq 0 ] || break
    done
    # The shell reports a killed process.
    { wait "$mpirun" && status=0 || status=$?; } 2>/dev/null
    # The job did not end by itself, so mpirun's status means nothing.
    [ "$is_ended" -eq 0 ] || status=$lost_status
}

# Sets `run_folder` to the run folder of drnet train's arguments.
find_run_folder() {
    local previous="" argument
    run_folder=$(basename "$1")
    run_folder=runs/${run_folder%.*}
    for argument in "$@"; do
        case $previous in -o | --run-folder) run_folder=$argument ;; esac
        case $argument in --run-folder=*) run_folder=${argument#*=} ;; esac
        previous=$argument
    done
}

# Prints the newest checkpoint of the run folder, complete or not.
newest_checkpoint() {
    local names=("$run_folder"/checkpoints/step-*)
    [ ! -e "${names[-1]}" ] || basename "${names[-1]}"
}

# Prints what changes as soon as a start has passed all checks.
start_mark() { stat -c '%i %y' "$run_folder/environment.json" 2>/dev/null || true; }

# Sets HOSTS to the hosts that answer. Exits if none does.
drop_lost_hosts() {
    local agent entries entry kept=() options
    read -r -a options <<<"${MPI_OPTIONS:-}"
    agent=${OMPI_MCA_plm_rsh_agent:-ssh -o BatchMode=yes -o ConnectTimeout=5}
    for entry in "${!options[@]}"; do
        [ "${options[entry]}" != plm_rsh_agent ] || agent=${options[entry + 1]}
    done
    read -r -a agent <<<"$agent"
    IFS=, read -r -a entries <<<"$HOSTS"
    for entry in "${entries[@]}"; do
        if is_this_host "${entry%%:*}" || timeout 15 "${agent[@]}" "${entry%%:*}" true </dev/null >/dev/null 2>&1; then
            kept+=("$entry")
        else
            echo "launch/train: ${entry%%:*} does not answer: the run continues without it" >&2
        fi
    done
    [ "${#kept[@]}" -gt 0 ] || fail "$lost_status" "no host of '$HOSTS' answers"
    HOSTS=$(IFS=, && echo "${kept[*]}")
}

# Whether a job that ended with `status` starts again, and says so. Arguments: restarts so far, the largest number of restarts, the mark and
# the newest checkpoint before the start.
restarts_again() {
    local count=$1 most=$2 mark=$3 checkpoint=$4 newest progress
    [ "$most" -gt 0 ] && [ "$stopping" -eq 0 ] || return 1
    # Done, a wrong command line, stopped by a signal.
    case $status in 0 | 64 | 75) return 1 ;; esac
    # Without a rank, mpirun could not reach a host.
    if [ "$status" -ne "$lost_status" ] && [ "$(start_mark)" = "$mark" ] && { [ "$were_seen" -eq 1 ] || [ -z "${HOSTS:-}" ]; }; then
        echo "launch/train: the run ended before its first step, with status $status: it is not restarted" >&2
        return 1
    fi
    newest=$(newest_checkpoint)
    progress="without a new checkpoint"
    [ "$newest" = "$checkpoint" ] || progress="after $newest"
    if [ "$count" -ge "$most" ]; then
        echo "launch/train: the run ended with status $status $progress, and was restarted $most times: it is not restarted again" >&2
        return 1
    fi
    echo "launch/train: the run ended with status $status $progress: restart $((count + 1)) of $most" >&2
}
