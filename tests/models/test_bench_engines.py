"""`make bench-engines`: what it finds, what it measures, and what it says of what is not here."""

import subprocess
import sys

from pytest import fixture, mark

from agent.models import need
from benchmarks.engines import __main__ as bench
from benchmarks.engines import llama, one, recognisers, responders, voices
from benchmarks.engines.families import FAMILIES
from benchmarks.engines.figures import Figures, Row, table
from benchmarks.tiny_models.gguf import write_gguf
from tests.support.tools import package

pytestmark = mark.models

FAMILY = {family.name: family for family in FAMILIES}


@fixture(autouse=True)
def quick(monkeypatch):
    """One run of each: what is tested is that there is a figure, not how large it is."""
    for module in (recognisers, responders, llama, voices):
        monkeypatch.setattr(module, "RUNS", 1)
    monkeypatch.setattr(responders, "TURNS", 1)


def measured(section, settings, *, tones=False):
    return one.measure({"section": section, "table": settings, "tones": tones})


def test_a_recogniser_has_its_first_words_last_words_and_computing_time(tmp_path):
    package("sherpa_onnx")
    settings = {"engine": "sherpa", **FAMILY["sherpa"].make(tmp_path)}
    found = measured("recognizer", settings, tones=True)
    assert found.first_partial_s > 0
    assert found.final_s > 0
    assert found.real_time_factor > 0
    assert found.memory_mb is not None


def test_a_language_model_pays_for_its_new_words_and_says_what_the_rest_would_cost(tmp_path):
    package("llama_cpp")
    write_gguf(tmp_path / "random.gguf")
    settings = {"model": str(tmp_path / "random.gguf"), "max_tokens": 8, "threads": 1}
    found = measured("responder", {"engine": "llama", **settings})
    assert found.first_token_s > 0
    assert found.next_turn > 0
    known = {note.partition(":")[0]: note for note in found.notes}
    tokens = int(known["the same once more"].split(": ")[1].split()[0])
    assert tokens == 1
    assert int(known["a reply given up"].split(", ")[1].split()[0]) <= 1


def test_a_voice_has_its_first_sound_and_computing_time(tmp_path):
    package("piper")
    found = measured("synthesizer", {"engine": "piper", **FAMILY["piper"].make(tmp_path)})
    assert found.first_audio_s > 0
    assert found.real_time_factor > 0


def test_an_engine_is_measured_in_a_process_of_its_own(tmp_path, monkeypatch):
    package("espeakng_loader")
    asked = []
    run = subprocess.run

    def seen(command, **more):
        asked.append(command)
        return run(command, **more)

    monkeypatch.setattr(subprocess, "run", seen)
    found = bench._measured(FAMILY["espeak"], "its own", {})
    assert isinstance(found, Figures)
    assert asked[0][:3] == [sys.executable, "-m", "benchmarks.engines.one"]


def test_an_engine_that_breaks_is_a_line_of_the_table(tmp_path):
    package("sherpa_onnx")
    found = bench._measured(FAMILY["sherpa"], "empty", {"model": str(tmp_path)})
    assert found.startswith("**failed**: ")
    assert "sherpa" in found


def test_an_engine_that_is_not_installed_is_a_line_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setattr(need.importlib.util, "find_spec", lambda name: None)
    rows = [Row(f.name, "", bench._measured(f, "", {})) for f in FAMILIES if f.name != "flow"]
    lines = table(rows).splitlines()[2:]
    assert len(lines) == len(FAMILIES) - 1
    assert all("not installed: `pip install" in line for line in lines)
    assert {line.count("|") for line in lines} == {11}


def test_real_models_are_found_by_their_formats(tmp_path):
    for name in (
        "hub/whisper-tiny/model.bin",
        "hub/whisper-tiny/config.json",
        "zipformer/tokens.txt",
        "zipformer/encoder-epoch-99.int8.onnx",
        "qwen.gguf",
        "qwen-mmproj.gguf",
        "amy.onnx",
        "amy.onnx.json",
        "kokoro-v1.0.onnx",
        "voices-v1.0.bin",
        "pocket/english.yaml",
        "pocket/voice-amy.safetensors",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("flow_lm: {}" if path.suffix == ".yaml" else "")
    found = {f.name: [name for name, _ in f.find(tmp_path)] for f in FAMILIES}
    assert {name: where for name, where in found.items() if where} == {
        "whisper": ["hub/whisper-tiny"],
        "sherpa": ["zipformer"],
        "llama": ["qwen.gguf"],
        "piper": ["amy.onnx"],
        "kokoro": ["kokoro-v1.0.onnx"],
        "pocket_tts": ["pocket/english.yaml"],
    }


def test_a_folder_of_models_that_is_not_there_is_told_in_words(monkeypatch, capsys):
    monkeypatch.setenv("PARLEY_MODELS", "/nowhere")
    assert bench.main() == 2
    assert "expected a folder with models, found no folder at /nowhere" in capsys.readouterr().out


def test_a_chat_server_of_the_benchmarks_own_answers():
    package("openai")
    with bench._repeating_server() as url:
        found = measured("responder", {"engine": "openai_chat", "base_url": url, "model": "none"})
    assert found.first_token_s > 0
