"""Whether a caller is there, and when a call that nobody is in ends."""

from pytest import approx

from audio_io.ear_clock import EarClock
from audio_io.receive.presence import Presence, PresenceLimits, State
from audio_io.wire import End

LIMITS = PresenceLimits(connect_s=10, idle_s=15, away_s=2, rejoin_s=30, closed_s=3)


def here(now=1.0):
    presence = Presence(LIMITS, 0.0)
    presence.connected(now)
    presence.packet(now)
    return presence


def test_a_connection_that_never_comes_about_ends_after_ten_seconds_with_a_sentence():
    presence = Presence(LIMITS, 0.0)
    assert presence.check(10.0) is None
    reason, sentence = presence.check(10.1)
    assert reason is End.LOST
    assert "within 10 s" in sentence
    assert "TURN" in sentence


def test_nobody_listens_until_the_connection_works():
    presence = Presence(LIMITS, 0.0)
    assert not presence.is_listening
    presence.connected(1.0)
    assert presence.is_listening


def test_a_caller_who_never_sends_sound_is_idle():
    presence = Presence(LIMITS, 0.0)
    presence.connected(1.0)
    assert presence.check(16.0) is None
    assert presence.check(16.1)[0] is End.IDLE


def test_a_caller_whose_packets_stop_is_away_and_then_lost():
    presence = here()
    assert presence.check(3.0) is None
    assert presence.state is State.HERE
    assert presence.check(3.1) is None
    assert (presence.state, presence.is_listening) == (State.AWAY, False)
    assert presence.check(31.0) is None
    assert presence.check(31.1)[0] is End.LOST


def test_a_packet_brings_a_caller_back():
    presence = here()
    presence.check(4.0)
    presence.packet(5.0)
    assert presence.is_listening
    assert presence.check(6.9) is None


def test_a_connection_that_failed_is_waited_for_once():
    presence = here()
    presence.lost(2.0)
    presence.lost(20.0)
    assert presence.check(32.0) is None
    assert presence.check(32.1)[0] is End.LOST


def test_a_connection_that_was_closed_is_waited_for_shortly():
    presence = here()
    presence.closed(2.0)
    assert presence.check(5.0) is None
    assert presence.check(5.1)[0] is End.LOST


def test_a_new_offer_gives_time_to_connect_and_what_is_said_waits():
    presence = here()
    presence.closed(2.0)
    presence.rejoining(4.0)
    assert not presence.is_listening
    assert presence.check(13.9) is None
    presence.connected(14.0)
    assert presence.is_listening


def test_an_offer_while_all_is_well_is_a_change_of_network():
    presence = here()
    presence.rejoining(2.0)
    assert presence.state is State.AWAY
    assert presence.check(32.1)[0] is End.LOST


def test_sound_is_played_when_it_has_reached_the_ear():
    clock = EarClock(1000, 0.1)
    clock.sent(20, 1.0)
    clock.sent(20, 1.02)
    assert [clock.played(at) for at in (1.05, 1.1, 1.11, 1.12, 1.14, 9.0)] == [0, 0, 10, 20, 40, 40]


def test_what_is_flushed_counts_once_what_was_sent_before_it_is_played():
    clock = EarClock(1000, 0.1)
    clock.sent(20, 1.0)
    clock.flushed(40, 1.01)
    assert clock.played(1.11) == 10
    assert clock.played(1.12) == 60
    clock.flushed(5, 2.0)
    assert clock.played(2.0) == 65


def test_an_ear_that_comes_nearer_never_takes_back_what_was_played():
    clock = EarClock(1000, 0.3)
    seen = 0
    for step in range(100):
        now = 1.0 + step * 0.02
        clock.delay_s = 0.3 if step < 30 else 0.05
        clock.sent(20, now)
        assert clock.played(now) >= seen
        seen = clock.played(now)
    assert clock.played(9.0) == 2000
    assert seen == approx(2000 - 300, abs=40)


def test_the_clock_of_a_far_ear_is_bounded():
    clock = EarClock(1000, 10_000.0)
    for step in range(3_000):
        clock.sent(20, step * 0.02)
    assert clock.played(60.0) == 2_000 * 20
