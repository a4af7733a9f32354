# Functions on processes, for the reaper and for `process::shell`. POSIX sh only. They read
# /proc if it exists, because small container images have no `ps`.

# Whether process $1 is running. A zombie is not: its parent may never wait for it.
alive() {
    kill -s 0 "$1" 2>/dev/null || return 1
    if [ -r "/proc/$1/stat" ]; then
        IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
        stat=${stat##*") "}
    else
        stat=$(ps -o stat= -p "$1")
    fi
    case $stat in Z* | X* | '') return 1 ;; esac
}

# Prints the children of process $1.
children() {
    if [ -r /proc/self/stat ]; then
        for stat_file in /proc/[0-9]*/stat; do
            IFS= read -r stat 2>/dev/null <"$stat_file" || continue
            # After the name in brackets: the state, then the parent.
            parent=${stat##*") "}
            parent=${parent#* }
            if [ "${parent%% *}" = "$1" ]; then echo "${stat%% *}"; fi
        done
    else
        ps -A -o pid= -o ppid= | while read -r pid parent; do
            if [ "$parent" = "$1" ]; then echo "$pid"; fi
        done
    fi 2>/dev/null
}

# Sends the signal $1 to each of the processes $2...; some may have ended already.
signal() {
    signal_name=$1
    shift
    for pid in "$@"; do kill -s "$signal_name" "$pid" 2>/dev/null; done
    return 0
}

# Waits until the processes $2... have ended, for at most $1 tenths of a second.
wait_gone() {
    checks=$(($1 * 5))
    shift
    for pid in "$@"; do
        while alive "$pid"; do
            [ "$checks" -gt 0 ] || return 1
            checks=$((checks - 1))
            sleep 0.02
        done
    done
}

# Stops process $1 first, so that it cannot start more children, then its children.
freeze_family() {
    signal STOP "$1"
    signal STOP $(children "$1")
}

thaw_family() {
    signal CONT $(children "$1") "$1"
}

kill_family() {
    signal STOP "$1"
    family="$1 $(children "$1")"
    signal KILL $family
    wait_gone 100 $family
}

# Kills process $1 and, if it leads a process group, that group.
kill_group() {
    kill -s KILL "$1" 2>/dev/null
    kill -s KILL -- "-$1" 2>/dev/null
    return 0
}

# Waits at most 30 seconds for process $1 to exit by itself, then kills it.
let_end() {
    wait_gone 300 "$1" || kill_group "$1"
}

# Stops the postmaster $1 with the signal $2. A stopped process receives it only when it is
# continued. If the postmaster is still running after $3 tenths of a second, kills it.
stop_cluster() {
    alive "$1" || return 0
    family="$1 $(children "$1")"
    signal "$2" "$1"
    signal CONT $family
    if ! wait_gone "$3" $family; then kill_family "$1"; fi
}

# Removes the shared memory segment of the cluster with the data directory $1. A postmaster
# does this itself unless it was killed; in that case its pid file still exists.
remove_shared_memory() {
    [ -r "$1/postmaster.pid" ] || return 0
    segment=$(sed -n '7s/^ *[0-9][0-9]*  *\([0-9][0-9]*\) *$/\1/p' "$1/postmaster.pid")
    if [ -n "$segment" ]; then ipcrm -m "$segment"; fi 2>/dev/null
    return 0
}

# Removes the directory $1. Retries while a process that is ending still writes into it.
remove_directory() {
    attempts=50
    while [ "$attempts" -gt 0 ]; do
        rm -rf -- "$1" 2>/dev/null
        [ -e "$1" ] || return 0
        attempts=$((attempts - 1))
        sleep 0.1
    done
    return 1
}
