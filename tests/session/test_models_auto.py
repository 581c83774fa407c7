"""The configuration `auto`: a table of what is here and what is chosen, and the real looking."""

import json

from pytest import fixture, mark, raises

from agent import auto
from agent.auto import CANDIDATES, SECTIONS, Choice, Found, Here, Power, Reason, choose, look
from agent.cli import main
from agent.commands.choice import told
from agent.core.errors import ConfigError
from pipelines.engines.kokoro import KokoroSettings
from pipelines.engines.llama_settings import LlamaSettings
from pipelines.engines.sherpa import SherpaSettings
from tests.support.file_server import serving
from tests.support.tools import package

SHIPPED = ("silero", "hazard", "sound", "the desk of offline.toml", "pocketsphinx", "espeak")
SMALL, BASE = "whisper small.en", "whisper base.en"
TURBO, ZIPFORMER = "whisper large-v3-turbo", "sherpa zipformer"
QWEN = "Qwen2.5 1.5B on llama.cpp"
OLLAMA = "chat server at 127.0.0.1:11434 (Ollama's port)"
VLLM = "chat server at 127.0.0.1:8000 (vLLM's and llama.cpp's port)"


def here(*labels, power=Power.ANY):
    """A machine with what parley ships and these."""
    found = {c.label: Found(lack="not here") for c in CANDIDATES}
    return Here(found | dict.fromkeys((*SHIPPED, *labels), Found(where="found")), power)


@mark.parametrize(
    ("machine", "section", "taken"),
    [
        (here(), "detector", "silero"),
        (here(), "recognizer", "pocketsphinx"),
        (here(BASE), "recognizer", BASE),
        (here(BASE, ZIPFORMER), "recognizer", ZIPFORMER),
        (here(BASE, SMALL), "recognizer", BASE),
        (here(BASE, SMALL, power=Power.FOUR_CORES), "recognizer", SMALL),
        (here(SMALL, TURBO, power=Power.FOUR_CORES), "recognizer", SMALL),
        (here(SMALL, TURBO, power=Power.GPU), "recognizer", TURBO),
        (here(power=Power.GPU), "recognizer", "pocketsphinx"),
        (here(), "responder", "the desk of offline.toml"),
        (here(OLLAMA), "responder", OLLAMA),
        (here(OLLAMA, VLLM), "responder", VLLM),
        (here(QWEN), "responder", "the desk of offline.toml"),
        (here(QWEN, power=Power.FOUR_CORES), "responder", QWEN),
        (here(QWEN, OLLAMA, power=Power.GPU), "responder", OLLAMA),
        (here(), "predictor", "hazard"),
        (here(), "judge", "sound"),
        (here(), "synthesizer", "espeak"),
        (here("piper lessac"), "synthesizer", "piper lessac"),
        (here("piper lessac", "kokoro"), "synthesizer", "piper lessac"),
        (here("piper lessac", "kokoro", power=Power.FOUR_CORES), "synthesizer", "kokoro"),
    ],
)
def test_the_best_that_is_here_and_can_keep_up_is_taken(machine, section, taken):
    choice = choose(machine, CANDIDATES, [section])
    assert [r.taken for r in choice.reasons] == [taken]
    (candidate,) = [c for c in CANDIDATES if c.label == taken]
    assert choice.tables == {section: candidate.table}


def test_better_ones_are_named_with_what_they_lack():
    (reason,) = choose(here(BASE, SMALL), CANDIDATES, ["recognizer"]).reasons
    assert reason.why == "found"
    assert SMALL in reason.passed["wants four cores or a GPU"]
    assert {TURBO, ZIPFORMER} <= set(reason.passed["not here"])


def test_a_section_for_which_nothing_is_here_is_a_sentence():
    nothing = Here({c.label: Found(lack="is missing") for c in CANDIDATES}, Power.GPU)
    with raises(
        ConfigError,
        match=r"nothing for the synthesizer is here. kokoro, piper lessac, espeak: is missing",
    ):
        choose(nothing, CANDIDATES, ["synthesizer"])


def test_what_was_seen_while_looking_becomes_a_setting():
    seen = here().found | {OLLAMA: Found(where="its model m", settings={"model": "m"})}
    choice = choose(Here(seen, Power.ANY), CANDIDATES, ["responder"])
    assert choice.tables["responder"]["model"] == "m"
    assert choice.tables["responder"]["base_url"] == "http://127.0.0.1:11434/v1"


