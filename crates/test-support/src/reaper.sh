# Reads what to do at the end ("+<id> <command>") and what no longer to do ("-<id>"), until
# the test process is gone and with it the other end of the pipe. Then does it, newest first.
last=0
while IFS= read -r line; do
    case $line in
    +*)
        id=${line%% *}
        last=${id#+}
        eval "job_$last=\${line#* }"
        ;;
    -*) unset "job_${line#-}" ;;
    esac
done
while [ "$last" -gt 0 ]; do
    eval "job=\${job_$last-}"
    eval "$job"
    last=$((last - 1))
done
