"""A server that a proxy opens to the world: who gets past the telephone provider's door."""

import asyncio
import contextlib
import logging

from pytest import mark
from twilio.request_validator import RequestValidator

from agent import server
from agent.admission import ServerSettings
from agent.config import checked
from agent.entrances.choice import entrances
from agent.switchboard import Switchboard
from tests.support.tools import package

pytestmark = mark.e2e
package("aiortc")
package("av")

PUBLIC = "https://phone.example.org"
SECRET = "12345678901234567890123456789012"
OTHERS = ("/ws", "/api/ice", "/api/chat", "/asterisk", "/", "/parley-call.js", "/metrics")


@contextlib.asynccontextmanager
async def running(**settings):
    """The port of a server with every way in that goes over HTTP."""
    media = {"public_url": PUBLIC, "providers": ["twilio"], "secrets": {"twilio": [SECRET]}}
    tables = {"server": {"port": 0, **settings}, "media_stream": media, "asterisk": {}, "moshi": {}}
    config = checked("my_phone.toml", tables)
    switchboard = Switchboard(config.section(ServerSettings, "server"), listen)
    ways = entrances(config, switchboard)
    ready = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(switchboard, ways, ready.set_result))
        try:
            yield int((await ready).rpartition(":")[2])
        finally:
            serving.cancel()


async def listen(call):
    async for _ in call.frames():
        pass


async def status(port, path, *, host, headers=()):
    """What a request gets; one that may become a WebSocket asks for that."""
    upgrade = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Connection: Upgrade",
               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]  # fmt: skip
    sockets = path in {"/ws", "/api/chat", "/asterisk", "/media/twilio"}
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, *(upgrade if sockets else ())]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def signature(path):
    url = PUBLIC.replace("https", "wss") + path
    return "X-Twilio-Signature: " + RequestValidator(SECRET).compute_signature(url, {})


@mark.parametrize("host", ["phone.example.org", "127.0.0.1:8080"], ids=["caddy", "nginx"])
def test_without_tokens_only_the_provider_gets_in_and_the_server_says_so(host, caplog):
    caplog.set_level(logging.WARNING, "parley")

    async def scene():
        async with running() as port:
            signed = [signature("/media/twilio")]
            page = [f"Origin: http://{host}"]
            others = {path: await status(port, path, host=host) for path in OTHERS}
            return (
                await status(port, "/media/twilio", host=host, headers=signed),
                await status(port, "/media/twilio", host=host),
                others,
                await status(port, "/ws", host=host, headers=page),
                await status(port, "/health", host=host),
            )

    provider, unsigned, others, page, health = asyncio.run(scene())
    assert (provider, unsigned, page, health) == (101, 403, 403, 200)
    assert others == dict.fromkeys(OTHERS, 403)
    (said,) = [record.message for record in caplog.records if "browsers" in record.message]
    assert f"anybody reaches this server at {PUBLIC}, and no tokens are set" in said


def test_with_tokens_whoever_shows_one_gets_in_as_well():
    async def scene():
        shown = ["Authorization: Bearer t"]
        host = {"host": "phone.example.org"}
        async with running(tokens=["t"]) as port:
            calls = OTHERS[:4]
            return (
                [await status(port, path, **host) for path in calls],
                [await status(port, path, headers=shown, **host) for path in calls],
            )

    nothing, token = asyncio.run(scene())
    assert nothing == [401] * 4
    assert token == [101, 200, 101, 101]
