"""Whether a telephone can be had here."""

import importlib.util

from agent.core.errors import DeviceError


def need_sip() -> None:
    """Raises DeviceError where the packages of the extra `sip` are missing; ask before importing
    the telephone's other modules."""
    missing = [name for name in ("aiosipua", "aiortp") if importlib.util.find_spec(name) is None]
    if missing:
        raise DeviceError(
            f"sip: expected the packages aiosipua and aiortp, found no {' and no '.join(missing)}; "
            "pip install 'parley[sip]'"
        )
