"""What is loaded before the first call costs no later call any time."""

import gc

from agent.commands.settled import settle


def test_a_collection_looks_through_nothing_that_was_there_before():
    before = [[number] for number in range(50_000)]
    try:
        settle()
        looked_at = {id(thing) for thing in gc.get_objects()}
        assert not looked_at.intersection(map(id, before))
        assert gc.get_freeze_count() > len(before)
    finally:
        gc.unfreeze()
