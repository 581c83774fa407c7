"""Which frames are left out, so that a delay once gained is lost again."""

import numpy as np
from pytest import approx, mark

from agent.core.audio import AudioFrame
from audio_io.asterisk.lead import CALM_S, LEAST_S, MOST_S, Lead
from audio_io.quiet import LEAD_S, Quiet


def frame(level):
    return AudioFrame(np.full(160, level, np.float32), 8000, 0)


def after(silent_frames):
    quiet = Quiet()
    for _ in range(silent_frames):
        quiet.spares(frame(0.0), 0.0, behind=False)
    return quiet


@mark.parametrize(
    ("silent_frames", "level", "pending_s", "behind", "spared"),
    [
        (20, 0.0, 0.02, False, True),
        (20, 0.0, 0.0, True, True),
        (20, 0.0005, 0.02, False, True),
        (20, 0.0, 0.01, False, False),  # nothing waits too long
        (20, 0.1, 0.06, True, False),  # it can be heard
        (5, 0.0, 0.06, True, False),  # a pause between words
    ],
)
def test_a_silent_frame_is_spared_where_sound_waits(
    silent_frames, level, pending_s, behind, spared
):
    assert after(silent_frames).spares(frame(level), pending_s, behind=behind) is spared


def test_one_word_begins_the_silence_anew():
    quiet = after(20)
    quiet.spares(frame(0.2), 0.0, behind=False)
    assert not quiet.spares(frame(0.0), 0.06, behind=True)
    assert not quiet.lasts


def test_what_was_left_out_is_counted_and_the_lead_is_short_while_silence_lasts():
    quiet = after(5)
    assert (quiet.left_out, quiet.lead_s(0.06)) == (0, 0.06)
    quiet = after(20)
    quiet.spares(frame(0.0), 0.06, behind=False)
    assert (quiet.left_out, quiet.lead_s(0.06)) == (160, LEAD_S)


def test_the_lead_grows_by_a_frame_with_each_gap_and_shrinks_in_calm():
    lead = Lead()
    assert lead.seconds == LEAST_S
    for gap in range(9):
        lead.put(0.0, float(gap))
    assert lead.seconds == approx(MOST_S)
    lead.put(0.01, 8.0 + CALM_S)
    assert lead.seconds == approx(MOST_S)  # not yet
    lead.put(0.01, 8.1 + CALM_S)
    lead.put(0.01, 8.2 + CALM_S)
    assert lead.seconds == approx(MOST_S - 0.02)  # one frame, and then calm again
    for minute in range(1, 9):
        lead.put(0.01, 60.0 * minute)
    assert lead.seconds == approx(LEAST_S)
