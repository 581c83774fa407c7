"""What a test needs that is not from pip: skipped where it is missing, failed where it must be."""

import importlib.util
import os
import shutil
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


def moshi_python():
    """The Python that can import torch and moshi: PARLEY_MOSHI_PYTHON, or that of `make moshi`.

    Ours cannot: moshi's pins exclude newer libraries, and torch is larger than all the rest.
    """
    root = Path(__file__).parents[2]
    found = Path(os.environ.get("PARLEY_MOSHI_PYTHON") or root / ".venv-moshi/bin/python")
    if not found.is_file():
        missing(f"there is no Python with torch and moshi at {found}; `make moshi` makes one")
    return str(found)
