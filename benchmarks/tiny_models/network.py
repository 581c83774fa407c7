"""A small ONNX network from its nodes, its constants, and what goes in and out."""


def save_network(path, nodes, inputs, outputs, constants, **metadata):
    """Check it and write it.

    Args:
        path: the file.
        nodes: operator, names of its sources, name of its result, and its attributes where it has.
        inputs: name to element type (`float`, `int32`, `int64`) and shape; what varies has a name.
        outputs: the same.
        constants: name to array; those that no node uses are left out.
        metadata: key to value, as the library that runs it looks for.
    """
    from onnx import checker, helper, numpy_helper, save

    used = {name for _, sources, *_ in nodes for name in sources}
    graph = helper.make_graph(
        [_node(*node) for node in nodes],
        path.stem,
        _values(inputs),
        _values(outputs),
        [numpy_helper.from_array(data, name) for name, data in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    checker.check_model(model)
    save(model, str(path))


def _node(kind, sources, result, attributes=None):
    from onnx import helper

    return helper.make_node(kind, sources, [result], **(attributes or {}))


def _values(described):
    from onnx import TensorProto, helper

    kinds = {"float": TensorProto.FLOAT, "int32": TensorProto.INT32, "int64": TensorProto.INT64}
    return [
        helper.make_tensor_value_info(name, kinds[kind], shape)
        for name, (kind, shape) in described.items()
    ]
