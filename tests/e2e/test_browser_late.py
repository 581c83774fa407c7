"""What comes late, when a call has gone on or is over: a microphone, a person who comes back."""

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
    window.peers = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(options) { super(options); peers.push(this); }
    };
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


def test_a_microphone_that_is_unplugged_while_connecting_is_followed_by_the_next(browser):
    def visit(address):
        browser.open(address)
        hold_offers(browser)
        browser.press(".talk")
        unplugged_before_the_answer(browser)

    visiting(visit)


def test_a_microphone_that_is_unplugged_while_coming_back_is_followed_by_the_next(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.wait("document.querySelector('.floor').dataset.floor === 'open'")
        hold_offers(browser)
        browser.run("peers[0].close(); peers[0].onconnectionstatechange()")
        unplugged_before_the_answer(browser)

    visiting(visit)


def unplugged_before_the_answer(browser):
    """The microphone goes while an offer is out; the call must send the one that comes after it."""
    browser.wait("offers.length === 1")
    unplug(browser)
    browser.wait("streams.length === 2")
    browser.run("offers[0]()")
    browser.wait_for_state("talking")
    browser.wait(SENDS_THE_NEWEST)
    browser.press('[data-tool="end"]')


SENDS_THE_NEWEST = "peers.at(-1).getSenders()[0].track === streams.at(-1).getTracks()[0]"


def hold_offers(page):
    """From now on an offer waits until what stands in `offers` is called."""
    page.run("""
        window.offers = [];
        const sent = fetch;
        window.fetch = async (url, options) => {
            if (options.method === "POST") await new Promise((go) => offers.push(go));
            return sent(url, options);
        };""")


def unplug(page):
    """What a browser does to a track whose device is gone."""
    page.run("""
        const [track] = streams.at(-1).getTracks();
        track.stop();
        track.dispatchEvent(new Event("ended"));""")


# --- the page -----------------------------------------------------------------------------------


def test_a_page_that_was_left_in_a_call_stands_in_none_when_it_is_come_back_to(browser):
    def visit(address):
        browser.open(address)
        browser.call()
        browser.run("location.href = 'icon.svg'")
        browser.wait("location.pathname === '/icon.svg'")
        browser.run("history.back()")  # the browser has kept the page as it was, or loads it again
        browser.wait("document.querySelector('.parley') !== null")
        found = browser.run("return document.querySelector('.parley').dataset.state")
        browser.call()
        browser.press('[data-tool="end"]')
        return found

    assert visiting(visit) in ("ended", "idle")
