"""What a duplex model says of itself when it has nothing to say."""

from agent.core.duplex import DuplexOutput, DuplexPrompt, Seats


def test_a_step_of_a_model_that_measures_nothing_needs_a_frame_and_words_alone():
    step = DuplexOutput(None, " yes")
    assert (step.tokens, step.step_s, step.batch, step.turn_end) == ((), 0.0, 1, None)


def test_a_model_without_a_prompt_has_its_own_voice():
    assert DuplexPrompt() == DuplexPrompt(text="", voice="")


def test_a_batch_grows_by_one_call_where_nothing_else_is_said():
    assert Seats(3, 8).next_batch == 0
