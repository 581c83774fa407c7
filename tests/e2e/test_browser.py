"""Talking to the agent through the page, in a real browser, with its sound and what it shows."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from pytest import approx, fixture, mark

from tests.support.browser import chromium, microphone, stereo, timeline, trace, visiting
from tests.support.host import GREETING_HZ, STORY, STORY_HZ
from tests.support.tools import package

pytestmark = [mark.e2e, mark.peers]

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "configs" / "demo"
EITHER = mark.parametrize("transport", ["webrtc", "websocket"])


# --- with the real agent ------------------------------------------------------------------------


@fixture
def offline(tmp_path):
    """The address of the offline agent, and the folder where it keeps its calls."""
    package("pocketsphinx")
    package("espeakng_loader")
    folder = tmp_path / "calls"
    command = [sys.executable, "-m", "agent.cli", "serve", "--set", "server.port=0",
               "--out", str(folder)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline())[0] + "/", folder
        finally:
            process.terminate()


@mark.models
@EITHER
def test_a_conversation_with_an_interruption_is_heard_and_shown(transport, offline, tmp_path):
    address, folder = offline
    spoken = timeline(tmp_path / "caller.wav", {4.5: DEMO / "address.wav"}, 30)
    with chromium(tmp_path, microphone(spoken)) as page:
        page.open(address, f"?transport={transport}")
        page.call()
        page.wait_for_line("agent", "We are at", 30)
        # However slow the machine is, the caller interrupts the first sentence: another microphone
        # is opened, as by a person who puts on a headset, and has the words at its beginning.
        timeline(spoken, {0.5: DEMO / "parking.wav"}, 30)
        page.press('footer [data-tool="settings"]')
        page.press(".headset")
        page.wait_for_line("agent", "you can park", 30)
        page.wait("document.querySelectorAll('.took').length === 2")
        lines, delays, facts = page.lines(), took(page), page.facts()
        page.wait("document.querySelector('.floor').dataset.floor === 'open'", 20)
        page.press('[data-tool="end"]')
        page.wait_for_state("ended")
        caller, agent, rate = stereo(page.kept("wav"))
        faults = page.faults()
    sys.stdout.write(f"{transport}: {facts}, answers after {delays}\n")
    (call,) = folder.iterdir()
    assert faults == []
    assert facts["Way"].lower() == transport
    said = [(who, text) for who, text, _ in lines]
    assert said[0] == ("agent", "Hello, this is the Olive Tree. How can I help you?")
    assert any(who == "caller" and "address" in text for who, text in said)
    assert any(who == "caller" and "parking" in text for who, text in said)
    (cut,) = [(heard, unheard) for who, heard, unheard in lines if unheard]
    whole = "We are at twelve Mill Street, right behind the old market hall."
    assert " ".join(cut).startswith(whole)
    assert cut[0].startswith("We are at")
    their_caller, their_agent, their_rate = stereo(call / "call.wav")
    for name, here, there in (("agent", agent, their_agent), ("caller", caller, their_caller)):
        alike = likeness(loudness(there, their_rate), loudness(here, rate))
        sys.stdout.write(f"{transport}: what the {name} said is the same by {alike}\n")
        assert len(alike) >= 2
        assert np.median(alike) > 0.9
    assert all(0 < delay < 10 for delay in delays)


def took(page):
    """The delays that the page shows, in seconds."""
    shown = page.run("return [...document.querySelectorAll('.took')].map((t) => t.innerText)")
    return [float(re.search(r"[\d.]+", text)[0]) for text in shown]


def likeness(sent, received):
    """For each second of speech in one loudness over time, how like its best match in the other it
    is; seconds, because a receive buffer stretches and squeezes what is longer."""
    loud = np.flatnonzero(sent > 0.02)
    stretches = np.split(loud, np.flatnonzero(np.diff(loud) > QUIET_STEPS) + 1)
    starts = [at for one in stretches for at in range(one[0], one[-1] - SECOND, SECOND)]
    return [best(sent[at : at + SECOND], received) for at in starts]


SECOND = 50  # steps of 20 ms
QUIET_STEPS = 25  # of quiet part two stretches


def best(piece, whole):
    """The highest correlation of a piece with any stretch of a whole."""
    starts = range(len(whole) - len(piece) + 1)
    windows = (whole[at : at + len(piece)] for at in starts)
    return max(round(float(np.corrcoef(piece, w)[0, 1]), 2) for w in windows if w.any())


def loudness(samples, rate):
    """Levels of steps of 20 ms, smoothed over 100 ms."""
    return np.convolve(levels(samples, rate), np.ones(5) / 5)


def levels(samples, rate):
    """RMS of steps of 20 ms."""
    step = rate // 50
    steps = samples[: len(samples) // step * step].reshape(-1, step)
    return np.sqrt(np.mean(steps**2, axis=1))


# --- with an agent that speaks in tones ---------------------------------------------------------


@fixture(scope="module")
def browser(tmp_path_factory):
    """A browser whose caller speaks 6 s after the microphone was opened."""
    folder = tmp_path_factory.mktemp("browser")
    spoken = timeline(folder / "caller.wav", {6.0: DEMO / "hours.wav"}, 20)
    script = """
        window.sockets = [];
        window.WebSocket = class extends WebSocket {
            constructor(url) { super(url); sockets.push(this); }
        };
        localStorage?.clear();"""
    with chromium(folder, microphone(spoken), script=script) as page:
        yield page


def level_of(samples, rate, hz):
    """The strongest half second of one tone in a sound, RMS."""
    at = np.arange(len(samples)) / rate
    turned = samples * np.exp(-2j * np.pi * hz * at)
    means = np.convolve(turned, np.ones(rate // 2) / (rate // 2), "valid")
    return float(np.max(np.abs(means))) * np.sqrt(2)


@EITHER
def test_what_the_agent_says_is_heard_until_the_caller_speaks(transport, browser):
    def visit(address):
        browser.open(address, f"?transport={transport}")
        browser.call()
        browser.wait("document.querySelector('.floor').dataset.floor === 'open'")
        browser.write("story")
        browser.wait("document.querySelector('del') !== null")
        lines = browser.lines()
        browser.wait("document.querySelector('.floor').dataset.floor === 'user'")
        browser.run("return new Promise((done) => setTimeout(done, 1000))")
        browser.press('[data-tool="end"]')
        browser.wait_for_state("ended")
        kept = [browser.kept(kind) for kind in ("wav", "vtt", "jsonl")]
        found = (*stereo(kept[0]), kept[1].read_text("utf-8"), trace(kept[2]))
        for path in kept:
            path.unlink()
        return lines, found, browser.faults()

    lines, (caller, agent, rate, captions, messages), faults = visiting(visit)
    assert faults == []
    assert ("caller", "story", "") in lines
    heard, unheard = " ".join(STORY.split()[:4]), " ".join(STORY.split()[4:])
    assert ("agent", heard, unheard) in lines
    assert level_of(agent, rate, GREETING_HZ) == approx(0.2 / np.sqrt(2), rel=0.15)
    assert level_of(agent, rate, STORY_HZ) == approx(0.2 / np.sqrt(2), rel=0.15)
    speaks_s = np.flatnonzero(levels(caller, rate) > 0.02)[0] / 50
    silent_s = np.flatnonzero(levels(agent, rate) > 0.02)[-1] / 50
    told_s = next(m["t"] for m in messages if m.get("data") == {"floor": "overlap"})
    sys.stdout.write(
        f"{transport}: spoke at {speaks_s} s, silent at {silent_s} s, told at {told_s}\n"
    )
    assert abs(silent_s - speaks_s) < 1.0
    assert f"<v Agent>{heard}" in captions
    assert {"from": "page", "type": "text", "text": "story"}.items() <= next(
        m for m in messages if m["type"] == "text"
    ).items()
    assert any(m.get("kind") == "floor" and m["data"]["floor"] == "overlap" for m in messages)


@EITHER
def test_a_call_says_how_long_it_took_to_connect_and_to_sound(transport, browser):
    def visit(address):
        browser.open(address, f"?transport={transport}")
        browser.call()
        browser.wait("""((facts) => facts.length > 8 &&
            [5, 11, 17].every((n) => facts[n].textContent !== 'not known')
            )(document.querySelector('.facts').children)""")
        facts = browser.facts()
        browser.press('[data-tool="end"]')
        return facts

    facts = visiting(visit)
    times = facts["Connected after"], facts["First sound after"]
    sys.stdout.write(f"{transport}: connected after {times[0]}, sound after {times[1]}\n")
    assert facts["Way"].lower() == transport
    assert re.fullmatch(r"\d+ ms", facts["Connected after"])
    assert re.fullmatch(r"\d+ ms", facts["Round trip"])
    assert re.fullmatch(r"\d+ ms", facts["Receive buffer"])


@EITHER
def test_keys_reach_the_agent_from_the_pad_and_from_the_keyboard(transport, browser):
    def visit(address):
        browser.open(address, f"?transport={transport}")
        browser.call()
        browser.keys("k")
        browser.press('[data-digit="#"]')
        browser.wait_for_line("agent", "You pressed #")
        browser.keys("7")
        browser.wait_for_line("agent", "You pressed 7")
        browser.press('[data-tool="end"]')

    visiting(visit)


def test_the_keyboard_alone_is_enough(browser):
    from selenium.webdriver.common.keys import Keys

    def visit(address):
        browser.open(address)
        browser.keys(" ")
        browser.wait_for_state("talking")
        browser.keys("m")
        muted = browser.run("return document.querySelector('[data-tool=mute]').ariaPressed")
        browser.keys(" ")
        browser.keys("t")
        browser.keys("bread m" + Keys.ENTER)
        browser.wait_for_line("agent", "You wrote bread m")
        browser.keys(Keys.ESCAPE)
        still = browser.run("return document.querySelector('.parley').dataset.state")
        browser.keys(Keys.ESCAPE)
        browser.wait_for_state("ended")
        return muted, still

    assert visiting(visit) == ("true", "talking")


def test_mute_silences_the_caller(browser):
    def visit(address):
        browser.open(address, "?transport=websocket")
        browser.call()
        browser.press('[data-tool="mute"]')
        browser.run("return new Promise((done) => setTimeout(done, 8500))")
        browser.press('[data-tool="end"]')
        path = browser.kept("wav")
        caller, _, rate = stereo(path)
        path.unlink()
        return len(caller) / rate, float(np.abs(caller).max())

    length_s, loudest = visiting(visit)
    assert length_s > 8.5  # the caller's words lie between
    assert loudest < 0.001


def test_the_agent_may_hang_up(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.write("bye")
        browser.wait_for_state("ended")
        return browser.text(".talk .label"), browser.text(".line")

    assert visiting(visit) == ("Talk again", "The call has ended")


# --- the page itself ----------------------------------------------------------------------------


def test_everything_has_a_name_a_role_and_its_place_in_the_order(browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    def visit(address):
        browser.open(address)
        order = []
        for _ in range(3):
            browser.keys(Keys.TAB)
            order.append(browser.driver.switch_to.active_element.accessible_name.split("\n")[0])
        browser.call()
        tools = browser.driver.find_elements(By.CSS_SELECTOR, "button, input, select, canvas")
        seen = [(tool.aria_role, tool.accessible_name) for tool in tools if tool.is_displayed()]
        browser.wait_for_line("agent", "I am a tone")
        browser.wait("document.querySelector('.live').textContent.includes('I am a tone')")
        roles = browser.run("""return [".lines", ".live", ".status", ".problem", "footer"]
            .map((name) => document.querySelector(name))
            .map((one) => [one.getAttribute("role"), one.getAttribute("aria-live")])""")
        browser.press('[data-tool="end"]')
        return order, seen, roles

    order, seen, roles = visiting(visit)
    assert order == ["Not connected", "Talk", "Sound"]
    assert all(name for _, name in seen)
    names = {name for _, name in seen}
    assert {"Mute", "Type", "Hang up", "Keys", "Sound", "Save", "Connected"} <= names
    assert any(role in {"img", "image"} and "Both voices" in name for role, name in seen)
    assert roles == [["log", "off"], [None, "polite"], ["status", None], ["alert", None],
                     ["toolbar", None]]  # fmt: skip


@mark.parametrize("shade", ["light", "dark"])
def test_all_words_can_be_read_against_their_ground(shade, browser):
    def visit(address):
        features = [{"name": "prefers-color-scheme", "value": shade}]
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.open(address)
        style = "const of = (name) => getComputedStyle(document.querySelector('.parley'))"
        return browser.run(
            style + ".getPropertyValue('--' + name).trim();"
            "return Object.fromEntries(['paper','card','ink','soft','agent','agent-wash','caller',"
            "'caller-wash','danger'].map((name) => [name, of(name)]))"
        )

    colour = {name: luminance(value) for name, value in visiting(visit).items()}
    pairs = [("ink", "paper"), ("soft", "paper"), ("soft", "card"), ("ink", "agent-wash"),
             ("agent", "agent-wash"), ("soft", "agent-wash"), ("caller", "caller-wash"),
             ("soft", "caller-wash"), ("danger", "paper")]  # fmt: skip
    found = {pair: contrast(*(colour[name] for name in pair)) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def luminance(value):
    """Source: WCAG 2.2, relative luminance."""
    parts = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Source: WCAG 2.2; text of this size needs 4.5."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@mark.parametrize(("width", "height"), [(320, 640), (390, 844), (844, 390), (1280, 800)])
def test_nothing_sticks_out_of_a_screen(width, height, browser):
    def visit(address):
        metrics = {"width": width, "height": height, "mobile": False, "deviceScaleFactor": 1}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        try:
            browser.open(address)
            before = browser.run(STICKS_OUT)
            browser.call()
            browser.wait_for_line("agent", "I am a tone")
            during = browser.run(STICKS_OUT)
            browser.press('[data-tool="end"]')
            browser.wait_for_state("ended")
            return before, during, browser.run(STICKS_OUT)
        finally:
            browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert visiting(visit) == ([], [], [])


STICKS_OUT = """
    return [...document.querySelectorAll(".parley :is(button, canvas, header, .lines, .floor)")]
        .filter((one) => one.offsetParent && !one.closest(".lines *"))
        .filter((one) => {
            const { left, right, top, bottom } = one.getBoundingClientRect();
            return left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
        }).map((one) => one.outerHTML.slice(0, 80));"""


def test_the_page_weighs_little_and_asks_nobody_else(browser):
    sizes = {path.name: path.stat().st_size for path in (ROOT / "web_client").rglob("*")}
    assert sum(sizes.values()) <= 150 * 1024

    def visit(address):
        browser.open(address)
        browser.call()
        loaded = browser.run("return performance.getEntriesByType('resource').map((r) => r.name)")
        browser.press('[data-tool="end"]')
        return address, loaded

    address, loaded = visiting(visit)
    assert len(loaded) > 10
    assert [name for name in loaded if not name.startswith(address)] == []
    sources = [path.read_text("utf-8") for path in (ROOT / "web_client").glob("*.*")]
    assert not any(re.search(r"https?://(?!www\.w3\.org|…)", source) for source in sources)
