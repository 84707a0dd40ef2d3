#!/bin/bash
# Study on one or several nodes of Slurm, requeued until it has ended:
#   sbatch deploy/slurm.sh --name NAME --space noise_masks --trials 200 …
# Words behind the script are those of `study.run`. It is submitted in a folder that all nodes share, with
# the environment in .venv (or PYTHON=…). docs/deploy.md has more.
#SBATCH --job-name=pnn-study
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --output=pnn-study-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
# The driver is told 90 s before the time ends, and saves its trials within 15.
#SBATCH --signal=B:TERM@90
set -u

python=${PYTHON:-$PWD/.venv/bin/python}
ray=$(dirname "$python")/ray
interrupted=130
if [ ! -x "$ray" ]; then
    echo "pnn-study: $ray is not there: submit in the folder that has .venv, or with PYTHON=…/bin/python" >&2
    exit 2
fi

# Each job has a token, a port and folders of its own: nodes may be shared. Ray makes its own folder
# writable for everybody, so that it lies in one that is not.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0
port=$((20000 + SLURM_JOB_ID % 20000))
private=/tmp/pnn-study-$SLURM_JOB_ID
temporary=$private/ray
read -r ip _ < <(hostname -I)
address=$ip:$port
nodes=$SLURM_JOB_NUM_NODES
head_node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# shellcheck disable=SC2016  # the shell of the step expands it
own_folder='mkdir -p -m 700 "$0" && [ -O "$0" ] && [ ! -L "$0" ] && chmod 700 "$0" && exec "$@"'
start=(bash -c "$own_folder" "$private" "$ray" start --block --num-cpus "${SLURM_CPUS_PER_TASK:-1}" --object-store-memory 2000000000
    --min-worker-port 0 --max-worker-port 0)

driver=
stopping=
# A controller that is slow to answer must not cost the job its next life.
is_running() {
    local told
    for _ in 1 2 3; do
        if told=$(scontrol show job "$SLURM_JOB_ID"); then
            case $told in *JobState=RUNNING*) return 0 ;; *) return 1 ;; esac
        fi
        sleep 1
    done
    return 0
}

# Slurm tells this shell alone where the time ends. Where it cancels, or preempts at once, the job is not
# running any more and every process of it was told: the driver would take a second signal for impatience.
stop() {
    stopping=yes
    if [ -n "$driver" ] && is_running; then kill -TERM "$driver" 2> /dev/null; fi
}
trap stop TERM

# Wait for a process, however often a signal interrupts the wait, and return its status.
status_of() {
    while kill -0 "$1" 2> /dev/null; do wait "$1"; done
    wait "$1"
}

# The batch script runs on the first node, which is the head and trains as well. Preemption with a time of
# grace tells the steps alone: this one tells the script.
# shellcheck disable=SC2016  # the shell of the step expands it
srun --overlap --nodes=1 --ntasks=1 --nodelist="$head_node" \
    bash -c 'trap "kill -TERM $0" TERM; "$@" & wait; wait' $$ "${start[@]}" \
    --head --node-ip-address "$ip" --port "$port" --temp-dir "$temporary" --include-dashboard false &
steps=($!)
for _ in $(seq 240); do
    if (: < "/dev/tcp/$ip/$port") 2> /dev/null; then break; fi
    if [ -n "$stopping" ] || ! kill -0 "${steps[0]}" 2> /dev/null; then break; fi
    sleep 0.5
done
if [ -z "$stopping" ] && ! kill -0 "${steps[0]}" 2> /dev/null; then
    echo "pnn-study: Ray's head did not start ($private must be this user's own); nothing was trained" >&2
    exit 1
fi
if [ "$nodes" -gt 1 ]; then
    srun --overlap --nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --exclude="$head_node" \
        "${start[@]}" --address "$address" &
    steps+=($!)
fi

status=$interrupted
if [ -z "$stopping" ]; then
    "$python" -m study.run --resume-or-start --address "$address" \
        --min-workers "$nodes" --wait-for-nodes 300 "$@" &
    driver=$!
    if [ -n "$stopping" ]; then stop; fi  # a signal between the two lines above
    status_of "$driver"
    status=$?
fi

trap '' TERM  # of the steps that end now
kill "${steps[@]}" 2> /dev/null
wait
if [ "$status" -ne 1 ] && is_running; then  # Ray's logs stay where something failed
    srun --overlap --nodes="$nodes" --ntasks="$nodes" rm -rf "$private"
fi

# Neither done (0) nor refused (2) changes by another try. What Slurm has requeued or cancelled by itself
# is left so.
if [ "$status" -eq 0 ] || [ "$status" -eq 2 ]; then exit "$status"; fi
if { [ "$status" -eq "$interrupted" ] || [ -n "$stopping" ]; } && is_running; then
    echo "pnn-study: requeued, and goes on by --resume-or-start"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
