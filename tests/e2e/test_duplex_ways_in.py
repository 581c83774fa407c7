"""Browsers, telephones, an exchange and programs talk to one tiny random Moshi, all at once."""

import asyncio
import threading

import numpy as np
from pytest import mark

from agent.entrances.audiosocket import AudioSocketEntrance, AudioSocketSettings
from agent.entrances.moshi import MoshiEntrance, MoshiSettings
from agent.entrances.sip import SipEntrance
from agent.entrances.webrtc import WebRtcEntrance
from agent.entrances.websocket import WebSocketEntrance
from agent.session import Ending
from audio_io.resample import resampled
from audio_io.sip.settings import SipSettings
from audio_io.webrtc.settings import WebRtcSettings
from floorbench.targets.audiosocket import AudioSocket
from tests.support import baresip
from tests.support.asterisk import free_port
from tests.support.browser import chromium, microphone, stereo, timeline
from tests.support.correlation import find
from tests.support.duplex import tone
from tests.support.duplex_calls import RATE, over_a_line, over_moshi, over_websocket, running
from tests.support.duplex_workers import running_worker, write_tiny_moshi
from tests.support.sip_phones import free_udp_port, until

pytestmark = [mark.e2e, mark.models, mark.peers]

TOGETHER = 3 * RATE // 2  # samples of sound that each is given before they go
PIECE = (
    RATE // 20
)  # shorter than a frame of the model: on a busy machine one comes without the next


def by_browser(folder, address, go_home):
    """What a person hears at the page, over WebRTC."""
    with chromium(folder, microphone(timeline(folder / "caller.wav", {}, 1))) as page:
        page.open(f"http://{address}/", "?transport=webrtc")
        page.call()
        go_home.wait()
        page.press('[data-tool="end"]')
        page.wait_for_state("ended")
        assert page.faults() == []
        _, agent, rate = stereo(page.kept("wav"))
        return resampled(agent, rate, RATE)


def by_telephone(port, hz, go_home):
    """What a person hears at a telephone."""
    with baresip.phone(port) as handset:
        handset.dial("moshi")
        handset.say(tone(60.0, hz, rate=RATE))
        go_home.wait()
        handset.hang_up()
        for _ in range(200):
            if handset.is_over:
                return handset.heard()
            threading.Event().wait(0.05)
        raise AssertionError(f"expected the end of the call, found {handset.log()[-500:]}")


def entrances(sip, exchange):
    """All the ways in, for telephones and an exchange at these ports."""
    return (
        WebSocketEntrance,
        lambda board: WebRtcEntrance(board, WebRtcSettings()),
        lambda board: MoshiEntrance(board, MoshiSettings()),
        lambda board: SipEntrance(board, SipSettings(port=sip)),
        lambda board: AudioSocketEntrance(board, AudioSocketSettings(port=exchange)),
    )


async def eight_calls(where, folder):
    """What each caller heard, by its way in, at RATE; and what the server knows of the calls, in
    the same order."""
    sip, exchange, go_home = free_udp_port(), free_port(), threading.Event()
    thread, is_over = asyncio.get_running_loop().run_in_executor, go_home.is_set

    async def in_thread(person, *arguments):
        return await thread(None, person, *arguments, go_home)

    async with running(where, entrances(sip, exchange)) as (address, kept):
        ways = {
            "browser": in_thread(by_browser, folder, address),
            "telephone": in_thread(by_telephone, sip, 400),
            "second telephone": in_thread(by_telephone, sip, 500),
            "exchange": over_a_line(AudioSocket("127.0.0.1", exchange, 16_000), is_over, 600),
            "Moshi's client": over_moshi(address, is_over, 700),
            "WebSocket": over_websocket(address, is_over, 800),
            "second WebSocket": over_websocket(address, is_over, 900),
            "third WebSocket": over_websocket(address, is_over, 1000),
        }
        try:
            async with asyncio.TaskGroup() as group:
                calls = {}
                for count, (way, call) in enumerate(ways.items(), start=1):
                    calls[way] = group.create_task(call)
                    await until(lambda: len(kept) == count, 60)  # noqa: B023  # a browser is slow
                await until(lambda: all(call.given > TOGETHER for call in kept), 100)
                assert [call.ended for call in kept] == [None] * len(ways)
                go_home.set()
        finally:
            go_home.set()
    return {way: call.result() for way, call in calls.items()}, kept


def alike(heard, given):
    """How like what was heard is to what was given, by the best fifth of its loud pieces; the rest
    may have a gap in them that the other has elsewhere."""
    pieces = [heard[at : at + PIECE] for at in range(0, len(heard) - PIECE, PIECE)]
    loud = sorted(pieces, key=np.std)[-40:]
    return float(np.quantile([find(piece, given).likeness for piece in loud], 0.8))


def test_eight_callers_who_come_in_by_every_way_hear_one_model_and_each_of_them_its_own(
    tmp_path, capsys
):
    checkpoint = write_tiny_moshi(tmp_path / "tiny")
    with running_worker(checkpoint, slots=8) as (_, where):
        heard, kept = asyncio.run(eight_calls(where, tmp_path))
    for call in kept:
        assert call.trace.named("error") == []
        assert call.ended.ending is Ending.HUNG_UP
    likeness = {way: [alike(sound, call.sound) for call in kept] for way, sound in heard.items()}
    with capsys.disabled():
        for way, each in likeness.items():
            print(f"\n{way}: {[round(one, 2) for one in each]}", end="")  # noqa: T201  # figures
    assert len(likeness) == 8
    for own, (way, each) in enumerate(likeness.items()):
        assert each[own] > 1.25 * max(each[:own] + each[own + 1 :]), way
