"""A voice's ONNX network, opened with as many threads as it was given."""

from importlib import import_module
from pathlib import Path
from typing import Any

from agent.core.errors import EngineUnavailable


def session(engine: str, model: Path, threads: int, *inputs: str) -> Any:
    """An inference session on the CPU.

    Left alone, ONNX Runtime takes every core for each sentence, and the other calls wait.

    Raises:
        EngineUnavailable: it is no network with these inputs.
    """
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        opened = runtime.InferenceSession(str(model), options, ["CPUExecutionProvider"])
    except Exception as fault:  # onnxruntime's faults have no common class
        raise EngineUnavailable(engine, f"{model}: expected an ONNX network: {fault}") from fault
    found = [given.name for given in opened.get_inputs()]
    if missing := [name for name in inputs if name not in found]:
        raise EngineUnavailable(
            engine,
            f"{model}: expected a network with the inputs {', '.join(missing)}, "
            f"found {', '.join(found)}. It is the model of another engine",
        )
    return opened