@fixture
def bare(monkeypatch, tmp_path):
    """This machine with an empty cache and nobody at its ports."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    chat = [c for c in CANDIDATES if c.section == "responder" and "base_url" in c.table]
    monkeypatch.setattr(auto, "CANDIDATES", tuple(c for c in CANDIDATES if c not in chat))
    return tmp_path


def cached(cache, repository, *files):
    """A repository as the hub's client leaves it."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    for file in files:
        (folder / "snapshots" / "abc" / file).write_bytes(b"x")
    return folder / "snapshots" / "abc"


def test_it_is_a_configuration_like_any_other(bare):
    config, choice = auto.configured(["turns.prior=0.6"])
    assert [r.section for r in choice.reasons] == list(SECTIONS)
    assert (config.file, config.name) == ("auto", "The Olive Tree")
    assert config.tables["turns"] == {"prior": 0.6}
    assert config.tables["recognizer"] == {"engine": "pocketsphinx"}


def test_weights_in_the_cache_are_found_and_half_of_them_are_not(bare):
    cached(bare, "Systran/faster-whisper-tiny.en", "config.json", "model.bin", "tokenizer.json")
    cached(bare, "Systran/faster-whisper-base.en", "config.json", "tokenizer.json")
    config, choice = auto.configured([])
    assert config.tables["recognizer"]["model"] == "tiny.en"
    (reason,) = [r for r in choice.reasons if r.section == "recognizer"]
    assert (reason.taken, reason.why) == ("whisper tiny.en", "found in the cache")
    assert "whisper base.en" in reason.passed["not in the cache"]


def test_a_language_model_and_a_voice_in_the_cache_are_taken_as_they_lie_there(bare, monkeypatch):
    package("llama_cpp")
    package("kokoro_onnx")
    monkeypatch.setattr(auto, "_power", lambda: Power.FOUR_CORES)
    name = "qwen2.5-1.5b-instruct-q4_k_m.gguf"
    model = cached(bare, "Qwen/Qwen2.5-1.5B-Instruct-GGUF", name) / name
    voice = cached(bare, "fastrtc/kokoro-onnx", "kokoro-v1.0.onnx", "voices-v1.0.bin")
    config, choice = auto.configured([])
    taken = {r.section: (r.taken, r.why) for r in choice.reasons}
    assert taken["responder"] == (QWEN, "found in the cache")
    assert taken["synthesizer"] == ("kokoro", "found in the cache")
    assert config.settings(LlamaSettings, "responder").model == str(model)
    assert config.settings(KokoroSettings, "synthesizer").voices == str(voice / "voices-v1.0.bin")


def test_sherpa_is_given_the_folder_in_the_cache(bare):
    part = "-epoch-99-avg-1-chunk-16-left-128.int8.onnx"
    files = ["tokens.txt", *(f"{name}{part}" for name in ("encoder", "decoder", "joiner"))]
    folder = cached(bare, "csukuangfj/sherpa-onnx-streaming-zipformer-en-2023-06-26", *files)
    config, _ = auto.configured([])
    assert config.settings(SherpaSettings, "recognizer").model == str(folder)


def test_an_engine_named_by_hand_is_not_chosen_again(bare):
    config, choice = auto.configured(["recognizer.engine=whisper", "recognizer.model=tiny"])
    assert config.tables["recognizer"] == {"engine": "whisper", "model": "tiny"}
    assert "recognizer" not in [r.section for r in choice.reasons]


@mark.parametrize(
    ("answer", "found"),
    [
        (
            {"data": [{"id": "qwen"}, {"id": "other"}]},
            Found("", "its model qwen", {"model": "qwen"}),
        ),
        ({"data": []}, Found(lack="nobody answers there")),
        ([], Found(lack="nobody answers there")),
    ],
)
def test_a_chat_server_on_this_machine_is_asked_for_its_models(answer, found):
    with serving({"v1/models": json.dumps(answer).encode()}) as shelf:
        table = {"engine": "openai_chat", "base_url": f"{shelf.url}/v1"}
        assert look([auto.Candidate("responder", "chat", table)]).found == {"chat": found}


def test_the_choice_is_told_part_by_part_and_fits_a_terminal():
    passed = {"not in the cache": [c.label for c in CANDIDATES]}
    lines = told(Choice({}, (Reason("recognizer", BASE, "found", passed),)))
    assert lines[1] == "  recognizer  whisper base.en  (found)"
    assert lines[2].startswith(" " * 15 + "not in the cache: silero")
    assert max(map(len, lines)) <= 96


def test_it_can_be_used_in_place_of_a_configuration(bare, capsys, tmp_path):
    assert main(["talk", "auto", "--wav", str(tmp_path / "missing.wav")]) == 2
    printed = capsys.readouterr()
    assert "recognizer   pocketsphinx" in printed.out
    assert "missing.wav" in printed.err
    assert list(bare.iterdir()) == []
