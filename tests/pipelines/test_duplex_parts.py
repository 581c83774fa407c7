"""The small pure parts of the duplex engine: text, prompts, ages, addresses, pace, files."""

import json

import numpy as np
from pytest import approx, mark, raises

from agent.core.errors import EngineUnavailable
from pipelines.engines.duplex_address import Address, address
from pipelines.engines.duplex_pauses import Age, RecyclePolicy
from pipelines.engines.duplex_remote import RemoteSettings
from pipelines.engines.duplex_row import cleaned
from pipelines.engines.duplex_worker import Pace, WorkerSettings
from pipelines.engines.moshi_files import local_files
from pipelines.engines.moshi_prompt import PAUSE_FRAMES, Forced, Silences, delayed, prompt_frames
from pipelines.engines.moshi_settings import MoshiSettings
from pipelines.engines.moshi_text import TextStream, Vocabulary

QUIET = np.zeros(4, np.float32)
LOUD = np.full(4, 0.5, np.float32)


# --- text -----------------------------------------------------------------------------------------


def test_pieces_become_words_with_blanks_before_them_and_marks_become_nothing():
    words = Vocabulary(["<unk>", "▁hel", "lo", "<pad>", "▁you", "<s>"], (3,))
    stream = TextStream(words)
    assert "".join(stream.add(token) for token in (3, 1, 2, 0, 3, 4, 5)) == " hello you"


def test_a_character_in_several_tokens_comes_with_its_last_one():
    stream = TextStream(Vocabulary(["<0xC3>", "<0xA9>", "▁a"], ()))
    assert [stream.add(token) for token in (2, 0, 1)] == [" a", "", "é"]


@mark.parametrize("token", [-2, -1, 3, 10**9])
def test_a_token_that_is_none_has_no_text(token):
    assert TextStream(Vocabulary(["a", "b", "c"], (1, 99))).add(token) == ""


# --- prompts --------------------------------------------------------------------------------------

SILENCES = Silences(3, (0, 0), (9, 9))


def test_a_voice_comes_before_the_words_and_silence_after_each():
    frames = prompt_frames([(1, 2), (3, 4)], [7, 8], SILENCES)
    rest = [Forced(3, (0, 0), (9, 9))] * PAUSE_FRAMES
    assert frames == [
        Forced(3, (1, 2), (9, 9)), Forced(3, (3, 4), (9, 9)), *rest,
        Forced(7, (0, 0), (9, 9)), Forced(8, (0, 0), (9, 9)), *rest,
    ]  # fmt: skip


def test_without_a_prompt_nothing_is_told():
    assert prompt_frames([], [], SILENCES) == []


def test_later_codebooks_of_the_voice_come_later():
    frames = prompt_frames([(1, 2), (3, 4), (5, 6)], [], SILENCES)
    assert [f.said for f in delayed(frames, [0, 1], SILENCES)][:4] == [
        (1, 0), (3, 2), (5, 4), (0, 6),
    ]  # fmt: skip


# --- ages -----------------------------------------------------------------------------------------


def test_a_model_begins_anew_in_the_first_pause_after_its_time_and_then_counts_again():
    age = Age(RecyclePolicy(after=4, pause=2))
    said = [age.is_due(heard, QUIET, "") for heard in (LOUD, LOUD, LOUD, LOUD, QUIET, QUIET, QUIET)]
    assert said == [False] * 5 + [True, False]


def test_words_or_sound_of_either_side_make_it_no_pause():
    age = Age(RecyclePolicy(after=1, pause=2))
    frames = [(QUIET, QUIET, ""), (LOUD, QUIET, ""), (QUIET, QUIET, ""), (QUIET, LOUD, ""),
              (QUIET, QUIET, ""), (QUIET, QUIET, " a"), (QUIET, None, "")]  # fmt: skip
    assert not any(age.is_due(*frame) for frame in frames)
    assert age.is_due(QUIET, None, "")


def test_without_a_time_it_never_begins_anew():
    age = Age(RecyclePolicy(after=0, pause=1))
    assert not any(age.is_due(QUIET, QUIET, "") for _ in range(100))


# --- addresses, pace, sound -----------------------------------------------------------------------


