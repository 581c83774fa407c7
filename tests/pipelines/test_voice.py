"""What all voices share: trimming, cutting, pauses, the memory, the worker, consent."""

import contextlib
import threading
import wave

import numpy as np
from pytest import approx, fixture, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.playout import Playout
from agent.core.protocols import Speech
from agent.virtual_loop import run_virtual
from pipelines.engines.voice import Threaded, Voice, file_of, needed
from pipelines.engines.voice_cache import SpokenBefore
from pipelines.engines.voice_consent import agreed
from pipelines.engines.voice_cut import Chunk, sounded
from pipelines.engines.voice_markup import Manner
from pipelines.engines.voice_text import Passage
from pipelines.engines.voice_words import Word
from pipelines.engines.voice_worker import Worker
from pipelines.unspaced import joined
from tests.contracts.voices import given, said

RATE = 8000


def tone(seconds, level=0.3):
    return level * np.sin(np.arange(round(seconds * RATE)) * 0.3).astype(np.float32)


def hush(seconds):
    noise = np.random.default_rng(1).uniform(-1, 1, round(seconds * RATE))
    return (noise * 1e-3).astype(np.float32)


def passage(text, **manner):
    return Passage(tuple(Word(w, w) for w in text.split()), Manner(**manner))


def cut(text, *sounds, **manner):
    made = sounded(passage(text, **manner), iter([Chunk(s) for s in sounds]), RATE)
    return [piece for step in made for piece in step]


def length_s(found):
    return sum(piece.frame.duration_s for piece in found)


def text_of(found):
    return " ".join(piece.text for piece in found if piece.text)


# --- cutting --------------------------------------------------------------------------------------


def test_the_silence_around_a_passage_is_cut_off():
    found = cut("one two", np.concatenate([hush(0.34), tone(0.6), hush(0.3)]))
    assert length_s(found) == approx(0.63, abs=0.005)
    first = np.concatenate([piece.frame.samples for piece in found])
    assert np.flatnonzero(np.abs(first) > 0.004)[0] <= 0.02 * RATE


def test_an_only_chunk_is_shared_by_its_words_in_proportion():
    found = cut("a bbbbbbb", tone(1.0))
    (end,) = [piece.frame.end for piece in found if piece.text == "a"]
    assert end / RATE == approx(0.2, abs=0.02)
    assert text_of(found) == "a bbbbbbb"


@mark.parametrize("count", [2, 3, 10])
def test_sound_that_comes_in_chunks_carries_every_word_once(count):
    whole = np.concatenate([hush(0.2), tone(2.0)])
    found = cut("the quick brown fox jumps", *np.array_split(whole, count))
    assert text_of(found) == "the quick brown fox jumps"
    assert [p.frame.start for p in found] == [0, *(p.frame.end for p in found[:-1])]
    assert max(p.frame.duration_s for p in found) <= 0.2
    assert length_s(found) == approx(2.015, abs=0.005)


def test_the_first_chunk_is_given_out_once_the_second_is_there():
    asked = []

    def chunks():
        for n in range(5):
            asked.append(n)
            yield Chunk(tone(0.08))

    steps = sounded(passage("one two three"), chunks(), RATE)
    assert [len(next(steps)), len(next(steps))] == [0, 1]
    assert asked == [0, 1]


def test_words_lie_where_the_engine_says_as_far_as_it_knows():
    known = [(800,), (800, 4000), (800, 4000, 5600)]
    chunks = [Chunk(np.concatenate([hush(0.1), tone(0.2)]), known[0])]
    chunks += [Chunk(tone(0.3), words) for words in known[1:]]
    made = sounded(passage("one two three"), iter(chunks), RATE)
    found = [piece for step in made for piece in step]
    ends = {piece.text: piece.frame.end for piece in found if piece.text}
    assert list(ends) == ["one", "two", "three"]
    cut = 800 - round(0.015 * RATE)  # of the silence before the first word
    for word, end in (("one", 4000), ("two", 5600)):
        assert ends[word] >= end - cut
        assert ends[word] <= end - cut + 0.2 * RATE


