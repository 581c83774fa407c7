"""What a test needs that is not from pip: skipped where it is missing, failed where it must be."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

REQUIRED = bool(os.environ.get("PARLEY_TOOLS_REQUIRED"))


def missing(reason):
    """Skip the test, or fail it where every tool is required."""
    if REQUIRED:
        pytest.fail(f"{reason}, and PARLEY_TOOLS_REQUIRED is set", pytrace=False)
    pytest.skip(reason)


def tool(*names):
    """The path of the first of these programs that is installed."""
    for name in names:
        if path := shutil.which(name):
            return path
    return missing(f"none of {', '.join(names)} is installed")


def package(name):
    """Make sure that a Python package is installed."""
    if importlib.util.find_spec(name) is None:
        missing(f"the package {name} is not installed")


def recorded_speech():
    """The folder of recorded people, which is never part of the repository."""
    folder = Path(os.environ.get("PARLEY_SPEECH", ""))
    if not (folder / "manifest.jsonl").is_file():
        pytest.skip("PARLEY_SPEECH names no folder with a manifest.jsonl")
    return folder


def torch_python(*packages):
    """The Python of the environment that has torch, and these packages: see requirements/.

    Ours has none: moshi's pins exclude newer libraries, and torch is larger than all the rest.
    """
    python = os.environ.get("PARLEY_TORCH_PYTHON", ".venv-moshi/bin/python")
    if not shutil.which(python):
        return missing(f"{python} is not there; run: make moshi")
    command = [python, "-c", f"import {', '.join(('torch', *packages))}"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return missing(f"{python} lacks one of {', '.join(packages)}; run: make moshi")
    return python
