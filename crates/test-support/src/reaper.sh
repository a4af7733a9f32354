# Reads jobs ("+<id> <command>") and withdrawals ("-<id>") until the test process ends and the
# pipe closes. Then runs the remaining jobs, newest first.
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
