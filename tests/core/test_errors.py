"""What can go wrong is one tree, and says who broke."""

from pytest import mark

from agent.core import errors


def test_an_engine_names_itself_in_its_errors():
    fault = errors.EngineTooSlow("whisper", "2.1 s behind the sound")
    assert str(fault) == "whisper: 2.1 s behind the sound"
    assert fault.engine == "whisper"


@mark.parametrize(
    ("kind", "parent"),
    [
        (errors.ConfigError, errors.ParleyError),
        (errors.CallClosed, errors.CallError),
        (errors.DeviceError, errors.CallError),
        (errors.ProtocolError, errors.CallError),
        (errors.CallError, errors.ParleyError),
        (errors.EngineUnavailable, errors.EngineError),
        (errors.EngineFailed, errors.EngineError),
        (errors.EngineTooSlow, errors.EngineError),
        (errors.EngineError, errors.ParleyError),
    ],
)
def test_every_error_has_its_place_in_the_tree(kind, parent):
    assert parent in kind.__bases__
    assert kind.__name__ in (errors.__doc__ or "")
