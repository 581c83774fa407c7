"""A small ONNX network whose weights come inside another package's wheel."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agent.core.errors import EngineUnavailable


@dataclass(frozen=True, slots=True)
class Packed:
    """Where the weights are.

    Attributes:
        module: the package as it is imported; it is found, never imported.
        wheel: its name for a person.
        file: the weights inside it.
        install: the sentence for a package that is missing.
        mend: the sentence for a package without the file.
    """

    module: str
    wheel: str
    file: str
    install: str
    mend: str


def weights(engine: str, own: str, packed: Packed) -> Path:
    """The user's own file, or the one inside the package.

    Raises:
        EngineUnavailable: neither is there.
    """
    if own:
        path, remedy = Path(own), "Correct the path in `weights`, or leave it empty."
    else:
        spec = find_spec(packed.module)
        if spec is None or spec.origin is None:
            raise EngineUnavailable(
                engine,
                f"the weights come with {packed.wheel}, which is not installed. {packed.install}",
            )
        path, remedy = Path(spec.origin).parent / packed.file, packed.mend
    if not path.is_file():
        raise EngineUnavailable(engine, f"expected weights at {path}, found no file. {remedy}")
    return path


def network(engine: str, path: Path, inputs: list[str], advice: str) -> Any:
    """An inference session of one thread: these networks are too small to share out, and more
    threads would take cores from the calls.

    Raises:
        EngineUnavailable: ONNX Runtime is missing, or the file is not this network.
    """
    try:
        import onnxruntime  # noqa: PLC0415  # slow to import, and may be missing
    except ImportError as fault:
        raise EngineUnavailable(
            engine, "ONNX Runtime is not installed. Run: pip install onnxruntime"
        ) from fault
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as fault:  # ONNX Runtime has no error class of its own to name
        raise EngineUnavailable(engine, f"{path} is not a network it can read: {fault}") from fault
    found = [i.name for i in session.get_inputs()]
    if found != inputs:
        wanted = ("inputs " if len(inputs) > 1 else "the input ") + ", ".join(inputs)
        raise EngineUnavailable(
            engine, f"{path}: expected {wanted}, found {', '.join(found)}. {advice}"
        )
    return session
