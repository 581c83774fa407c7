"""A real browser that calls: Debian's Chromium with a WAV as its microphone, driven by Selenium."""

import asyncio
import contextlib
import json
import signal
import wave
from pathlib import Path

import numpy as np

from agent.admission import ServerSettings
from agent.entrances.webrtc import WebRtcEntrance
from agent.entrances.websocket import WebSocketEntrance
from audio_io.wav_file import read_wav
from audio_io.webrtc.settings import WebRtcSettings
from tests.support.host import host
from tests.support.servers import serve
from tests.support.tools import package, tool

QUIET = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --no-default-browser-check --password-store=basic "
    "--autoplay-policy=no-user-gesture-required"
).split()
FAKE_MICROPHONE = "--use-fake-device-for-media-stream"
ALLOW = "--use-fake-ui-for-media-stream"


def microphone(path):
    """Flags: a sound file is the microphone, once, then silence; nobody is asked."""
    return [ALLOW, FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={path}%noloop"]


def without_microphone():
    """Flags: there is none."""
    return [ALLOW]


def forbidden():
    """Flags: there is one, and the person says no."""
    return [f"{ALLOW}=deny", FAKE_MICROPHONE]


@contextlib.contextmanager
def chromium(folder, flags=(), size=(1280, 800), script=""):
    """A fresh browser; its downloads lie in `folder`/kept. A script runs before those of a page."""
    package("selenium")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = tool("chromium", "chromium-browser", "google-chrome")
    for flag in (*QUIET, *flags, f"--user-data-dir={folder / 'profile'}",
                 f"--window-size={size[0]},{size[1]}"):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    kept = folder / "kept"
    options.add_experimental_option("prefs", {"download.default_directory": str(kept)})
    service = webdriver.ChromeService(tool("chromedriver"))
    driver = webdriver.Chrome(options, service)
    try:
        driver.set_script_timeout(15)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        yield Page(driver, kept)
    finally:
        driver.quit()


class Page:
    """The client as a person sees it. Everything is found by what it is, not where."""

    def __init__(self, driver, kept):
        self.driver, self._kept = driver, kept

    def open(self, url, query=""):
        """Load the client; what was wrong before is forgotten."""
        self.faults()
        self.driver.get(url + query)
        self.wait("document.querySelector('.parley') !== null")

    def run(self, script, *values):
        """The value of a script's `return`."""
        return self.driver.execute_script(script, *values)

    def module(self, script):
        """The value that `script`, the body of an async function on the page, returns."""
        return self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async () => {{ {script} }})().then((found) => done([found, '']),"
            "(fault) => done([null, String(fault.stack ?? fault)]))"
        )

    def wait(self, condition, limit_s=15.0):
        """Wait for a JavaScript expression to be true."""
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.wait import WebDriverWait

        try:
            wait = WebDriverWait(self.driver, limit_s, poll_frequency=0.05)
            return wait.until(lambda driver: driver.execute_script(f"return {condition}"))
        except TimeoutException:
            raise AssertionError(f"expected {condition}, found {self.summary()}") from None

    def wait_for_state(self, state, limit_s=15.0):
        """Wait for the call to be idle, talking, ended, failed and so on."""
        self.wait(f"document.querySelector('.parley').dataset.state === {state!r}", limit_s)

    def press(self, selector):
        """Click it, as a person who sees it would."""
        from selenium.webdriver.common.by import By

        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def keys(self, keys):
        """Type on the keyboard, wherever the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(keys).perform()

    def text(self, selector):
        """What can be read there."""
        found = self.run("return document.querySelector(arguments[0])?.innerText", selector)
        return (found or "").strip()

    def lines(self):
        """The captions: (who, heard words, words struck out)."""
        found = self.run("""return [...document.querySelectorAll(".lines > li:not([hidden])")]
            .map((line) => {
                const words = line.querySelector(".words");
                const gone = words.querySelector("del")?.firstChild.textContent ?? "";
                return [line.className.split(" ")[0], words.firstChild?.textContent ?? "", gone];
            })""")
        return [tuple(line) for line in found]

    def summary(self):
        """For a message: where the page stands."""
        return f"{self.text('.parley')[:300]!r}, log {self.faults()}"

    def faults(self):
        """What the console says is wrong, since it was last asked."""
        levels = ("SEVERE", "WARNING")
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] in levels]

    def facts(self):
        """What the page says of the connection."""
        return self.run("""return Object.fromEntries([...document.querySelectorAll(".facts dt")]
            .map((name) => [name.textContent, name.nextSibling.textContent]))""")

    def call(self, by=".talk"):
        """Press the button and wait until somebody is there."""
        self.press(by)
        self.wait_for_state("talking")

    def write(self, text):
        """Write to the agent."""
        from selenium.webdriver.common.keys import Keys

        if not self.run("return document.querySelector('.typing').offsetParent"):
            self.press('[data-tool="type"]')
        self.keys(text + Keys.ENTER)

    def wait_for_line(self, who, part, limit_s=15.0):
        """Wait for a caption that holds some words."""
        self.wait(
            f"""[...document.querySelectorAll(".lines > .{who}")]
            .some((line) => line.innerText.includes({part!r}))""",
            limit_s,
        )

    def kept(self, kind, limit_s=10.0):
        """Download one of the call's files, as a person would; its path."""
        if not self.run("return document.querySelector('[data-drawer=keep]').offsetParent"):
            self.press('[data-tool="keep"]')
        self.press(f'[data-keep="{kind}"]')
        from selenium.webdriver.support.wait import WebDriverWait

        found = WebDriverWait(self.driver, limit_s).until(
            lambda _: [p for p in self._kept.glob(f"*.{kind}") if p.stat().st_size]
        )
        return Path(found[0])


def on_a_server(agent, visit, **options):
    """What `visit(address)` returns, called in a thread while an agent takes calls there."""

    async def run():
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        settings = ServerSettings(**{"port": 0, **options.pop("settings", {})})
        async with asyncio.TaskGroup() as group:
            server = group.create_task(serve(settings, agent, ready.set_result, **options))
            try:
                return await loop.run_in_executor(None, visit, f"{await ready}/")
            finally:
                if not server.done():
                    signal.raise_signal(signal.SIGTERM)  # so that it closes what a browser keeps

    return asyncio.run(run())


def visiting(visit, agent=host, **options):
    """What a visit to a server with both ways in returns."""
    return on_a_server(agent, visit, entrances=(WebSocketEntrance, webrtc), **options)


def webrtc(switchboard):
    """The way in over WebRTC, as it is set unless somebody says otherwise."""
    return WebRtcEntrance(switchboard, WebRtcSettings())


def timeline(path, sounds, length_s, rate=16_000):
    """Write a WAV in which each sound, a file, begins at its second."""
    line = np.zeros(round(length_s * rate), np.float32)
    for at_s, sound in sounds.items():
        samples = read_wav(sound).at(rate)
        start = round(at_s * rate)
        line[start : start + len(samples)] += samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(line, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def stereo(path):
    """Both sides of a downloaded call, float32, and their rate: the caller, the agent."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        return data[0::2], data[1::2], file.getframerate()


def trace(path):
    """The messages of a downloaded trace."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
