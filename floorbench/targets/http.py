"""One request to an agent's web server, with every way it can fail as a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from agent.core.errors import CallError
from floorbench.targets.link import ANSWER_S
from pipelines.engine_thread import EngineThread

_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Posted:
    """What to send where. Header values are secret: no message holds them."""

    url: str
    data: bytes
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)


async def post(name: str, posted: Posted) -> str:
    """The body of the answer.

    Raises:
        CallError: nobody answers, or the agent refuses; its reason is in the message.
    """
    thread = EngineThread("post")
    try:
        return await thread.run(lambda: _post(name, posted))
    finally:
        thread.close()


def _post(name: str, posted: Posted) -> str:
    headers = {**posted.headers, "Content-Type": posted.kind}
    request = Request(posted.url, posted.data, headers, method="POST")
    try:
        with urlopen(request, timeout=ANSWER_S) as answer:
            body: bytes = answer.read(_MOST_BYTES)
    except HTTPError as refusal:
        found = refusal.read(500).decode(errors="replace").strip()
        raise CallError(
            f"{name}: expected to be let in, found HTTP {refusal.code} {found}".strip()
        ) from None
    except (URLError, OSError, HTTPException) as fault:
        raise CallError(
            f"{name}: expected an agent, found nobody who answers ({fault}); is it running?"
        ) from fault
    return body.decode(errors="replace")
