"""An engine that was used and closed leaves nothing of its model in memory."""

import contextlib
import gc
import types
import weakref
from enum import Enum

from pytest import mark

from agent.core.protocols import Expectation, Message, Role
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.gguf import write_gguf
from benchmarks.tiny_models.tones import tones
from benchmarks.tiny_models.voices import kokoro_voice, piper_voice
from benchmarks.tiny_models.whisper import write_tone_whisper
from benchmarks.tiny_models.zipformer import write_tone_zipformer
from pipelines.engines.kokoro import Kokoro, KokoroSettings
from pipelines.engines.llama import Llama
from pipelines.engines.llama_settings import LlamaSettings
from pipelines.engines.piper import Piper, PiperSettings
from pipelines.engines.sherpa import Sherpa, SherpaSettings
from pipelines.engines.whisper import Whisper, WhisperSettings
from tests.contracts.voices import said
from tests.support.tools import package

pytestmark = mark.models

OWNERS = (
    "pipelines.engines",
    *("faster_whisper", "ctranslate2", "sherpa_onnx", "_sherpa_onnx", "onnxruntime"),
    *("piper", "kokoro_onnx"),
)


async def heard(ear):
    recognition = await ear.open(1, Expectation())
    await recognition.feed(tones("drop the two"))
    await recognition.finish()
    await recognition.close()


async def replied(mind):
    return [piece async for piece in mind.reply((Message(Role.CALLER, "hello"),), ())]


def whisper(folder):
    package("faster_whisper")
    write_tone_whisper(folder)
    return Whisper.load(WhisperSettings(str(folder), device="cpu", context_s=12.0)), heard


def sherpa(folder):
    package("sherpa_onnx")
    write_tone_zipformer(folder)
    return Sherpa.load(SherpaSettings(str(folder))), heard


def llama(folder):
    package("llama_cpp")
    write_gguf(folder / "random.gguf")
    settings = LlamaSettings(str(folder / "random.gguf"), max_tokens=8, context_tokens=512)
    return Llama.load(settings), replied


def piper(folder):
    package("piper")
    return Piper.load(PiperSettings(piper_voice(folder / "voice.onnx"))), hello


def kokoro(folder):
    package("kokoro_onnx")
    return Kokoro.load(KokoroSettings(*kokoro_voice(folder))), hello


async def hello(voice):
    assert len(await said(voice, "Hello there.")) > 0


def models_of(engine):
    """The libraries' own objects, and ours, that an engine holds, however deep."""
    found, left = {}, [engine]
    while left:
        one = left.pop()
        held = gc.get_referents(one) if isinstance(one, dict | list | tuple) else ()
        if type(one).__module__.startswith(OWNERS) and id(one) not in found:
            found[id(one)] = one
            held = gc.get_referents(one)
        left += [h for h in held if not isinstance(h, type | types.ModuleType | Enum)]
    return list(found.values())


def watched(things):
    """A weak reference to each that allows one, by the name of its class."""
    found = []
    for thing in things:
        with contextlib.suppress(TypeError):
            found.append((type(thing).__name__, weakref.ref(thing)))
    return found


@mark.parametrize(
    ("made", "model"),
    [
        (whisper, "WhisperModel"),
        (sherpa, "OnlineRecognizer"),
        (llama, "LlamaNative"),
        (piper, "InferenceSession"),
        (kokoro, "InferenceSession"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nothing_of_a_model_is_left_once_its_engine_is_closed(made, model, tmp_path):
    engine, use = made(tmp_path)
    run_virtual(use(engine))
    watching = watched(models_of(engine))
    assert model in {name for name, _ in watching}
    engine.close()
    del engine
    gc.collect()
    assert [name for name, thing in watching if thing() is not None] == []