@mark.parametrize(
    ("text", "found", "is_local"),
    [
        ("unix:/run/parley.sock", Address(path="/run/parley.sock"), True),
        ("127.0.0.1:8998", Address(host="127.0.0.1", port=8998), True),
        ("localhost:0", Address(host="localhost"), True),
        ("[::1]:99", Address(host="::1", port=99), True),
        ("gpu.example:8998", Address(host="gpu.example", port=8998), False),
        ("0.0.0.0:1", Address(host="0.0.0.0", port=1), False),
    ],
)
def test_an_address_is_read_and_written(text, found, is_local):
    assert (address(text), address(text).is_local, str(found)) == (found, is_local, text)


@mark.parametrize("text", ["", "8998", "host:", ":8998", "host:70000", "host:-1", "unix:",
                           "unix:" + "x" * 101, "host:½"])  # fmt: skip
def test_what_is_no_address_is_said_so(text):
    with raises(ValueError, match="expected unix:"):
        address(text)


def test_a_worker_that_others_can_reach_wants_a_token():
    with raises(ValueError, match="loopback address where no token is set"):
        WorkerSettings(listen="0.0.0.0:8998")
    assert WorkerSettings(listen="0.0.0.0:8998", token="secret").token
    with raises(ValueError, match="idle_s: expected at least"):
        WorkerSettings(idle_s=0)
    with raises(ValueError, match="answer_s"):
        RemoteSettings("127.0.0.1:1", answer_s=0)


def test_frames_may_come_ahead_of_time_but_not_for_ever():
    pace = Pace(0.08, 0.4, 10.0)
    assert [pace.is_too_fast(10.0) for _ in range(7)] == [False] * 5 + [True] * 2


def test_a_client_that_paused_may_not_make_up_for_it_all_at_once():
    pace = Pace(0.08, 0.4, 10.0)
    assert not any(pace.is_too_fast(10.0 + 0.08 * n) for n in range(100))
    assert [pace.is_too_fast(100.0) for _ in range(8)] == [False] * 6 + [True] * 2


def test_sound_is_made_finite_and_kept_within_bounds():
    samples = np.array([0.5, np.nan, np.inf, -np.inf, 3.0, -3.0], np.float32)
    found, wrong = cleaned(samples)
    assert (found.tolist(), wrong, found.dtype) == ([0.5, 0, 0, 0, 1, -1], 3, np.float32)
    assert cleaned(np.float32([0.25]))[0].tolist() == approx([0.25])


# --- settings and files ---------------------------------------------------------------------------


@mark.parametrize("wrong", [{"checkpoint": ""}, {"slots": 0}, {"slots": 600}, {"temperature": -1},
                            {"numbers": "int4"}, {"threads": 0}, {"seed": -1}, {"top_k": 0},
                            {"recycle_after_s": -1}])  # fmt: skip
def test_settings_that_no_model_has_are_refused(wrong):
    with raises(ValueError, match=next(iter(wrong))):
        MoshiSettings(**{"checkpoint": "/models/moshi", **wrong})


def test_only_what_is_set_differs_from_the_checkpoints_own_sampling():
    assert MoshiSettings("/x").sampling == {}
    assert MoshiSettings("/x", temperature=0, top_k=5).sampling == {"temp": 0, "top_k": 5}


def test_the_files_of_a_checkpoint_are_found_beside_its_configuration(tmp_path):
    names = {"moshi_name": "a.bin", "mimi_name": f"file://{tmp_path}/b.bin", "tokenizer_name": "c"}
    (tmp_path / "config.json").write_text(json.dumps(names))
    for name in ("a.bin", "b.bin", "c"):
        (tmp_path / name).write_text("")
    for checkpoint in (tmp_path, tmp_path / "config.json"):
        found = local_files(str(checkpoint))
        assert {k: p.name for k, p in found.parts.items()} == {
            "moshi_name": "a.bin", "mimi_name": "b.bin", "tokenizer_name": "c",
        }  # fmt: skip


@mark.parametrize(
    ("content", "why"),
    [
        (None, "expected a checkpoint's config.json"),
        ("{", "expected JSON"),
        ("[]", "expected a JSON object"),
        ("{}", "moshi_name: expected a file at .*model.safetensors"),
    ],
)
def test_a_checkpoint_without_its_files_says_which_is_missing(tmp_path, content, why):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with raises(EngineUnavailable, match=why):
        local_files(str(tmp_path))
