# Functions on processes, for the reaper and for `process::shell`. POSIX sh only. They look
# into /proc where there is one, because small container images have no `ps`.

# Whether process $1 still runs. A zombie does not: it may wait for its parent for ever.
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

# Sends the signal $1 to each of the processes that follow; some may be gone already.
signal() {
    signal_name=$1
    shift
    for pid in "$@"; do kill -s "$signal_name" "$pid" 2>/dev/null; done
    return 0
}

# Waits until the processes $2... are gone, for at most $1 tenths of a second.
wait_gone() {
    looks=$(($1 * 5))
    shift
    for pid in "$@"; do
        while alive "$pid"; do
            [ "$looks" -gt 0 ] || return 1
            looks=$((looks - 1))
            sleep 0.02
        done
    done
}

# Stops process $1 first, so that it cannot have further children, then its children.
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

# Kills process $1 and, where it leads a group, that group.
kill_group() {
    kill -s KILL "$1" 2>/dev/null
    kill -s KILL -- "-$1" 2>/dev/null
    return 0
}

# Lets process $1 end by itself, for at most 30 seconds.
let_end() {
    wait_gone 300 "$1" || kill_group "$1"
}

# Stops the postmaster $1 by the signal $2. A frozen process sees it only once it is
# continued. If the postmaster has not gone after $3 tenths of a second, it is killed.
stop_cluster() {
    alive "$1" || return 0
    family="$1 $(children "$1")"
    signal "$2" "$1"
    signal CONT $family
    if ! wait_gone "$3" $family; then kill_family "$1"; fi
}

# Removes the shared memory segment of the cluster with the data directory $1. A
# postmaster does it itself unless it was killed: then its pid file is still there.
remove_shared_memory() {
    [ -r "$1/postmaster.pid" ] || return 0
    segment=$(sed -n '7s/^ *[0-9][0-9]*  *\([0-9][0-9]*\) *$/\1/p' "$1/postmaster.pid")
    if [ -n "$segment" ]; then ipcrm -m "$segment"; fi 2>/dev/null
    return 0
}

# Removes the directory $1, again while a dying process still writes into it.
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
