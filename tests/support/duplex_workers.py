"""The environment with torch and moshi, a tiny model for it, and workers that run it."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from tests.support.tools import moshi_python

ROOT = Path(__file__).parents[2]

CPU = {"device": "cpu", "numbers": "float32", "slots": 8}


def environment():
    """One thread: two are slower on busy cores, and no C++ compiler in the middle of a test."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NO_TORCH_COMPILE": "1"}


def run_script(name, *arguments):
    """What a script of tests/support prints as its last line, JSON."""
    command = [moshi_python(), str(ROOT / "tests/support" / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]


def write_tiny_moshi(folder, kind="moshi"):
    """A checkpoint of random numbers in this folder, of a kind of tiny_moshi.py; the folder."""
    run_script("tiny_moshi.py", folder, kind)
    return folder


def checked(folder, *checks):
    """What tests/support/moshi_checks.py found."""
    return json.loads(run_script("moshi_checks.py", folder, *checks))


def worker_command(checkpoint, listen="127.0.0.1:0", **model):
    """How a worker with this model is started."""
    settings = {"checkpoint": checkpoint, **CPU, **model}
    words = [f"model.{name}={value}" for name, value in settings.items()]
    module = ["-P", "-m", "agent.commands.duplex_worker"]
    return [moshi_python(), *module, *words, f"worker.listen={listen}"]


@contextmanager
def running_worker(checkpoint, listen="127.0.0.1:0", **model):
    """A worker in a process of its own: the process, and where it listens."""
    command = worker_command(checkpoint, listen, **model)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            lines = iter(process.stdout.readline, "")
            ready = next((line for line in lines if " answers at " in line), "")
            assert ready, f"the worker ended with status {process.wait()}"
            yield process, ready.split(" answers at ")[1].rpartition(": ")[0]
        finally:
            process.kill()


def refusal(checkpoint, **model):
    """What a worker says that cannot start."""
    done = subprocess.run(
        worker_command(checkpoint, **model),
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr[-2000:])
    return done.stderr.strip().splitlines()[-1]
