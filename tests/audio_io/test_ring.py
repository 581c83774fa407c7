"""The ring keeps the newest samples and counts the rest."""

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import raises

from audio_io.ring import SampleRing


def ramp(start, count):
    return np.arange(start, start + count, dtype=np.float32)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=60), st.integers(1, 30))
def test_the_ring_holds_what_a_simple_list_would_hold(steps, capacity):
    ring, model, written, dropped, missing = SampleRing(capacity), [], 0, 0, 0
    for is_write, count in steps:
        if is_write:
            model += ramp(written, count).tolist()
            written += count
            over = max(0, len(model) - capacity)
            model, dropped = model[over:], dropped + over
            assert ring.write(ramp(written - count, count)) == over
        else:
            expected, model = model[:count], model[count:]
            missing += count - len(expected)
            assert ring.read(count).tolist() == expected + [0.0] * (count - len(expected))
        assert (len(ring), ring.dropped, ring.missing) == (len(model), dropped, missing)


def test_clearing_is_not_counted_as_dropping():
    ring = SampleRing(10)
    ring.write(ramp(0, 7))
    assert ring.clear() == 7
    assert (len(ring), ring.dropped) == (0, 0)


def test_what_was_written_does_not_change_with_the_writer_s_buffer():
    ring, buffer = SampleRing(10), ramp(0, 5)
    ring.write(buffer)
    buffer[:] = -1
    assert ring.read(5).tolist() == [0, 1, 2, 3, 4]


def test_a_thread_may_write_while_another_reads():
    ring, total, seen = SampleRing(1000), 200_000, []

    def write():
        for start in range(0, total, 100):
            ring.write(ramp(start, 100))

    thread = threading.Thread(target=write)  # noqa: TID251  # stands for a device's thread
    thread.start()
    while thread.is_alive() or len(ring):
        out = np.empty(64, np.float32)
        seen += out[: ring.read_into(out)].tolist()
    thread.join()
    assert seen == sorted(seen)
    assert len(seen) + ring.dropped == total


def test_a_ring_without_room_is_refused():
    with raises(ValueError, match="at least 1 sample, found 0"):
        SampleRing(0)
