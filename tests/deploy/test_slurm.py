"""slurm.sh as bash runs it, with stand-ins for Slurm's commands, for Ray and for the driver."""

import os
import random
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.planning.arguments import parse_arguments

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm.sh"
WORDS = ("--name", "big", "--space", "noise_masks", "--trials", "200")
SECONDS = 30.0

STAND_INS = {
    "hostname": "echo 127.0.0.1 10.0.0.1",
    "scontrol": """
        echo "scontrol $*" >> "$CALLS"
        case $* in
            "show hostnames "*) printf 'n1\\nn2\\nn3\\n' ;;
            "show job "*)
                if [ -n "$SILENT" ] && mkdir "$CALLS.silent" 2> /dev/null; then exit 1; fi
                echo "   JobState=$JOB_STATE Reason=None" ;;
        esac""",
    "srun": """
        echo "srun $*" >> "$CALLS"
        while [ "${1#--}" != "$1" ]; do shift; done
        setsid "$@" &
        # Until it leads its group, or is gone.
        while kill -0 $! 2> /dev/null && ! kill -0 -$! 2> /dev/null; do sleep 0.01; done
        trap "kill -KILL -$!" TERM
        echo $! >> "$CALLS.steps"
        wait; wait""",
    # The driver, which begins when all steps run.
    "python": """
        echo "driver $*" >> "$CALLS"
        told=0
        trap 'told=$((told + 1)); echo "told $told" >> "$CALLS"' TERM
        while [ $(wc -l < "$CALLS.steps") -lt "$STEPS" ]; do sleep 0.02; done
        echo $$ > "$CALLS.driver"
        if [ -n "$STATUS" ]; then exit "$STATUS"; fi
        while [ $told = 0 ]; do sleep 0.05; done
        sleep 0.2
        exit "${TOLD_STATUS:-130}" """,
}
RAY = f"""#!{sys.executable} -S
import signal, socket, sys
if "--head" in sys.argv:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    server = socket.create_server(("127.0.0.1", port))
signal.pause()
"""


