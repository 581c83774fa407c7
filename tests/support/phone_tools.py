"""Functions that a configuration in a test names as tools."""


def weather(city: str) -> str:
    """Tells the weather.

    Args:
        city: where.
    """
    return f"It rains in {city}."


async def book(people: int) -> dict[str, object]:
    """Books a table."""
    return {"booked": people}
