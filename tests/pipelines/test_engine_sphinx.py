"""What surrounds PocketSphinx: words, agreement, messages, the pool. No model."""

import asyncio
import io

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.errors import EngineFailed
from agent.virtual_loop import run_virtual
from pipelines.engines.sphinx_pipe import LIMIT_BYTES, Letter, receive, send
from pipelines.engines.sphinx_pool import SphinxPool
from pipelines.engines.sphinx_stable import Agreement
from pipelines.engines.sphinx_text import clean, difference, edits, grammar_of, grammar_words
from pipelines.engines.sphinx_worker import serve

# --- words ---------------------------------------------------------------------------------------


@mark.parametrize(
    ("hypothesis", "words"),
    [
        ("<s> book a(2) table </s>", "book a table"),
        ("[NOISE] Yes <sil> [SPEECH]", "yes"),
        ("uh-huh(3)", "uh-huh"),
        ("<sil>", ""),
        ("", ""),
    ],
)
def test_only_spoken_words_are_left_of_a_hypothesis(hypothesis, words):
    assert clean(hypothesis) == words


def test_the_words_of_a_grammar_are_found_and_its_signs_are_not():
    grammar = """#JSGF V1.0 UTF-8 en;
    grammar desk; // what the desk hears
    import <numbers.*>;
    public <order> = [please] (book | reserve) /2.5/ a <thing> {tag it} "right now" * ;
    <thing> = /* not chair */ table | uh-huh+;
    """
    found = grammar_words(grammar)
    assert found == ["please", "book", "reserve", "a", "right", "now", "table", "uh-huh"]


def test_phrases_become_a_grammar_of_exactly_these_phrases():
    grammar = grammar_of(("Yes, please!", "no", "no", "it's o'clock"))
    assert "= yes please | no | it's o'clock;" in grammar
    assert grammar.startswith("#JSGF V1.0;")


def test_no_phrases_are_no_grammar():
    assert grammar_of(()) == ""
    assert grammar_of(("", "?!")) == ""


def test_the_difference_of_two_rows_is_their_share_of_edits():
    assert difference("abcd", "abcd") == 0
    assert difference("abcd", "") == 1
    assert difference("abcd", "abxd") == approx(0.25)
    assert difference("", "") == 0


rows = st.text("abc", max_size=6)


@given(rows, rows)
def test_edits_are_counted_to_every_head_of_the_other_row(first, second):
    found = edits(first, second)
    assert found == [edits(first, second[:n])[-1] for n in range(len(second) + 1)]
    assert found[-1] == edits(second, first)[-1]
    assert abs(len(first) - len(second)) <= found[-1] <= max(len(first), len(second))


# --- agreement -----------------------------------------------------------------------------------


def test_a_word_is_stable_once_enough_hypotheses_agree_and_go_on_after_it():
    agreement = Agreement(2)
    assert agreement.take("book") == ("", "book")
    assert agreement.take("book a") == ("", "book a")
    assert agreement.take("book a table") == ("book", "a table")
    assert agreement.take("book a cable") == ("book a", "cable")


def test_a_rival_that_says_something_else_keeps_words_unstable():
    agreement = Agreement(2)
    for _ in range(4):
        found = agreement.take("book a table", "brook a table")
    assert found == ("", "book a table")


def test_stable_words_stay_when_the_hypothesis_changes_its_mind():
    agreement = Agreement(2)
    agreement.take("a cable for two")
    agreement.take("a cable for two")
    assert agreement.finish("a table for two people") == "a cable for two people"


hypotheses = st.lists(st.lists(st.sampled_from("abc"), max_size=5).map(" ".join), max_size=12)


@given(hypotheses, st.integers(1, 4))
def test_stable_words_only_grow_and_begin_the_final_ones(history, agreeing):
    agreement, before = Agreement(agreeing), []
    for hypothesis in history:
        stable, unstable = agreement.take(hypothesis)
        assert stable.split()[: len(before)] == before
        before = stable.split()
        if not before:
            assert unstable == hypothesis
    final = agreement.finish(history[-1] if history else "")
    assert final.split()[: len(before)] == before


@given(st.lists(st.sampled_from("abc"), max_size=5).map(" ".join), st.integers(1, 4))
def test_a_hypothesis_that_never_changed_is_the_final_one(hypothesis, agreeing):
    agreement = Agreement(agreeing)
    for _ in range(6):
        stable, unstable = agreement.take(hypothesis)
        assert f"{stable} {unstable}".strip() == hypothesis
    assert agreement.finish(hypothesis) == hypothesis


# --- messages ------------------------------------------------------------------------------------


@given(st.sampled_from(Letter), st.binary(max_size=100))
def test_a_message_arrives_as_it_was_sent(letter, body):
    pipe = io.BytesIO()
    send(pipe, letter, body)
    pipe.seek(0)
    assert receive(pipe) == (letter, body)
    assert receive(pipe) is None


def test_a_message_cut_short_is_the_end():
    pipe = io.BytesIO()
    send(pipe, Letter.FEED, b"12345")
    assert receive(io.BytesIO(pipe.getvalue()[:-1])) is None
    assert receive(io.BytesIO(pipe.getvalue()[:3])) is None


