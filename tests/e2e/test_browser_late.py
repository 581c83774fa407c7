"""What comes late: a microphone that is opened, while the call has gone on or is over."""

from pytest import fixture, mark

from tests.support.browser import chromium, microphone, timeline, visiting

pytestmark = [mark.e2e, mark.peers]

HOLD_MICROPHONES = """
    window.streams = [];
    window.waiting = null;  // while it is a list, whoever asks for a microphone waits there
    if (navigator.mediaDevices) {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wishes) => {
            if (waiting) await new Promise((go) => waiting.push(go));
            const stream = await open(wishes);
            streams.push(stream);
            return stream;
        };
    }
    window.live = () => streams.filter((one) => one.getTracks()[0].readyState === "live").length;
    """


@fixture(scope="module")
def browser(tmp_path_factory):
    """A browser with a silent caller, whose microphones can be held back."""
    folder = tmp_path_factory.mktemp("browser")
    spoken = timeline(folder / "caller.wav", {}, 2)
    with chromium(folder, microphone(spoken), script=HOLD_MICROPHONES) as page:
        yield page


# --- the microphone -----------------------------------------------------------------------------


def test_a_first_microphone_that_is_there_after_hanging_up_is_let_go(browser):
    def visit(address):
        browser.open(address)
        browser.run("waiting = []")
        browser.press(".talk")
        browser.wait("waiting.length === 1")
        browser.press(".talk")
        browser.wait_for_state("ended")
        browser.run("waiting[0]()")
        browser.wait("streams.length === 1 && live() === 0")

    visiting(visit)


def test_another_microphone_that_is_there_after_hanging_up_is_let_go(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.run("waiting = []")
        browser.press('footer [data-tool="settings"]')
        browser.press(".headset")
        browser.wait("waiting.length === 1")
        browser.press('[data-tool="end"]')
        browser.wait_for_state("ended")
        browser.run("waiting[0]()")
        browser.wait("streams.length === 2 && live() === 0")

    visiting(visit)


def test_of_two_changes_at_once_one_microphone_stays(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.run("waiting = []")
        browser.press('footer [data-tool="settings"]')
        browser.press(".headset")
        browser.press(".headset")
        browser.wait("waiting.length === 2")
        browser.run("for (const go of waiting) go()")
        browser.wait("streams.length === 3 && live() === 1")
        browser.press('[data-tool="end"]')
        browser.wait("live() === 0")

    visiting(visit)
