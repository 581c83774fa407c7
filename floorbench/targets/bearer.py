"""A key from the environment, for agents that want one."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from agent.core.errors import ConfigError

_HERE = ("127.0.0.1", "::1", "localhost")


def bearer(name: str, url: str, key_env: str) -> Mapping[str, str]:
    """The header with the key in the environment variable `key_env`; none where that is empty.

    Raises:
        ConfigError: there is no key, or it would travel in the open.
    """
    if not key_env:
        return {}
    parts = urlsplit(url)
    if parts.scheme not in ("wss", "https") and parts.hostname not in _HERE:
        raise ConfigError(
            f"{name}: expected wss:// or https:// where a key is sent, found {parts.scheme}://"
        )
    key = os.environ.get(key_env, "")
    if not key:
        raise ConfigError(f"{name}: expected a key in ${key_env}, found none; export it")
    return {"Authorization": f"Bearer {key}"}
