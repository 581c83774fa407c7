"""What configurations need: as declared, as found on disk, as printed, as tried out."""

import ast
import importlib.util
import re
import socket
from dataclasses import replace
from pathlib import Path

from pytest import fixture, mark, raises

from agent.cli import main
from agent.commands.columns import columns, size
from agent.commands.doctor import OFFLINE, PARTS, doctor
from agent.commands.machine import port
from agent.commands.rehearsal import rehearse
from agent.config import checked, load, shipped
from agent.core.errors import ConfigError
from agent.models.hub import Repository
from agent.models.need import Need, Own, Package, Server, State, remedy
from agent.models.needs import NEEDS, needs, needs_of, whisper_repository
from tests.support.scripted_agent import SCRIPTED
from tests.support.tools import package


@fixture
def scripted(tmp_path):
    path = tmp_path / "scripted.toml"
    path.write_text(SCRIPTED, encoding="utf-8")
    return path


def asked(**tables):
    return needs(checked("test", tables))


@mark.parametrize(
    "path", sorted(shipped("offline.toml").parent.glob("*.toml")), ids=lambda p: p.stem
)
def test_every_engine_of_our_configurations_says_what_it_needs(path):
    config = load(path)
    silent = ("flow", "hazard", "completeness", "sound", "scripted", "worker")  # parley's own
    engines = {t["engine"] for t in config.tables.values() if "engine" in t}
    assert engines - set(silent) == {need.engine for _, need in needs(config)} <= set(NEEDS)


def test_whisper_needs_its_package_and_a_repository_with_size_and_licence():
    package, weights = needs_of(load("cascade"), "recognizer")
    assert package.source.module == "faster_whisper"
    assert weights.source.name == "Systran/faster-whisper-small.en"
    assert (weights.size_bytes, weights.licence) == (484_000_000, "MIT")


def test_whispers_repositories_are_those_of_its_library():
    utils = Path(importlib.util.find_spec("faster_whisper").origin).with_name("utils.py")
    tree = ast.parse(utils.read_text(encoding="utf-8"))
    (table,) = [
        n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "_MODELS"
    ]
    theirs = ast.literal_eval(table)
    assert {name: whisper_repository(name) for name in theirs} == theirs
    assert whisper_repository("me/mine") == "me/mine"


def test_a_folder_of_ones_own_is_no_download(tmp_path):
    (_, (_, weights)) = asked(recognizer={"engine": "whisper", "model": str(tmp_path)})
    assert isinstance(weights.source, Own)
    assert weights.state() is State.HERE


@mark.parametrize(
    ("model", "kind", "words"),
    [
        ("", Own, "not given"),
        ("/nowhere/zipformer", Own, "/nowhere/zipformer"),
        ("hf://csukuangfj/sherpa-onnx-streaming-zipformer-en-2023-06-26", Repository, "zipformer"),
        ("hf://them/another", Repository, "another"),
    ],
)
def test_sherpa_needs_a_folder_or_a_repository(model, kind, words):
    (_, (_, need)) = asked(recognizer={"engine": "sherpa", "model": model})
    assert isinstance(need.source, kind)
    assert words in need.what
    assert need.state() is State.MISSING


def test_weights_on_the_hub_are_one_need(tmp_path):
    for engine, section in (("silero", "detector"), ("smart-turn", "predictor")):
        table = {"engine": engine, "weights": "hf://me/mine/v6/mine.onnx"}
        ((_, need),) = asked(**{section: table})
        files = ("v6/mine.onnx", "v6/mine.onnx.json")
        assert need.source == Repository("me/mine", files[:1], files)
        assert need.engine == engine


def test_weights_inside_a_package_are_looked_for_there():
    assert Package("faster_whisper", "x", "assets/silero_vad_v6.onnx").place().is_file()
    assert Package("faster_whisper", "x", "assets/nothing.onnx").place() is None
    assert Package("no_such_package", "x").place() is None


def test_a_server_is_not_asked():
    assert Need("chat", "a server", Server("http://127.0.0.1:9")).state() is State.UNKNOWN


@mark.parametrize(
    ("source", "words"),
    [
        (Package("x", "pip install x"), "pip install x"),
        (Repository("a/b", ("c",)), "parley models pull mine"),
        (Own(Path("x"), "convert it"), "convert it"),
        (Server("http://h"), "start it at http://h"),
    ],
)
def test_each_kind_has_a_remedy(source, words):
    assert remedy(source, "mine") == words


def test_a_wrong_setting_is_told_as_when_loading():
    with raises(ConfigError, match=r"modle.*did you mean model"):
        asked(recognizer={"engine": "whisper", "modle": "tiny"})


