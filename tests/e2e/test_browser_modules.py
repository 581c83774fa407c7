"""The client's pure modules, in the browser that runs them."""

import json

from pytest import approx, fixture, mark

from tests.support.browser import chromium, on_a_server
from tests.support.host import host

pytestmark = mark.e2e


@fixture(scope="module")
def page(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


def found(page, script):
    """What a script finds that may import the client's modules."""

    def visit(address):
        page.driver.get(f"{address}icon.svg")
        page.driver.get(address)
        return page.module(script)

    value, fault = on_a_server(host, visit)
    assert not fault
    return value


def states(page, *events, start="idle"):
    """The names of the states that events lead to, each with the effects on the way."""
    script = """
        const { idle, step } = await import("/machine.js");
        let state = idle;
        return EVENTS.map((event) => {
            const [next, effects] = step(state, event);
            state = next;
            return [state.problem ?? state.name, effects.map((one) => one.transport ?? one.do)];
        });"""
    return found(page, script.replace("EVENTS", json.dumps(events)))


PRESS = {"type": "press"}
GRANTED = {"type": "granted", "transport": "webrtc"}
CONNECTED = {"type": "connected"}


def test_a_call_falls_back_to_the_websocket_where_udp_is_blocked_and_then_gives_up(page):
    unreachable = {"type": "unreachable", "now": 8}
    assert states(page, PRESS, GRANTED, unreachable, unreachable, PRESS) == [
        ["asking", ["ask"]],
        ["connecting", ["webrtc"]],
        ["connecting", ["drop", "websocket"]],
        ["unreachable", ["close"]],
        ["asking", ["ask"]],
    ]


def test_a_lost_call_is_resumed_for_thirty_seconds(page):
    lost = {"type": "lost", "now": 100}
    again = {"type": "unreachable", "now": 110}
    late = {"type": "unreachable", "now": 129.5}
    assert states(page, PRESS, GRANTED, CONNECTED, lost, again, {"type": "waited", "now": 111},
                  CONNECTED, lost, late) == [
        ["asking", ["ask"]],
        ["connecting", ["webrtc"]],
        ["talking", []],
        ["reconnecting", ["drop", "webrtc", "wait"]],
        ["reconnecting", ["drop", "wait"]],
        ["reconnecting", ["webrtc"]],
        ["talking", []],
        ["reconnecting", ["drop", "webrtc", "wait"]],
        ["lost", ["close"]],
    ]  # fmt: skip


def test_a_lost_call_is_given_up_after_thirty_seconds_whether_or_not_anything_answers(page):
    assert found(page, """
        const { step } = await import("/machine.js");
        const talking = { name: "talking", transport: "webrtc" };
        const [first, [, , deadline]] = step(talking, { type: "lost", now: 100 });
        const [again] = step(talking, { type: "lost", now: 110 });
        return [deadline.for_s, step(first, deadline.then), step(again, deadline.then)];""") == [
        30,
        [{"name": "failed", "problem": "lost"}, [{"do": "close"}]],
        [{"name": "reconnecting", "transport": "webrtc", "until": 140}, []],  # not of this loss
    ]  # fmt: skip


SWALLOWED = """
    const wait = setTimeout;
    window.setTimeout = (act, ms) => wait(act, ms === 8000 ? 0 : ms);
    AbortSignal.timeout = () => AbortSignal.abort(new DOMException("", "TimeoutError"));
    window.fetch = (url, { signal }) => new Promise((_, reject) => signal && reject(signal.reason));
    window.WebSocket = class { close() { this.isClosed = true; } };
    const never = new Promise(() => {});  // what does not come
    const context = { audioWorklet: { addModule: () => ARRIVED } };
    const said = (fault) => [fault.constructor.name, fault.message];
    const { ask, statusOf } = await import("/server.js");
    const { openWebSocket } = await import("/websocket.js");
    const server = new URL("/", location);
"""


@mark.parametrize("arrived", ["never", "null"], ids=["the worklets", "the handshake"])
def test_a_network_that_swallows_everything_is_no_way_to_the_server(page, arrived):
    asked, status, opened = found(page, SWALLOWED.replace("ARRIVED", arrived) + """
        return [await ask(server, "api/ice", "").catch(said), await statusOf(server),
                await openWebSocket({ server, context }).catch(said)];""")  # fmt: skip
    assert asked == opened == ["Unreachable", "nobody answered"]
    assert status == ""


def test_a_refusal_says_why_and_what_comes_late_changes_nothing(page):
    full = {"type": "refused", "status": 503, "message": "", "retry_s": 7, "now": 1}
    denied = {"type": "denied", "problem": "nomicrophone"}
    assert [state for state, _ in states(page, PRESS, GRANTED, full, CONNECTED)] == [
        "asking", "connecting", "full", "full",
    ]  # fmt: skip
    assert states(page, PRESS, denied)[-1] == ["nomicrophone", ["close"]]
    assert states(page, PRESS, GRANTED, {"type": "hangUp"}, CONNECTED)[-1] == ["ended", []]


PLAYOUT = """
    const { Playout } = await import("/playout.js");
    const playout = new Playout(1000);  // so that a sample is a millisecond
    const put = (count, value = 0.5) => playout.put(new Float32Array(count).fill(value));
    const next = (count) => [...playout.next(count)];
"""


def test_playout_waits_for_eighty_milliseconds_and_then_plays_in_order(page):
    silent, sounding = found(page, PLAYOUT + """
        put(60);
        const before = next(20);
        put(20, 0.25);
        return [before, next(80)];""")  # fmt: skip
    assert silent == [0.0] * 20
    assert sounding == [0.5] * 60 + [0.25] * 20


def test_playout_that_ran_dry_waits_for_more_and_what_is_too_much_goes_oldest_first(page):
    target, missing, dropped, first, consumed = found(page, PLAYOUT + """
        put(80);
        next(100);
        const { target, missing } = playout;
        put(50, 0.1); put(200, 0.2);
        return [target, missing, playout.dropped, next(10)[9], playout.consumed];""")  # fmt: skip
    assert (target, missing) == (100, 20)
    assert dropped == 150  # down to the target
    assert first == approx(0.2)
    assert consumed == 80 + 150 + 10


def test_a_flush_fades_within_milliseconds_and_counts_as_consumed(page):
    before, after, consumed = found(page, PLAYOUT + """
        put(100);
        const before = next(20);
        playout.flush();
        return [before, next(20), playout.consumed];""")  # fmt: skip
    assert before == [0.5] * 20
    assert after[:4] == approx([0.5, 0.375, 0.25, 0.125])
    assert after[4:] == [0.0] * 16
    assert consumed == 100


def test_playout_comes_back_to_its_start_when_the_network_is_calm_again(page):
    assert found(page, PLAYOUT + """
        put(80); next(100);
        const high = playout.target;
        put(120);
        for (let n = 0; n < 600; n += 1) { put(20); next(20); }
        return [high, playout.target];""") == [100, 80]  # fmt: skip


@mark.parametrize(("rate", "to"), [(48_000, 16_000), (44_100, 16_000), (24_000, 44_100)])
def test_resampling_keeps_a_tone_and_removes_what_does_not_fit(page, rate, to):
    low, high, count = found(page, f"""
        const {{ Resampler }} = await import("/resample.js");
        const level = (hz) => {{
            const resampler = new Resampler({rate}, {to});
            const out = [];
            for (let n = 0; n < {rate}; n += 128) {{
                out.push(...resampler.push(Float32Array.from({{length: 128}},
                    (_, i) => Math.sin((2 * Math.PI * hz * (n + i)) / {rate}))));
            }}
            const middle = out.slice(2000, -2000);
            return [Math.sqrt(2 * middle.reduce((s, x) => s + x * x, 0) / middle.length),
                    out.length];
        }};
        const [kept, count] = level(1000);
        return [kept, level({min(rate, to)} * 0.5 * 1.2)[0], count];""")  # fmt: skip
    assert low == approx(1, abs=0.01)
    assert count == approx(to, abs=0.01 * to)
    if to < rate:
        assert high < 0.003  # -50 dB


def test_the_ear_hears_what_the_worklet_gave_out_when_the_device_plays_it(page):
    assert found(page, """
        const { Ear, soundingAt } = await import("/ear.js");
        const ear = new Ear();
        ear.put(1.0, 0); ear.put(1.1, 100); ear.put(1.2, 100); ear.put(1.3, 200);
        const device = { currentTime: 2, outputLatency: 0.05,
            getOutputTimestamp: () => ({ contextTime: 1.9, performanceTime: 5000 }) };
        const plain = { currentTime: 2, outputLatency: 0.05 };
        return [[0.5, 1.05, 1.15, 1.25, 9].map((at) => ear.at(at)),
                soundingAt(device, 5040), soundingAt(plain, 5040)];""") == [
        [0, 50, 100, 150, 200], approx(1.94), approx(1.95),
    ]  # fmt: skip


def test_unheard_words_of_an_interrupted_reply_are_known(page):
    assert found(page, """
        const { Captions } = await import("/captions.js");
        const captions = new Captions();
        const show = ({ text, unheard, final }) => [text, unheard, final];
        const note = (fields) => show(captions.note({ who: "agent", reply: 2, ...fields }, 1));
        return [
            note({ text: "One, two three. Four five.", final: false }),
            note({ text: "One, two", final: true, cut: true }),
            note({ reply: 3, text: "One", final: true, cut: true, whole: "One two three" }),
            note({ reply: 4, text: "Other", final: false }),
            note({ reply: 4, text: "Quite different", final: true, cut: true }),
        ];""") == [
        ["One, two three. Four five.", "", False],
        ["One, two", "three. Four five.", True],
        ["One", "two three", True],
        ["Other", "", False],
        ["Quite different", "", True],
    ]  # fmt: skip


TURNS = """
    const { Turns } = await import("/turns.js");
    const turns = new Turns();
    const quiet = -90, voice = -20;
    const quality = { rtt_s: 0.04, buffer_s: 0.06, device_s: 0.03 };
    // ten milliseconds a letter: c the caller, a the agent, b both, . nobody
    const hear = (from, letters) => turns.levels({ end_s: from + letters.length / 100, step_s: 0.01,
        caller: [...letters].map((l) => "cb".includes(l) ? voice : quiet),
        agent: [...letters].map((l) => "ab".includes(l) ? voice : quiet) }, quality);
"""


def test_an_answer_is_timed_from_the_last_sound_to_the_first_and_its_parts_add_up(page):
    ((answer,), later) = found(page, TURNS + """
        hear(0, "c".repeat(100) + ".".repeat(30));
        turns.note("floor", { floor: "pause" }, 1.2);
        turns.note("floor", { floor: "pending" }, 1.5);
        turns.note("caption", { who: "agent", reply: 7, text: "Yes", final: false }, 1.6);
        const answers = hear(1.3, ".".repeat(36) + "aaaa");
        turns.note("caption", { who: "agent", reply: 8, text: "More", final: false }, 1.8);
        return [answers, hear(1.8, "..aa")];""")  # fmt: skip
    assert answer["reply"] == 7
    assert answer["total_s"] == approx(0.66 + 0.03)
    parts = {part["name"]: part["length_s"] for part in answer["parts"]}
    assert parts == approx({"hearing": 0.16, "deciding": 0.3, "making": 0.1, "network": 0.1,
                            "device": 0.03, "remainder": 0}, abs=1e-9)  # fmt: skip
    assert sum(parts.values()) == approx(answer["total_s"])
    assert later == []  # nobody had asked for that one


def test_small_sounds_and_greetings_are_no_answers(page):
    assert found(page, TURNS + """
        turns.note("caption", { who: "agent", reply: 1, text: "Hello", final: false }, 0);
        const greeting = hear(0, "aaaa");
        const aside = hear(1, "c".repeat(20) + "..aaa");
        return [greeting, aside];""") == [[], []]  # fmt: skip


def test_the_state_of_a_connection_is_said_in_seconds_shares_and_a_word(page):
    state, later, grades = found(page, """
        const { ofStats, grade } = await import("/quality.js");
        const report = (lost, received, waited, emitted) => new Map([
            ["a", { type: "inbound-rtp", kind: "audio", jitter: 0.004,
                    packetsLost: lost, packetsReceived: received,
                    jitterBufferDelay: waited, jitterBufferEmittedCount: emitted }],
            ["b", { type: "candidate-pair", nominated: true, state: "succeeded",
                    currentRoundTripTime: 0.05 }]]);
        const first = ofStats(report(0, 100, 4800, 96000), null);
        const second = ofStats(report(10, 190, 9600 + 4800, 192000), first);
        const words = [first, { ...first, loss: 0.05 }, { ...first, rtt_s: 1 }].map(grade);
        return [first, second, words];""")  # fmt: skip
    assert (state["rtt_s"], state["jitter_s"], state["loss"]) == (0.05, 0.004, 0)
    assert (state["buffer_s"], state["device_s"]) == (approx(0.05), None)
    assert (later["loss"], later["buffer_s"]) == (approx(0.1), approx(0.1))
    assert grades == ["good", "fair", "poor"]


def test_captions_become_webvtt(page):
    assert found(page, """
        const { vtt } = await import("/record.js");
        return await vtt([
            { who: "agent", text: "A <b> & c", from_s: 1.5, to_s: 3661.25 },
            { who: "caller", text: "", from_s: 2, to_s: 2 },
            { who: "caller", text: "yes", from_s: 4, to_s: 4.1 },
        ]).text();""") == (
        "WEBVTT\n\n00:00:01.500 --> 01:01:01.250\n<v Agent>A &lt;b&gt; &amp; c\n\n"
        "00:00:04.000 --> 00:00:05.000\n<v Caller>yes\n"
    )  # fmt: skip


def test_keys_of_the_keyboard_have_one_meaning_each(page):
    assert found(page, """
        const { meaning } = await import("/keyboard.js");
        return [" ", "m", "M", "Escape", "5", "#", "x"].map((key) =>
            [meaning(key, false), meaning(key, true)]);""") == [
        ["talk", "mute"], ["mute", "mute"], ["mute", "mute"], ["escape", "escape"],
        ["", "digit 5"], ["", "digit #"], ["", ""],
    ]  # fmt: skip


@mark.parametrize(("error", "problem"), [
    ("NotAllowedError", "denied"), ("NotFoundError", "nomicrophone"),
    ("NotReadableError", "busymicrophone"),
])  # fmt: skip
def test_an_error_of_the_microphone_becomes_a_sentence(page, error, problem):
    name, words = found(page, f"""
        const {{ describe, ofMicrophone }} = await import("/problems.js");
        const problem = ofMicrophone("{error}");
        return [problem, describe({{ problem }})];""")  # fmt: skip
    assert name == problem
    assert "microphone" in words["title"]
    assert words["canType"]


def test_a_client_that_is_removed_listens_to_nothing_any_more(page):
    listening, left, children = found(page, """
        const held = [];
        const at = (one, name) => held.findIndex((other) => other[0] === one && other[1] === name);
        const { addEventListener, removeEventListener } = EventTarget.prototype;
        EventTarget.prototype.addEventListener = function (name, act, options) {
            if (this === window || this instanceof MediaQueryList) held.push([act, name]);
            return addEventListener.call(this ?? window, name, act, options);
        };
        EventTarget.prototype.removeEventListener = function (name, act) {
            if (at(act, name) >= 0) held.splice(at(act, name), 1);
            return removeEventListener.call(this ?? window, name, act);
        };
        const { mount } = await import("/app.js");
        const root = document.createElement("div");
        const unmount = mount(root, { server: new URL("/", location) });
        const before = held.map(([, name]) => name).sort();
        unmount();
        return [before, held.length, root.children.length];""")  # fmt: skip
    assert listening == ["change", "keydown", "pagehide"]
    assert (left, children) == (0, 0)


@mark.parametrize(("steps", "clients"), [
    ("add, remove", 0), ("add, move", 1), ("add, move, move", 1), ("add, move, load, move", 1),
    ("add, move, load, remove", 0),
])  # fmt: skip
def test_an_element_that_is_moved_while_it_loads_holds_one_client(page, steps, clients):
    assert found(page, """
        await import("/parley-call.js");
        const element = document.createElement("parley-call");
        const does = {
            add: () => document.body.append(element),
            move: () => document.body.prepend(element),
            remove: () => element.remove(),
            load: () => import("/app.js").then(() => new Promise((done) => setTimeout(done))),
        };
        for (const step of [...STEPS, "load"]) await does[step]();
        return element.shadowRoot.querySelectorAll(".parley").length;
        """.replace("STEPS", json.dumps(steps.split(", ")))) == clients  # fmt: skip
