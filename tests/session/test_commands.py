"""What a command leaves behind when its call does not come about, or is hung up here."""

import socket

from pytest import fixture, raises

from agent.cli import main
from agent.commands.recorded import RECORDING, TRACE, hangs_up_here
from audio_io.wav_file import StereoWriter
from tests.support.scripted_agent import SCRIPTED
from tests.support.tools import package

HEADER = '{"t": 0.0, "event": "call", "version": 1, "turns": {}}\n'


@fixture
def tone(tmp_path):
    path = tmp_path / "tone.toml"
    path.write_text(SCRIPTED, encoding="utf-8")
    return str(path)


def test_a_telephone_that_nobody_answers_is_a_sentence(tone, capsys):
    package("aiosipua")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        to = f"sip:100@127.0.0.1:{silent.getsockname()[1]}"
        assert main(["call", to, "--config", tone, "--ring", "0.2"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("parley: ")
    assert "expected an answer within 0.2 s" in told


def test_a_call_hung_up_with_ctrl_c_gets_its_report(tmp_path, capsys):
    recording = StereoWriter(tmp_path / RECORDING, 16_000)
    with raises(KeyboardInterrupt), hangs_up_here(tmp_path), recording:
        (tmp_path / TRACE).write_text(HEADER, encoding="utf-8")
        raise KeyboardInterrupt
    assert (tmp_path / "report.html").is_file()
    assert "report.html" in capsys.readouterr().out


def test_a_call_that_had_not_begun_gets_no_report_of_an_earlier_one(tmp_path):
    (tmp_path / TRACE).write_text(HEADER, encoding="utf-8")
    with raises(KeyboardInterrupt), hangs_up_here(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
