"""Before the first call: what is loaded by then is there for good."""

import gc


def settle() -> None:
    """Let no garbage collection look through what was loaded.

    A full one stops every thread: 10 ms in a server with the offline engines, 0.2 s where torch is
    loaded (docs/benchmarks/duplex.md), and all calls stand still for so long.
    """
    gc.collect()
    gc.freeze()