class Job:
    """A job of Slurm on three nodes, all of them this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        self.id = str(free_port() - 20_000)
        for name, body in STAND_INS.items():
            self._write(name, f"#!/bin/sh\n{body}\n")
        self._write("ray", RAY)

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o700)

    def start(self, nodes: int = 3, **environment: str) -> None:
        own = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "PYTHON": str(self.folder / "python"),
            "CALLS": str(self.calls_file),
            "JOB_STATE": "RUNNING",
            "STATUS": "",
            "SILENT": "",
            "STEPS": str(min(nodes, 2)),
            "SLURM_JOB_ID": self.id,
            "SLURM_JOB_NODELIST": "n[1-3]",
            "SLURM_JOB_NUM_NODES": str(nodes),
            "SLURM_CPUS_PER_TASK": "4",
        }
        self.process = subprocess.Popen(
            ["bash", str(SCRIPT), *WORDS],
            env=os.environ | own | environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_for_the_driver(self) -> int:
        """The driver's process, which answers signals by now."""
        file = self.folder / "calls.driver"
        deadline = time.monotonic() + SECONDS
        while not (file.exists() and file.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return int(file.read_text())

    def reach_the_time_limit(self) -> None:
        """As Slurm does: tell the batch shell alone."""
        self.wait_for_the_driver()
        self.process.send_signal(signal.SIGTERM)

    def tell_everything(self) -> None:
        """As Slurm does where it cancels, or preempts at once."""
        os.kill(self.wait_for_the_driver(), signal.SIGTERM)
        self.process.send_signal(signal.SIGTERM)

    def tell_the_steps(self) -> None:
        """As Slurm does where it preempts with a time of grace."""
        self.wait_for_the_driver()
        for step in (self.folder / "calls.steps").read_text().split():
            os.killpg(int(step), signal.SIGTERM)

    def status(self) -> int:
        self.output, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode

    def calls(self, program: str = "") -> list[str]:
        if not self.calls_file.exists():
            return []
        return [c for c in self.calls_file.read_text().splitlines() if c.startswith(program)]

    def is_requeued(self) -> bool:
        return f"scontrol requeue {self.id}" in self.calls()


def free_port() -> int:
    """A free port among those that the script takes by the job's number."""
    while True:
        port = random.randrange(20_001, 40_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


@pytest.fixture
def job(tmp_path):
    job = Job(tmp_path)
    yield job
    if job.process.poll() is None:
        os.killpg(job.process.pid, signal.SIGKILL)
    shutil.rmtree(
        f"/tmp/pnn-study-{job.id}", ignore_errors=True
    )  # where a failed job leaves its logs


def ended(job, **environment):
    job.start(STATUS="0", **environment)
    assert job.status() == 0
    return job


def test_the_head_is_the_first_node_and_the_others_join_it(job, accept_ray_start):
    head, workers, tidying = ended(job).calls("srun ")
    port = 20_000 + int(job.id)
    assert "--nodes=1 --ntasks=1 --nodelist=n1 " in head
    assert "--nodes=2 --ntasks=2 --exclude=n1 " in workers
    options = accept_ray_start(head)
    assert options["head"] and options["block"]
    assert (options["port"], options["num_cpus"]) == (port, 4)
    options = accept_ray_start(workers)
    assert (options["address"], options["num_cpus"]) == (f"127.0.0.1:{port}", 4)
    assert tidying.endswith(f"--nodes=3 --ntasks=3 rm -rf /tmp/pnn-study-{job.id}")


def test_the_study_resumes_or_starts_once_all_nodes_can_train(job):
    (driver,) = ended(job).calls("driver ")
    arguments = parse_arguments(shlex.split(driver)[3:])
    assert driver.endswith(shlex.join(WORDS))
    assert arguments.resume_or_start
    assert arguments.min_workers == 3
    assert arguments.address == f"127.0.0.1:{20_000 + int(job.id)}"


def test_one_node_is_head_and_worker(job):
    job.start(nodes=1, STATUS="0")
    assert job.status() == 0
    assert len([call for call in job.calls("srun ") if " start " in call]) == 1


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_study_that_ended_by_itself_is_not_requeued(job, status):
    job.start(STATUS=str(status))
    assert job.status() == status
    assert not job.is_requeued()


def test_the_logs_of_ray_stay_where_the_study_failed(job):
    job.start(STATUS="1")
    job.status()
    assert not [call for call in job.calls("srun ") if "rm -rf" in call]


def test_a_study_whose_time_ends_is_told_once_and_requeued(job):
    job.start()
    job.reach_the_time_limit()
    assert job.status() == 130
    assert job.calls()[-1] == f"scontrol requeue {job.id}"
    assert job.calls("told") == ["told 1"]
    assert "requeued" in job.output


def test_a_controller_that_does_not_answer_once_costs_no_life(job):
    job.start(SILENT="once")
    job.reach_the_time_limit()
    assert job.status() == 130
    assert (job.folder / "calls.silent").exists()
    assert job.calls("told") == ["told 1"] and job.is_requeued()


def test_rays_folder_lies_in_one_that_others_cannot_enter(job):
    job.start()
    job.wait_for_the_driver()
    folder = Path(f"/tmp/pnn-study-{job.id}")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert f"--temp-dir {folder}/ray" in job.calls("srun ")[0]
    job.reach_the_time_limit()
    assert job.status() == 130


def test_a_folder_that_somebody_else_made_beforehand_is_not_used(job, tmp_path):
    folder = Path(f"/tmp/pnn-study-{job.id}")
    folder.symlink_to(tmp_path)
    try:
        job.start()
        assert job.status() == 1
        assert "Ray's head did not start" in job.output
        assert job.calls("driver ") == []
    finally:
        folder.unlink()


def test_a_study_whose_steps_are_preempted_is_told_once_and_requeued(job):
    job.start()
    job.tell_the_steps()
    assert job.status() == 130
    assert job.calls("told") == ["told 1"]
    assert job.is_requeued()


def test_a_study_whose_cluster_was_preempted_under_it_is_requeued(job):
    job.start(TOLD_STATUS="1")
    job.tell_the_steps()
    assert job.status() == 1
    assert job.is_requeued()


@pytest.mark.parametrize("status", ["0", "2"])
def test_a_study_that_ends_while_it_is_told_to_is_not_requeued(job, status):
    job.start(TOLD_STATUS=status)
    job.reach_the_time_limit()
    assert job.status() == int(status)
    assert not job.is_requeued()


@pytest.mark.parametrize("state", ["CANCELLED", "COMPLETING"])
def test_a_job_that_was_cancelled_or_is_requeued_by_slurm_is_told_once_and_stays_so(job, state):
    job.start(JOB_STATE=state)
    job.tell_everything()
    assert job.status() == 130
    assert job.calls("told") == ["told 1"]
    assert not job.is_requeued()


def test_an_environment_that_is_not_there_is_told_and_nothing_starts(job):
    job.start(PYTHON="/nowhere/bin/python")
    assert job.status() == 2
    assert "/nowhere/bin/ray is not there" in job.output
    assert job.calls() == []


def test_no_command_line_tells_the_token(job):
    job.start()
    job.reach_the_time_limit()
    environment = Path(f"/proc/{job.process.pid}/environ").read_bytes()
    assert b"RAY_AUTH_TOKEN" not in environment  # made by the script, for what it starts
    job.status()
    assert not re.search(r"[0-9a-f]{64}", " ".join(job.calls()) + job.output)


def test_slurm_is_asked_to_tell_the_script_in_time_and_may_requeue_it():
    asked = re.findall(r"^#SBATCH (.*)$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    assert {"--requeue", "--signal=B:TERM@90", "--open-mode=append"} <= {*asked}
