"""A caller who reaches the server only through a relay: coturn, host addresses forbidden."""

import asyncio
import contextlib
import socket
import subprocess
from dataclasses import replace

import pytest
from pytest import approx, mark

from tests.support.tools import package, tool
from tests.support.webrtc_agent import SETTINGS, Singer, running
from tests.support.webrtc_client import ask, calling, pitch, tone

pytestmark = mark.e2e
package("aiortc")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def relay(tmp_path):
    """The port of a TURN server that relays from and to this machine only."""
    port = free_port()
    command = [tool("turnserver"), "-n", f"--listening-port={port}", "--listening-ip=127.0.0.1",
               "--relay-ip=127.0.0.1", "--lt-cred-mech", "--user=caller:secret", "--realm=parley",
               "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--log-file=stdout",
               f"--pidfile={tmp_path}/pid", f"--userdb={tmp_path}/db", "--no-software-attribute",
               "--min-port=49200", "--max-port=49400"]  # fmt: skip
    log = (tmp_path / "log").open("w+")
    with log, subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path) as server:
        try:
            yield port
        finally:
            server.terminate()
            server.wait(timeout=5)


async def reachable(port):
    """Wait until it answers a STUN binding request."""
    request = b"\0\1\0\0\x21\x12\xa4\x42" + b"parley-probe"
    loop = asyncio.get_running_loop()
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.setblocking(False)
        probe.connect(("127.0.0.1", port))
        async with asyncio.timeout(10):
            while True:
                try:
                    async with asyncio.timeout(0.2):
                        await loop.sock_sendall(probe, request)
                        await loop.sock_recv(probe, 1500)
                        return
                except (TimeoutError, ConnectionRefusedError):
                    await asyncio.sleep(0.05)


def test_a_caller_behind_a_relay_is_heard_and_hears(relay):
    from aiortc import RTCIceServer

    async def scene():
        await reachable(relay)
        url = f"turn:127.0.0.1:{relay}?transport=udp"
        settings = replace(SETTINGS, turn=(url,), username="caller", credential="secret")
        agent = Singer()
        async with running(agent, settings) as address:
            _, _, offered = await ask(address, "GET", "/api/ice")
            (server,) = offered["iceServers"]
            options = {"servers": [RTCIceServer(**server)], "relay": True}
            async with calling(address, **options) as caller:
                caller.say = tone(440, 3.0)
                await caller.until(lambda: len(caller.sound) > 1.2 * 48_000)
                await caller.until(lambda: len(agent.sound) > 1.2 * SETTINGS.rate)
                offer = caller.connection.localDescription.sdp
                caller.tell(type="bye")
        return agent, caller, offer

    agent, caller, offer = asyncio.run(scene())
    kinds = {line.split()[7] for line in offer.splitlines() if line.startswith("a=candidate")}
    assert kinds == {"relay"}
    assert pitch(caller.sound[-24_000:]) == approx(660, abs=4)
    assert pitch(agent.sound[-8_000:], SETTINGS.rate) == approx(440, abs=4)
