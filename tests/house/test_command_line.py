"""The command line as a person meets it: help at once, faults in sentences."""

import subprocess
import sys

from pytest import mark, raises

from agent.cli import main


def test_help_names_every_command(capsys):
    with raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for command in "demo talk serve replay report bench models doctor".split():
        assert command in printed


def test_help_imports_nothing_heavy():
    program = "import sys, agent.cli; agent.cli._parser(); print(' '.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "asyncio", "onnxruntime", "pocketsphinx", "starlette", "websockets"}
    assert heavy & set(out.stdout.split()) == set()


@mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--config", "nowhere"], ["nowhere", "no such file", "offline"]),
        (["demo", "--config", "nowhere.toml"], ["nowhere.toml", "cannot be read"]),
        (["demo", "nowhere"], ["nowhere", "no such file", "offline"]),
        (["demo", "--config", "nowhere", "--fast"], ["nowhere", "no such file"]),
        (["demo", "auto", "--set", "recognizer.engine=ears"], ["recognizer", "whisper", "ears"]),
        (["models", "list", "nowhere"], ["nowhere", "no such file", "offline"]),
        (["models", "pull", "nowhere.toml"], ["nowhere.toml", "cannot be read"]),
        (["models", "pull", "cascade", "--set", "recognizer.modle=x"], ["did you mean model"]),
        (["models", "check", "offline", "--set", "nonsense"], ["nonsense", "section.key=value"]),
        (["demo", "--set", "turns.pause_mi_s=1"], ["pause_mi_s", "did you mean pause_min_s"]),
        (["demo", "--set", "turns.prior=2"], ["prior", "expected 0 to 1"]),
        (["demo", "--set", "detector.engine=ears"], ["detector", "silero", "ears"]),
        (["demo", "--set", "nonsense"], ["nonsense", "section.key=value"]),
        (["demo", "--set", "nosuch.key=1"], ["nosuch", "unknown section"]),
        (["talk", "--wav", "missing.wav"], ["missing.wav"]),
        (["replay", "missing.jsonl"], ["missing.jsonl"]),
        (["bench", "--virtual", "--target", "ws://h:1/ws"], ["--virtual", "this process"]),
        (["bench", "--target", "nowhere"], ["nowhere", "offline"]),
        (["bench", "--recording", "x.wav"], ["--events"]),
        (["bench", "--min", "joint"], ["--min joint", "joint=0.85"]),
        (["bench", "compare", "a", "b"], ["a"]),
        (["bench", "--max", "gap.p95=1ms", "compare", "a", "b"], ["--max", "leave them out"]),
        (["report", "missing"], ["missing", "call.wav"]),
        (["serve", "--out", "taken"], ["taken", "File exists"]),
        (["bench", "runtime", "--out", "taken"], ["taken", "File exists"]),
        (["bench", "runtime", "--out", "taken/x"], ["taken/x", "Not a directory"]),
    ],
)
def test_a_fault_is_a_sentence_and_exit_status_two(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("parley: ")
    assert len(printed.strip().splitlines()) == 1
    for word in words:
        assert word in printed


@mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_telephone_rings_for_a_time_that_ends(seconds, capsys):
    with raises(SystemExit) as stop:
        main(["call", "sip:100@127.0.0.1", "--ring", seconds])
    assert stop.value.code == 2
    assert "--ring" in capsys.readouterr().err
