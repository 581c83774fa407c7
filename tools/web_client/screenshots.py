"""Pictures of the browser client in a real call with the offline agent, to be looked at.

    python -m tools.web_client.screenshots FOLDER

At 390x844 and 1280x800, light and dark: before a call, in it, interrupted, the parts of an
answer's delay, after it, and where the microphone is not allowed.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.browser import Page, chromium, forbidden, microphone, timeline

DEMO = Path(__file__).parents[2] / "configs" / "demo"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SHADES = ("light", "dark")


def main() -> int:
    """Take them all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with served() as url:
        for name, size in SIZES.items():
            with scratch() as space, chromium(space, spoken(space)) as page:
                call(Camera(page, folder, name, size), url)
            with scratch() as space, chromium(space, forbidden()) as page:
                trouble(Camera(page, folder, name, size), url)
    return 0


class Camera:
    """Takes pictures of a page at one size, in both shades."""

    def __init__(self, page: Page, folder: Path, name: str, size: tuple[int, int]) -> None:
        self.page, self._folder, self._name = page, folder, name
        width, height = size
        metrics = {"width": width, "height": height, "mobile": width < 600, "deviceScaleFactor": 1}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def take(self, what: str) -> None:
        """One picture of what is seen now, in each shade."""
        for shade in SHADES:
            features = [{"name": "prefers-color-scheme", "value": shade}]
            self.page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            self.page.run("return new Promise((done) => setTimeout(done, 400))")
            self.page.driver.save_screenshot(str(self._folder / f"{self._name}-{what}-{shade}.png"))


def call(camera: Camera, url: str) -> None:
    """A question, an answer that is interrupted, another answer."""
    page = camera.page
    page.open(url)
    camera.take("idle")
    page.press('footer [data-tool="settings"]')
    page.press(".headset")
    camera.take("sound")
    page.keys("s")
    page.press(".talk")
    page.wait("document.querySelectorAll('.lines > .agent').length === 2")
    page.wait("document.querySelector('.floor').dataset.floor === 'overlap'")
    camera.take("both")
    page.wait("document.querySelector('del') !== null")
    page.wait("document.querySelectorAll('.took').length === 2")
    camera.take("interrupted")
    page.press(".lines > li:last-child .took")
    camera.take("waterfall")
    page.press('[data-tool="quality"]')
    camera.take("quality")
    page.keys("k")
    camera.take("keys")
    page.press('[data-tool="end"]')
    page.press('[data-tool="keep"]')
    camera.take("ended")


def trouble(camera: Camera, url: str) -> None:
    """The person says no to the microphone."""
    camera.page.open(url)
    camera.page.press(".talk")
    camera.page.wait_for_state("failed")
    camera.take("error")


def spoken(folder: Path) -> list[str]:
    """Flags for a caller who asks for the address, and interrupts."""
    lines = {5.0: DEMO / "address.wav", 11.0: DEMO / "parking.wav"}
    return microphone(timeline(folder / "caller.wav", lines, 30))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def served() -> Iterator[str]:
    """The address of a server with the offline agent."""
    command = [sys.executable, "-m", "agent.cli", "serve", "--set", "server.port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+", line)
            if found is None:
                raise SystemExit(f"expected a server's address, found {line!r}")
            yield found[0]
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