@mark.parametrize("sounds", [(), (hush(0.5),), (hush(0.1), hush(0.1))])
def test_words_without_a_sound_are_kept_on_a_short_silence(sounds):
    found = cut("— —", *sounds)
    assert text_of(found) == "— —"
    assert length_s(found) == approx(0.02)


def test_louder_is_louder_and_never_beyond_full_scale():
    (soft,) = cut("a", tone(0.1), gain_db=-6)
    (loud,) = cut("a", tone(0.1, 0.9), gain_db=6)
    assert np.abs(soft.frame.samples).max() == approx(0.15, abs=0.01)
    assert np.abs(loud.frame.samples).max() == 1


# --- the memory -----------------------------------------------------------------------------------


def spoken(seconds):
    return [Speech(AudioFrame(tone(seconds), RATE, 0), "x")]


def test_what_was_not_said_for_the_longest_time_is_forgotten():
    memory = SpokenBefore(3.0)
    for name in "ab":
        memory.keep(passage(name), spoken(1.4))
    assert memory.find(passage("a"))
    memory.keep(passage("c"), spoken(1.4))
    assert [bool(memory.find(passage(name))) for name in "abc"] == [True, False, True]
    assert memory.held_s == approx(2.8)


def test_long_passages_and_other_manners_are_not_remembered():
    memory = SpokenBefore(30.0)
    memory.keep(passage("a"), spoken(11))
    memory.keep(passage("b"), spoken(1))
    memory.keep(passage("b"), spoken(1))
    assert memory.held_s == 1
    assert memory.find(passage("a")) == memory.find(passage("b", pace=0.8)) == ()


# --- the voice ------------------------------------------------------------------------------------


class Tones:
    """An engine that hums for each letter, in chunks, and notes what it was asked."""

    name, rate, language = "tones", RATE, "en-us"

    def __init__(self):
        self.said, self.closed, self.stopped = [], 0, 0

    def say(self, text, manner):
        self.said.append(text)
        if text == "fault":
            raise OSError("no more tones")
        try:
            for _ in text.split():
                yield Chunk(tone(0.3))
        except GeneratorExit:
            self.stopped += 1
            raise

    def close(self):
        self.closed += 1


@fixture
def engine():
    return Tones()


@fixture
def voice(engine):
    with contextlib.closing(Voice(Threaded(engine), 20.0)) as made:
        yield made


def test_between_sentences_there_is_a_pause_and_after_the_last_none(voice):
    sound = run_virtual(said(voice, "One.", "Two."))
    assert len(sound) / RATE == approx(0.3 + 0.25 + 0.3, abs=0.01)
    assert np.abs(sound[-50:]).max() > 0.1


def test_between_clauses_that_no_sign_ends_there_is_a_breath(voice):
    sound = run_virtual(said(voice, "Pizza", "Pasta <emphasis>today</emphasis>"))
    assert len(sound) / RATE == approx(0.3 + 0.12 + 0.6, abs=0.01)


def test_a_silence_before_the_first_word_is_not_made(voice):
    sound = run_virtual(said(voice, '<break time="2s"/>One'))
    assert len(sound) / RATE == approx(0.3, abs=0.01)


def test_the_engine_is_asked_once_for_what_is_said_twice(voice, engine):
    run_virtual(said(voice, "One moment.", "One moment."))
    run_virtual(said(voice, "One moment."))
    assert engine.said == ["One moment."]


def test_a_passage_that_was_left_is_not_remembered_and_its_engine_is_stopped(voice, engine):
    async def left():
        async with contextlib.aclosing(voice.speak(given("One two three four"))) as speech:
            await anext(speech)

    run_virtual(left())
    sound = run_virtual(said(voice, "One two three four"))
    assert len(sound) / RATE == approx(1.2, abs=0.01)
    assert engine.said == ["One two three four"] * 2
    assert engine.stopped == 1