def test_the_list_says_what_is_here_what_is_missing_and_what_mends_it(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert main(["models", "list", "cascade", "offline"]) == 0
    cascade, offline = capsys.readouterr().out.strip().split("\n\n")
    assert "something is missing" in cascade.splitlines()[0]
    assert re.search(r"recognizer +whisper +weights small.en +484 MB +MIT +missing", cascade)
    assert cascade.endswith("to mend it: parley models pull cascade")
    assert "all of it is here" in offline
    assert all("here" in line for line in offline.splitlines())


def test_three_commands_lead_from_nothing_to_whisper_a_gguf_file_and_kokoro(
    capsys, monkeypatch, tmp_path
):
    """Here as far as they come without a network: each of them says what it wants."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["models", "list", "local"]) == 0
    listed = capsys.readouterr().out
    for part in (
        r"recognizer +whisper +weights base.en +145 MB +MIT +missing",
        r"responder +llama +qwen2.5-1.5b-instruct-q4_k_m.gguf +1.12 GB +Apache-2.0 +missing",
        r"synthesizer +kokoro +kokoro-v1.0.onnx +326 MB +Apache-2.0 +missing",
        r"synthesizer +kokoro +voices-v1.0.bin +28 MB +Apache-2.0 +missing",
    ):
        assert re.search(part, listed), part
    assert "to mend it: parley models pull local" in listed
    assert main(["models", "pull", "local"]) == 2
    assert "Systran/faster-whisper-base.en" in (told := capsys.readouterr().err)
    assert "Traceback" not in told
    assert main(["talk", "local"]) == 2
    assert "parley models pull" in (told := capsys.readouterr().err)
    assert "Traceback" not in told


def test_pulling_what_is_here_or_is_not_ours_to_fetch_changes_nothing(capsys):
    assert main(["models", "pull", "offline"]) == 0
    assert "silero: weights in faster-whisper: here" in capsys.readouterr().out
    wants = ["--set", "recognizer.engine=sherpa", "--set", "recognizer.model=/nowhere"]
    assert main(["models", "pull", "offline", *wants]) == 1
    assert "sherpa: folder /nowhere is missing: unpack a model of" in capsys.readouterr().out


def test_a_check_loads_every_part_and_lets_the_voice_speak_to_the_ear(scripted, capsys):
    assert main(["models", "check", str(scripted)]) == 0
    printed = capsys.readouterr().out
    for part in ("detector", "predictor", "responder", "recognizer", "synthesizer"):
        assert f"  {part}" in printed
    assert "loaded in" in printed
    assert "of sound; the first after" in printed
    assert "understood" in printed


def test_a_check_says_what_does_not_load_and_tries_the_rest(scripted, capsys):
    broken = ["--set", "recognizer.engine=sherpa", "--set", "recognizer.words=1"]
    assert main(["models", "check", str(scripted), *broken]) == 2
    lacking = scripted.with_name("lacking.toml")
    words = 'words = [{start_s = 2.2, end_s = 3.0, text = "hours"}]'
    text = SCRIPTED.replace(
        'engine = "scripted"\n' + words, 'engine = "sherpa"\nmodel = "/nowhere"'
    )
    lacking.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["models", "check", str(lacking)]) == 1
    printed = capsys.readouterr().out
    assert "recognizer   sherpa        does not load" in printed
    assert "found nothing at /nowhere" in printed
    assert "said" in printed


def test_a_rehearsal_is_a_call_with_one_question_and_its_answer(scripted):
    heard = rehearse(load(scripted))
    assert heard.said == "hello what are your opening hours"
    assert (heard.understood, heard.answered) == ("hours", "From nine to five.")
    assert heard.worked


def test_a_rehearsal_in_which_nothing_is_understood_did_not_work(scripted):
    assert not rehearse(load(scripted, ["recognizer.words=[]"])).worked


def test_tables_are_aligned_and_empty_columns_take_no_room():
    assert columns([("a", "", "long"), ("bcd", "", "x")]) == ["  a    long", "  bcd  x"]
    assert columns([]) == []
    assert [size(n) for n in (0, 295_000, 484_000_000, 1_620_000_000, 2_345 * 10**9)] == [
        "", "295 kB", "484 MB", "1.62 GB", "2345 GB",
    ]  # fmt: skip


def test_the_doctor_looks_at_everything_and_lets_parley_talk_to_itself(scripted, capsys):
    package("pocketsphinx")
    package("espeakng_loader")
    assert doctor(load(scripted)) == 0
    printed = capsys.readouterr().out
    for title in ("Packages", "Machine", "Configuration auto", "Conversation"):
        assert f"\n{title}\n" in printed
    assert "understood   “hours”" in printed
    assert printed.endswith("parley demo can run\n")
    for line in printed.splitlines():
        assert " missing " not in line or "pip install" in line
        assert len(line) <= 110


def test_the_doctor_says_when_nothing_was_understood(scripted, capsys):
    assert doctor(load(scripted, ["recognizer.words=[]"])) == 1
    assert capsys.readouterr().out.endswith("parley demo does not work here\n")


def test_the_doctor_says_which_command_brings_what_is_missing(scripted, capsys, monkeypatch):
    lacking = replace(PARTS[0], module="no_such_package", remedy=OFFLINE)
    monkeypatch.setattr("agent.commands.doctor.PARTS", (lacking, *PARTS[1:]))
    assert doctor(load(scripted)) == 1
    printed = capsys.readouterr().out
    assert re.search(r"numpy +missing +sound as arrays +pip install 'parley\[offline\]'\n", printed)
    assert printed.endswith("install what is missing above\n")


def test_a_port_is_free_or_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert f"taken; parley serve --port {number + 1}" in port("127.0.0.1", number)
    assert port("127.0.0.1", number) == "free"
