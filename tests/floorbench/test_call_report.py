"""The folder of a call becomes figures, a page and a table; words are never more than words."""

import base64
import hashlib
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from agent.core.errors import ParleyError
from floorbench.call.picture import EMBEDDED_BYTES, script_json, sound_address
from floorbench.call.report import write_report
from floorbench.call.table import table
from tests.support.recordings import (
    answered,
    asked,
    in_order,
    line,
    sounding,
    spoken,
    write_call,
    write_wav,
)

HOSTILE = "</script><img src=x onerror=alert(1)> & $data ${title} \u2028 'one' \"two\" \x1b[31m"


class Page(HTMLParser):
    """What a browser would make of the page: elements, addresses, texts of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.scripts, self.handlers, self.text = [], [], [], [], ""
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"]

    def handle_data(self, data):
        if self.tags[-1:] == ["script"]:
            self.scripts.append(data)
            self.tags.append("")
        else:
            self.text += data


@pytest.fixture
def folder(tmp_path):
    """One turn, hostile in every place where words can be, cut off by the caller."""
    lines = in_order(
        [line(0.0, "call", version=1, wall="2026-11-20T12:00:00+00:00", call="c", agent=HOSTILE)],
        [line(0.0, "floor", floor="open"), line(1.1, "floor", floor="user")],
        spoken(1, 1.0, 2.05, HOSTILE),
        answered(1, HOSTILE, 2.45, 2.55, 4.3, f"Two it is. {HOSTILE}", heard="Two it"),
        [asked(4.1, "DuckReply", 1), line(4.0, "error", message=HOSTILE)],
        [line(6.0, "end", reason=HOSTILE)],
    )
    caller, agent = sounding([(1.0, 2.0), (4.0, 5.0)], 6.0), sounding([(2.6, 4.35)], 6.0)
    write_call(tmp_path, caller, agent, lines)
    return tmp_path


def page_of(folder):
    write_report(folder)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_words_cannot_become_elements_or_scripts(folder):
    page = page_of(folder)
    assert "img" not in page.tags
    assert page.tags.count("script") == 2
    assert page.handlers == []


def test_no_character_that_means_something_to_html_is_in_the_data():
    text = script_json({"words": HOSTILE})
    assert set(text).isdisjoint("<>&\u2028\u2029")
    assert json.loads(text) == {"words": HOSTILE}


def test_words_are_shown_as_they_were_said(folder):
    assert page_of(folder).text.count("</script><img src=x onerror=alert(1)> & $data ${title}") >= 4


def test_the_data_of_the_page_is_what_was_said(folder):
    data = json.loads(page_of(folder).scripts[0])
    assert [(c["who"], c["text"]) for c in data["captions"]] == [
        ("caller", HOSTILE),
        ("agent", "Two it"),
    ]
    assert data["captions"][1]["unheard"] == " ".join(f"is. {HOSTILE}".split())
    assert data["gaps"] == [[2.0, 2.6, False]]
    assert data["floors"] == [["open", 0.0, 1.1], ["user", 1.1, 6.0]]


def test_words_that_were_not_heard_are_struck_out(folder):
    page = page_of(folder)
    assert page.tags.count("del") == 1


def test_the_page_asks_nothing_of_a_network(folder):
    page = page_of(folder)
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses)
    assert "default-src 'none'" in page.policy
    assert "link" not in page.tags


def test_only_our_own_script_may_run(folder):
    page = page_of(folder)
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy


def test_the_recording_is_in_the_page_byte_by_byte(folder):
    (address,) = page_of(folder).addresses
    assert base64.b64decode(address.split(",")[1]) == (folder / "call.wav").read_bytes()


def test_a_long_recording_stays_beside_the_page():
    assert sound_address(bytes(EMBEDDED_BYTES + 1), "call.wav") == "call.wav"
    assert sound_address(b"RIFF", "call.wav") == "data:audio/wav;base64,UklGRg=="


def test_the_lanes_have_a_byte_for_each_10_ms_and_the_loudest_is_255(folder):
    data = json.loads(page_of(folder).scripts[0])
    peak = np.frombuffer(base64.b64decode(data["lanes"]["agent"]["peak"]), np.uint8)
    assert len(peak) == 600
    assert (peak[:259].max(), peak[261:434].min() > 250, peak.max()) == (0, True, 255)


def test_results_json_holds_the_figures(folder):
    results = write_report(folder)
    held = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert held["schema"] == "parley.call/1"
    assert held["summary"]["ear"] == {
        "n": 1, "missed": 0, "p50_s": 0.6, "p90_s": 0.6, "p95_s": 0.6,
    }  # fmt: skip
    assert held["turns"][0]["ear_s"] == results.turns[0].ear_s == 0.6
    assert held["turns"][0]["waterfall"]["audible_s"] == 0.5
    assert held["interjections"][0]["outcome"] == "yielded"
    assert held["caller"][0] == {"start_s": 1.0, "end_s": 2.0}


def test_every_field_of_results_json_is_documented(folder, request):
    write_report(folder)
    documented = (request.config.rootpath / "docs" / "results.md").read_text(encoding="utf-8")

    def names(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from names(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from names(inner)

    held = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert {n for n in names(held) if f"`{n}`" not in documented} == set()


def test_an_empty_call_is_a_page_with_nothing_on_it(tmp_path):
    write_call(tmp_path, sounding([], 0.0), sounding([], 0.0), [])
    page = page_of(tmp_path)
    assert "No turn of the caller was answered." in page.text
    assert "NaN" not in page.text
    assert json.loads(page.scripts[0])["duration"] == 0


def test_a_trace_that_was_cut_off_still_makes_a_report_that_says_so(folder):
    trace = folder / "trace.jsonl"
    trace.write_text(trace.read_text()[:-20])
    page = page_of(folder)
    assert "was cut off and is left out" in page.text
    assert "it may have been cut short" in page.text


def test_a_recording_shorter_than_its_trace_measures_what_is_there(folder):
    write_wav(folder / "call.wav", [sounding([(1.0, 2.0)], 3.0), sounding([(2.6, 3.0)], 3.0)])
    results = write_report(folder)
    assert results.turns[0].ear_s == pytest.approx(0.6)
    assert any(text.startswith("the recording ends at 3.00 s") for text in results.notices)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParleyError, match=r"found no call\.wav and no trace\.jsonl"):
        write_report(tmp_path)


def test_a_recording_of_one_channel_is_refused_in_words(folder):
    write_wav(folder / "call.wav", [sounding([], 1.0)])
    with pytest.raises(ParleyError, match=r"expected 2 channels of 16 bits .* found 1 of 16 bits"):
        write_report(folder)


def test_a_recording_that_is_none_is_refused_in_words(folder):
    (folder / "call.wav").write_bytes(b"not a wave file at all")
    with pytest.raises(ParleyError, match="expected a WAV file"):
        write_report(folder)


# --- the table ----------------------------------------------------------------------------------


def test_the_table_has_a_line_for_each_turn_and_fits_the_terminal(folder):
    lines = table(write_report(folder)).split("\n")
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == [
        "turn", "caller", "said", "ear", "decided", "audio", "played", "rest", "note",
    ]  # fmt: skip
    assert lines[2].split()[-6:] == ["600", "400", "300", "500", "50", "interrupted"]
    assert "reply heard after   p50 0.60 s  p90 0.60 s  p95 0.60 s  n 1  missed 0" in lines


def test_words_cannot_steer_the_terminal(folder):
    assert all(c.isprintable() or c == "\n" for c in table(write_report(folder)))


def test_a_call_without_turns_says_so(tmp_path):
    write_call(tmp_path, sounding([], 1.0), sounding([], 1.0), [])
    assert "no turn of the caller was answered" in table(write_report(tmp_path))
