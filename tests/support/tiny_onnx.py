"""An ONNX network of two steps, written by hand: a mean and a sigmoid. No library is needed."""

import struct

FLOAT, INT, INTS = 1, 2, 7  # ONNX: element type, and types of attributes


def mean_then_sigmoid(path, input_name="input_features", output_name="logits"):
    """Takes float32 [N, 80, 800], gives the sigmoid of each one's mean, float32 [N]."""
    nodes = [
        _node("ReduceMean", input_name, "mean", _ints("axes", 1, 2), _int("keepdims", 0)),
        _node("Sigmoid", "mean", output_name),
    ]
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, b"tiny"),
            _field(11, _value(input_name, "N", 80, 800)),
            _field(12, _value(output_name, "N")),
        ]
    )
    version = _field(8, _field(1, b"") + _number(2, 13))
    path.write_bytes(_number(1, 8) + _field(7, graph) + version)
    return path


def _node(kind, source, result, *attributes):
    ends = _field(1, source.encode()) + _field(2, result.encode())
    return ends + _field(4, kind.encode()) + b"".join(_field(5, a) for a in attributes)


def _ints(name, *values):
    return _field(1, name.encode()) + b"".join(_number(8, v) for v in values) + _number(20, INTS)


def _int(name, value):
    return _field(1, name.encode()) + _number(3, value) + _number(20, INT)


def _value(name, *shape):
    sizes = [_field(2, n.encode()) if isinstance(n, str) else _number(1, n) for n in shape]
    dims = b"".join(_field(1, size) for size in sizes)
    tensor = _number(1, FLOAT) + _field(2, dims)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _field(field, data):
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    out = []
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return struct.pack(f"{len(out) + 1}B", *out, value)
