"""Pure values and decisions: no asyncio, threads, clocks, files, logging or randomness."""