def test_a_message_that_is_too_long_is_not_sent():
    with raises(ValueError, match="at most"):
        send(io.BytesIO(), Letter.FEED, bytes(LIMIT_BYTES + 1))


class Searching:
    """Stands for `Searches` in the worker."""

    def open(self, grammar):
        if grammar == "bad":
            raise EngineFailed("pocketsphinx", "expected a good grammar")
        if grammar == "broken":
            raise RuntimeError("library says no")

    def feed(self, pcm):
        return [("", str(len(pcm)))]

    def narrow(self):
        self.is_narrow = True

    def finish(self):
        return "all words of a line" if hasattr(self, "is_narrow") else "all words"


def test_a_worker_answers_every_request_and_survives_its_faults():
    requests, answers = io.BytesIO(), io.BytesIO()
    for letter, body in [
        *((Letter.OPEN, b""), (Letter.FEED, b"abcd"), (Letter.FINISH, b"")),
        *((Letter.OPEN, b"bad"), (Letter.OPEN, b"broken"), (Letter.OK, b""), (Letter.OPEN, b"")),
        *((Letter.NARROW, b""), (Letter.FINISH, b"")),
    ]:
        send(requests, letter, body)
    requests.seek(0)
    serve(Searching(), requests, answers)
    answers.seek(0)
    assert [receive(answers) for _ in range(10)] == [
        (Letter.OK, b""),
        (Letter.OK, b'[["", "4"]]'),
        (Letter.OK, b'"all words"'),
        (Letter.FAILED, b"expected a good grammar"),
        (Letter.FAILED, b"RuntimeError: library says no"),
        (Letter.FAILED, b"ValueError: expected a request, found OK"),
        (Letter.OK, b""),
        (Letter.OK, b""),
        (Letter.OK, b'"all words of a line"'),
        None,
    ]


# --- the pool ------------------------------------------------------------------------------------


class Process:
    """Stands for a worker process."""

    def __init__(self):
        self.is_alive = True
        self.closed = 0
        self.grammars = []

    def close(self):
        self.closed += 1


def pool_of(limit):
    made = []

    def make():
        made.append(Process())
        return made[-1]

    return SphinxPool(make, limit), made


def test_decoders_are_made_when_they_are_needed_and_used_again():
    async def run():
        pool, made = pool_of(2)
        assert len(made) == 1
        first, second = await pool.take(), await pool.take()
        assert made == [first, second]
        pool.give(first)
        assert await pool.take() is first

    run_virtual(run())


def test_a_decoder_that_knows_the_grammar_is_preferred_and_then_the_longest_idle():
    async def run():
        pool, made = pool_of(3)
        for process in [await pool.take() for _ in range(3)]:
            pool.give(process)
        made[1].grammars.append("desk")
        assert await pool.take("desk") is made[1]
        assert await pool.take("desk") is made[0]
        assert await pool.take("other") is made[2]

    run_virtual(run())


def test_who_finds_no_decoder_free_waits_in_line():
    async def run():
        pool, _ = pool_of(1)
        process, order = await pool.take(), []

        async def wait(name):
            taken = await pool.take()
            order.append(name)
            pool.give(taken)

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(wait(name))
            await asyncio.sleep(1)
            assert order == []
            pool.give(process)
        assert order == ["a", "b", "c"]

    run_virtual(run())


@mark.parametrize("given_first", [False, True])
def test_who_gives_up_waiting_leaves_the_decoder_to_the_next(given_first):
    async def run():
        pool, _ = pool_of(1)
        process = await pool.take()
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            impatient = group.create_task(pool.take())
            await asyncio.sleep(1)
            if given_first:
                pool.give(process)
            impatient.cancel()
            await asyncio.sleep(1)
            if not given_first:
                pool.give(process)
            started = loop.time()
            assert await pool.take() is process
            assert loop.time() == started

    run_virtual(run())


@mark.parametrize("others", [0, 1])
def test_who_gives_up_in_the_step_in_which_a_decoder_comes_back_does_not_keep_it(others):
    async def run():
        pool, _ = pool_of(1)
        process = await pool.take()
        async with asyncio.TaskGroup() as group:
            impatient = group.create_task(pool.take())
            patient = [group.create_task(pool.take()) for _ in range(others)]
            await asyncio.sleep(1)
            impatient.cancel()
            pool.give(process)
        assert impatient.cancelled()
        for task in patient:
            pool.give(task.result())
        assert await pool.take() is process

    run_virtual(run())


def test_a_dead_decoder_is_replaced():
    async def run():
        pool, made = pool_of(1)
        process = await pool.take()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(pool.take())
            await asyncio.sleep(1)
            process.is_alive = False
            pool.give(process)
        assert process.closed == 1
        assert waiting.result() is made[1]

    run_virtual(run())


def test_a_decoder_that_dies_while_it_is_idle_is_not_lent_again():
    async def run():
        pool, made = pool_of(1)
        made[0].is_alive = False
        assert await pool.take() is made[1]
        assert made[0].closed == 1

    run_virtual(run())


def test_closing_the_pool_ends_lent_decoders_too():
    async def run():
        pool, made = pool_of(2)
        await pool.take()
        pool.give(await pool.take())
        pool.close()
        assert [process.closed for process in made] == [1, 1]

    run_virtual(run())
