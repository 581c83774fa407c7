"""What the page does when something is wrong: a plain sentence, a way on, or a way back."""

import asyncio
import json
import socket
import sys
import urllib.request
from pathlib import Path

from pytest import fixture, mark
from starlette.responses import HTMLResponse
from starlette.routing import Route
from websockets.sync.client import connect

from agent.entrances.websocket import WebSocketEntrance
from tests.support.browser import (
    chromium,
    forbidden,
    microphone,
    on_a_server,
    timeline,
    visiting,
    webrtc,
    without_microphone,
)
from tests.support.host import host

pytestmark = [mark.e2e, mark.peers]

ROOT = Path(__file__).parents[2]
EITHER = mark.parametrize("transport", ["webrtc", "websocket"])
KEEP_SOCKETS = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(url) { super(url); sockets.push(this); }
    };
    window.peers = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(options) { super(options); peers.push(this); }
    };"""
NO_WAY_FOR_UDP = """
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(options) { super({ ...options, iceTransportPolicy: "relay" }); }
    };"""  # and there is no relay


@fixture(scope="module")
def browser(tmp_path_factory):
    """A browser with a silent caller."""
    folder = tmp_path_factory.mktemp("browser")
    spoken = timeline(folder / "caller.wav", {}, 2)
    with chromium(folder, microphone(spoken), script=KEEP_SOCKETS) as page:
        yield page


def answered(address):
    """How many calls the server has answered."""
    with urllib.request.urlopen(f"{address}metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("parley_calls_answered_total"))


# --- the microphone -----------------------------------------------------------------------------


@mark.parametrize(("flags", "title"), [
    (forbidden(), "The microphone is not allowed here"),
    (without_microphone(), "No microphone was found"),
], ids=["forbidden", "missing"])  # fmt: skip
def test_without_a_microphone_one_can_type(flags, title, tmp_path):
    def visit(address):
        with chromium(tmp_path, flags) as page:
            page.open(address)
            page.press(".talk")
            page.wait_for_state("failed")
            shown = page.text(".problem strong"), page.text(".problem .advice")
            page.call('[data-do="type"]')
            page.write("good morning")
            page.wait_for_line("agent", "You wrote good morning")
            page.press('[data-tool="end"]')
            return shown, page.lines(), page.faults()

    (found, advice), lines, faults = visiting(visit)
    assert found == title
    assert "type" in advice
    assert ("caller", "good morning", "") in lines
    assert faults == []


def test_on_an_insecure_page_the_reason_is_there_before_anything_is_pressed(tmp_path):
    def visit(address):
        flags = [*without_microphone(), "--host-resolver-rules=MAP parley.test 127.0.0.1"]
        with chromium(tmp_path, flags) as page:
            page.open(address.replace("127.0.0.1", "parley.test"))
            talk = page.run("return document.querySelector('.talk').disabled")
            return page.text(".problem"), talk

    reached_by_name = {"tokens": ("secret",)}  # a server without answers to its own names only
    sentence, is_disabled = visiting(visit, settings=reached_by_name)
    assert "This page may not use a microphone" in sentence
    assert "https" in sentence
    assert is_disabled


# --- the server ---------------------------------------------------------------------------------


@EITHER
def test_a_full_server_is_a_sentence_and_a_countdown(transport, browser):
    def visit(address):
        with connect(f"{address.replace('http', 'ws')}ws") as other:
            other.send(json.dumps({"type": "start", "version": 1, "rate": 16000}))
            other.recv()
            browser.open(address, f"?transport={transport}")
            browser.press(".talk")
            browser.wait_for_state("failed")
            shown = browser.text(".problem"), browser.text(".talk")
            waits = browser.run("return document.querySelector('.talk').disabled")
        if transport == "webrtc":  # once is enough: it takes the 5 s that the server asks for
            browser.wait("!document.querySelector('.talk').disabled")
            browser.call()
            browser.press('[data-tool="end"]')
        return shown, waits

    (problem, button), waits = visiting(visit, settings={"max_calls": 1})
    assert "All lines are busy" in problem
    assert button.startswith("Again in ")
    assert waits


@EITHER
def test_a_token_opens_the_door_and_its_absence_is_a_sentence(transport, browser):
    def visit(address):
        browser.open(address, f"?transport={transport}")
        browser.press(".talk")
        browser.wait_for_state("failed")
        problem = browser.text(".problem")
        browser.open(address, f"?transport={transport}&token=sesame")
        browser.call()
        browser.wait("document.querySelector('.facts').innerText !== null")
        browser.press('[data-tool="end"]')
        browser.wait_for_state("ended")
        return problem

    problem = visiting(visit, settings={"tokens": ("sesame",)})
    assert "token" in problem


def test_where_the_server_has_no_webrtc_the_websocket_is_taken(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.wait("document.querySelectorAll('.facts dd').length > 8")
        facts = browser.facts()
        browser.press('[data-tool="end"]')
        return facts

    assert on_a_server(host, visit)["Way"] == "WebSocket"


def test_where_udp_is_blocked_the_websocket_is_taken(tmp_path):
    spoken = timeline(tmp_path / "caller.wav", {}, 2)

    def visit(address):
        with chromium(tmp_path, microphone(spoken), script=NO_WAY_FOR_UDP) as page:
            page.open(address)
            page.call()
            page.wait_for_line("agent", "I am a tone")
            page.wait("document.querySelectorAll('.facts dd').length > 8")
            facts = page.facts()
            page.press('[data-tool="end"]')
            return facts

    facts = visiting(visit)
    sys.stdout.write(f"UDP blocked: connected after {facts['Connected after']}\n")
    assert facts["Way"] == "WebSocket"


def test_a_server_that_is_gone_is_a_sentence(browser):
    def visit(address):
        browser.open(address)

    visiting(visit)
    browser.press(".talk")
    browser.wait_for_state("failed")
    assert "cannot be reached" in browser.text(".problem")


def test_an_agent_that_fails_is_a_sentence(browser):
    async def broken(call):
        async for _ in call.frames():
            raise RuntimeError("out of ideas")

    def visit(address):
        browser.open(address)
        browser.press(".talk")
        browser.wait_for_state("failed")
        return browser.text(".problem")

    problem = visiting(visit, broken)
    assert "Something went wrong" in problem
    assert "the agent failed" in problem


# --- the connection -----------------------------------------------------------------------------


def test_a_lost_webrtc_call_comes_back_into_the_same_conversation(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.wait("document.querySelector('.floor').dataset.floor === 'open'")
        browser.run("window.online = fetch; window.fetch = () => Promise.reject(Error('gone'))")
        browser.run("peers[0].close(); peers[0].onconnectionstatechange()")
        browser.wait_for_state("reconnecting")
        line = browser.text(".line")
        browser.run("window.fetch = online")
        browser.wait_for_state("talking")
        browser.write("still there")
        browser.wait_for_line("agent", "You wrote still there")
        lines = browser.lines()
        browser.press('[data-tool="end"]')
        return line, lines, answered(address)

    line, lines, calls = visiting(visit)
    assert line == "Connection lost, coming back…"
    assert calls == 1
    assert [text for _, text, _ in lines] == [
        "Hello, I am a tone", "still there", "You wrote still there",
    ]  # fmt: skip


def test_a_try_to_come_back_that_finds_no_way_leaves_the_conversation_for_the_next(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.wait("document.querySelector('.floor').dataset.floor === 'open'")
        browser.run("window.Usual = RTCPeerConnection;" + NO_WAY_FOR_UDP)
        browser.run("peers[0].close(); peers[0].onconnectionstatechange()")
        browser.wait("peers.length === 2 && peers[1].connectionState === 'closed'")
        browser.run("window.RTCPeerConnection = Usual")
        browser.wait_for_state("talking")
        found = browser.text(".status"), answered(address)
        browser.press('[data-tool="end"]')
        return found

    assert visiting(visit) == ("Connected", 1)


def test_a_lost_websocket_call_is_followed_by_a_new_one(browser):
    def visit(address):
        browser.open(address, "?transport=websocket")
        browser.call()
        browser.wait("document.querySelector('.floor').dataset.floor === 'open'")
        browser.run("sockets[0].close()")
        browser.wait("document.querySelectorAll('.lines > .agent').length === 2")
        said = browser.text(".status")
        browser.press('[data-tool="end"]')
        return said, answered(address)

    assert visiting(visit) == ("Connected again, in a new conversation", 2)


@EITHER
def test_a_call_that_nothing_brings_back_is_given_up_though_nothing_is_heard_of_it(
    transport, browser
):
    def visit(address):
        browser.open(address, f"?transport={transport}")
        browser.call()
        browser.wait("document.querySelector('.floor').dataset.floor === 'open'")
        browser.run(SWALLOW)
        browser.run("sockets[0]?.close(); peers[0]?.close(); peers[0]?.onconnectionstatechange()")
        browser.wait_for_state("failed")
        return browser.text(".problem"), browser.text(".talk"), answered(address)

    problem, button, calls = visiting(visit)
    assert "The connection was lost" in problem
    assert button == "Talk again"
    assert calls == 1


SWALLOW = """
    window.fetch = () => new Promise(() => {});
    window.WebSocket = class { close() {} };
    const wait = setTimeout;  // and half a minute is half a second
    window.setTimeout = (act, ms) => wait(act, ms === 30000 ? 500 : ms);"""


# --- on other pages -----------------------------------------------------------------------------


class Elsewhere:
    """A page that is no part of the client."""

    def __init__(self, page):
        self._page = page

    def routes(self):
        async def embed(_):
            return HTMLResponse(self._page)

        return [Route("/embed.html", embed)]

    async def listen(self):
        await asyncio.Event().wait()


def test_the_element_works_on_a_page_of_another_origin(browser):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    theirs = f"http://localhost:{port}"
    example = (ROOT / "examples" / "embed.html").read_text("utf-8")
    page = example.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{port}")

    def visit(address):
        browser.faults()  # of other tests
        browser.driver.get(f"{theirs}/embed.html")
        inside = "document.querySelector('parley-call').shadowRoot"
        browser.wait(f"{inside}?.querySelector('.talk')")
        browser.run(f"{inside}.querySelector('.talk').click()")
        browser.wait(f"{inside}.querySelector('.lines > .agent')?.innerText.includes('a tone')")
        browser.run(f"{inside}.querySelector('[data-tool=end]').click()")
        browser.wait(f"{inside}.querySelector('.parley').dataset.state === 'ended'")
        return [fault for fault in browser.faults() if "favicon" not in fault]

    faults = on_a_server(
        host,
        visit,
        entrances=(WebSocketEntrance, webrtc, lambda _: Elsewhere(page)),
        settings={"port": port, "origins": (theirs,)},
    )
    assert len(example.splitlines()) == 15
    assert faults == []
