# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# Processes of a job, moments, and disturbances. launch/chaos sources this file after common.sh.
#
# Uses: `job`, the process of the job; `mark`, the value of CHAOS_JOB in its environment; `simulated`, the path of Tests/Hosts/hosts;
# `limit`, the job's timeout in seconds; `steps_per_epoch`.

# Sleeps without a process. Arguments: seconds.
exec {idle}<> <(:)
nap() { read -r -t "$1" -u "$idle" || true; }

# Sets `now` to the time in milliseconds.
set_now() {
    now=${EPOCHREALTIME/[.,]/}
    now=$((now / 1000))
}

# --- Processes ----------------------------------------------------------------------------------------------------------------------------

# Sets `kind` to what a process of a job is; empty for others. Arguments: number.
set_kind() {
    local name=""
    read -r name 2>/dev/null <"/proc/$1/comm" || true
    case $name in
    mpirun* | orterun) kind=mpirun ;;
    orted) kind=daemon ;;
    drnet*) kind=rank ;;
    *) kind="" ;;
    esac
}

# Sets `processes` to the processes of the job, each a number and a kind (rank, mpirun, daemon). They have `mark` in their environment. This
# also finds those that no longer have a parent, and those on simulated hosts.
find_processes() {
    local files file process kind
    processes=()
    mapfile -t files < <(grep -lszx "CHAOS_JOB=$mark" /proc/[0-9]*/environ 2>/dev/null || true)
    for file in "${files[@]}"; do
        process=${file#/proc/}
        process=${process%/environ}
        set_kind "$process"
        [ -z "$kind" ] || processes+=("$process $kind")
    done
}

# Kills what is left of the job.
end_job() {
    local line processes
    find_processes
    for line in "${processes[@]}"; do kill -KILL "${line%% *}" 2>/dev/null || true; done
    kill -KILL "$job" 2>/dev/null || true
}

# Waits until all processes of the job have ended, at most for some milliseconds. Returns 1 if one still runs. Arguments: milliseconds.
wait_for_job() {
    local end processes
    set_now
    end=$((now + $1))
    while true; do
        if ! kill -0 "$job" 2>/dev/null; then
            find_processes
            [ ${#processes[@]} -gt 0 ] || return 0
        fi
        set_now
        [ "$now" -lt "$end" ] || return 1
        nap 0.05
    done
}

# --- Moments ------------------------------------------------------------------------------------------------------------------------------

# Sets `newest` to the newest checkpoint of a run folder; empty if there is none. Arguments: run folder.
set_newest() {
    local names=("$1"/checkpoints/step-*)
    newest=""
    [ ! -e "${names[-1]}" ] || newest=${names[-1]##*/}
}

# Whether rank 0 writes a checkpoint. Arguments: run folder.
is_in_save() {
    local names=("$1"/checkpoints/.tmp-step-*)
    [ -e "${names[0]}" ]
}

# Whether a training evaluates: it has written the checkpoint of an epoch, and no evaluation of it. Arguments: run folder.
is_in_evaluation() {
    local newest step
    set_newest "$1"
    step=$((10#0${newest#step-}))
    [ "$step" -gt 0 ] && [ $((step % steps_per_epoch)) -eq 0 ] || return 1
    ! grep -qs "\"kind\":\"evaluation\".*\"step\":$step}" "$1/metrics.jsonl"
}

# Sets `place` to what the run does, as far as its files show: save, evaluation or nothing. Arguments: run folder.
set_place() {
    place=""
    ! is_in_evaluation "$1" || place=evaluation
    ! is_in_save "$1" || place=save
}

# Waits until a save or an evaluation begins. Arguments: run folder, save or evaluation, how many times it begins.
wait_for_place() {
    local folder=$1 begins=$3 was=0 end=$((SECONDS + 60))
    while [ "$SECONDS" -lt "$end" ] && kill -0 "$job" 2>/dev/null; do
        if "is_in_$2" "$folder"; then
            [ "$was" -eq 1 ] || begins=$((begins - 1))
            was=1
            [ "$begins" -gt 0 ] || return 0
        else
            was=0
        fi
        nap 0.002
    done
}

# --- Disturbances -------------------------------------------------------------------------------------------------------------------------

# Disturbs the job in one way. Sets `what` to a description, and `is_short` to 1 if the training can go on.
#
# Arguments: way, number for the choice among `processes` and hosts, number of ranks.
disturb() {
    local way=$1 choice=$2 ranks=$3 target kind
    what=$way is_short=0
    case $way in cut-join | stop-continue | suspend) is_short=1 ;; esac
    case $way in
    cut | cut-join)
        "$simulated" cut $((1 + choice % (ranks - 1)))
        [ "$way" = cut ] || { nap 1.5; "$simulated" join $((1 + choice % (ranks - 1))); }
        return
        ;;
    esac
    # A job that has not started its first process yet is disturbed as soon as it has.
    while [ ${#processes[@]} -eq 0 ] && kill -0 "$job" 2>/dev/null; do
        find_processes
        nap 0.01
    done
    [ ${#processes[@]} -gt 0 ] || { what="$way of nothing" is_short=1; return; }
    read -r target kind <<<"${processes[choice % ${#processes[@]}]}"
    [ "$way" = suspend ] || what="$way $kind"
    # The ranks can end their work without mpirun.
    [ "$kind" = rank ] || [ "$way" != stop ] || is_short=1
    # No other rank can miss the only one. Such a job waits, as a suspended one does, and goes on when its rank does.
    [ "$way $kind $ranks" != "stop rank 1" ] || { way=wait is_short=1; }
    case $way in
    kill) kill -KILL "$target" ;;
    stop) kill -STOP "$target" ;;
    wait) kill -STOP "$target" && nap $((limit + 2)) && kill -CONT "$target" ;;
    stop-continue) kill -STOP "$target" && nap 1.5 && kill -CONT "$target" ;;
    suspend) suspend ;;
    esac 2>/dev/null || true
}

# All processes of the job stop for longer than the limit. They then go on, and the job ends well.
suspend() {
    local line look
    # A process that starts while the others are stopped is found in the second look.
    for look in 1 2; do
        find_processes
        for line in "${processes[@]}"; do kill -STOP "${line%% *}" || true; done
        nap 0.1
    done
    nap $((limit + 2))
    for line in "${processes[@]}"; do kill -CONT "${line%% *}" || true; done
}