def test_what_was_heard_is_how_it_was_written_up_to_the_sample(voice):
    playout = Playout(RATE)
    playout.open(1)

    async def filled():
        async for piece in voice.speak(given("That is $3.50 <break time='200ms'/> now.")):
            playout.put(1, piece)

    run_virtual(filled())
    playout.release(1)
    heard = []
    for _ in range(40):
        playout.next(RATE // 10)
        heard.append(playout.heard(1, playout.position))
    said_so_far = list(dict.fromkeys(heard))
    assert said_so_far[-1] == "That is $3.50 now."
    assert "That is $3.50" in said_so_far
    assert all("That is $3.50 now.".startswith(text) for text in said_so_far)


@mark.parametrize("chunks", [1, 4])
def test_a_sentence_without_spaces_that_is_cut_keeps_what_was_heard(chunks):
    sentence = "明日の夜七時に二名様でご予約ですね。"
    found = cut(sentence, *np.array_split(tone(4.0), chunks))
    played = int(0.9 * found[-1].frame.end)
    heard = joined(text_of([piece for piece in found if piece.frame.end <= played]))
    assert sentence.startswith(heard)
    assert len(heard) > 0.7 * len(sentence)
    assert joined(text_of(found)) == sentence


def test_marks_alone_are_not_given_to_the_engine(voice, engine):
    async def pieces():
        return [piece async for piece in voice.speak(given("Yes", "—"))]

    assert text_of(run_virtual(pieces())) == "Yes —"
    assert engine.said == ["Yes"]


def test_an_engine_that_breaks_says_over_what(voice):
    with raises(EngineFailed, match="tones: 'fault': no more tones"):
        run_virtual(said(voice, "fault"))
    assert len(run_virtual(said(voice, "on"))) > 0


def test_closing_the_voice_closes_the_engine():
    engine = Tones()
    Voice(Threaded(engine)).close()
    assert engine.closed == 1


# --- the worker -----------------------------------------------------------------------------------


@fixture
def stopped():
    return threading.Event()


@fixture
def worker(stopped):
    with contextlib.closing(Worker("test", stopped.set)) as made:
        yield made


def test_two_utterances_are_made_one_after_the_other_and_do_not_mix(worker):
    order = []

    def make(name):
        def making(put):
            for n in range(3):
                order.append(name)
                put(np.full(4, n, np.float32))

        return making

    first, second = worker.stream(make("a")), worker.stream(make("b"))
    heard = [next(first), next(second), *first, *second]
    assert order == ["a"] * 3 + ["b"] * 3
    assert [int(chunk.samples[0]) for chunk in heard] == [0, 0, 1, 2, 1, 2]


def test_leaving_an_utterance_stops_the_library(worker, stopped):
    def endless(put):
        while not stopped.is_set():
            put(np.zeros(4, np.float32))

    stream = worker.stream(endless)
    next(stream)
    stream.close()
    assert stopped.is_set()


def test_leaving_an_utterance_that_has_ended_stops_nobody_else(worker, stopped):
    stream = worker.stream(lambda put: put(np.zeros(4, np.float32)))
    next(stream)
    list(worker.stream(lambda put: None))  # by now the first one has ended
    stream.close()
    assert not stopped.is_set()


def test_what_a_library_raises_comes_after_its_sound(worker):
    def broken(put):
        put(np.zeros(4, np.float32))
        raise ValueError("out of breath")

    stream = worker.stream(broken)
    next(stream)
    with raises(ValueError, match="out of breath"):
        next(stream)


# --- files and consent ----------------------------------------------------------------------------


def recording(path, seconds):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(2 * round(seconds * RATE)))
    return str(path)


def test_a_voice_is_not_cloned_without_a_recording_of_consent(tmp_path):
    sample = recording(tmp_path / "sample.wav", 5)
    for consent, reason in [
        ("", "is the voice of a person. Record the person saying that they agree"),
        (sample, "is the voice sample itself"),
        (str(tmp_path / "none.wav"), "expected a WAV file"),
        (recording(tmp_path / "short.wav", 0.5), "lasts 0.5 s, too short"),
    ]:
        with raises(EngineUnavailable, match=reason):
            agreed("tones", sample, consent)
    agreed("tones", sample, recording(tmp_path / "consent.wav", 4))


def test_what_is_missing_is_named_with_the_command_that_mends_it(tmp_path):
    with raises(EngineUnavailable, match=r"Install it: pip install 'parley\[tones\]'"):
        needed("tones", "no_such_package_of_tones", "parley[tones]")
    with raises(EngineUnavailable, match="expected a file, found no path"):
        file_of("tones", "model", "", "Fetch it")
