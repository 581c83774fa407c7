"""Where sound comes from, and what becomes of it when other media are agreed."""

from audio_io.rtp.latch import Latch

AGREED, NEXT = ("10.0.0.1", 4000), ("10.0.0.2", 5000)
NAT, NEXT_NAT, FOREIGN = ("192.0.2.1", 61_000), ("192.0.2.1", 62_000), ("192.0.2.9", 4000)


def after(*places, latch=None):
    """A latch that has heard these places, where it admits them, in turn."""
    latch = latch or Latch(AGREED)
    for place in places:
        if latch.admits(place):
            latch.heard(place)
    return latch


def moved(*places, heard, to=NEXT):
    """A latch that heard one place when another was agreed; then these places."""
    latch = after(heard)
    latch.change(to)
    return after(*places, latch=latch)


def test_the_first_place_that_sends_is_the_only_one():
    assert after(NAT, FOREIGN).place == NAT
    assert after(AGREED, FOREIGN, NAT).place == AGREED


def test_the_place_that_was_agreed_takes_over_and_keeps_it():
    latch = after(NAT, AGREED, NAT)
    assert latch.place == AGREED
    assert not latch.admits(NAT)


def test_late_packets_of_the_old_stream_are_heard_and_do_not_hold_off_the_new_one():
    latch = moved(AGREED, heard=AGREED)
    assert latch.place is None  # ours goes to where it was agreed
    assert latch.admits(AGREED)
    after(NEXT, AGREED, latch=latch)
    assert latch.place == NEXT
    assert not latch.admits(AGREED)


def test_a_far_side_behind_a_nat_moves_although_packets_of_its_old_stream_come_late():
    latch = moved(NAT, NAT, heard=NAT)
    assert latch.place == NAT  # what was agreed cannot be reached: ours goes where it did
    after(NEXT_NAT, NAT, latch=latch)
    assert latch.place == NEXT_NAT
    assert not latch.admits(NAT)


def test_a_far_side_that_names_another_place_and_does_not_move_is_heard_on():
    for place in (AGREED, NAT):
        latch = moved(*[place] * 60, heard=place)
        assert latch.place == place
        assert not latch.admits(FOREIGN)


def test_moving_twice_before_anything_came_leaves_the_oldest_stream_no_better():
    latch = moved(heard=AGREED)
    latch.change(FOREIGN)
    assert after(AGREED, NAT, latch=latch).place == NAT


def test_a_hold_of_the_old_kind_and_back_changes_no_place():
    """It names 0.0.0.0. Source: RFC 3264, section 8.4."""
    for place in (AGREED, NAT):
        latch = moved(heard=place, to=("0.0.0.0", 4000))
        latch.change(AGREED)
        assert after(place, latch=latch).place == place


def test_the_same_media_agreed_again_leave_no_door_open():
    latch = after(NAT)
    latch.change(AGREED)
    assert not latch.admits(FOREIGN)
