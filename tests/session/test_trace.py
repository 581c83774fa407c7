"""A trace is whole lines of JSON, whatever happens to the process, the text or the disk."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.errors import ConfigError
from agent.core.events import Prompt, Reason
from agent.core.record import to_fields
from agent.live import Captions
from agent.scenario import Press, Say, Scene, act
from agent.trace import VERSION, TraceFile, TraceList, both, read_trace
from agent.virtual_loop import run_virtual

WRITER = """
import itertools, sys, time
from pathlib import Path
from agent.trace import TraceFile
trace = TraceFile(Path(sys.argv[1]), time.monotonic)
trace.header(call="killed")
for number in itertools.count():
    trace("told", what="Transcript", now=time.monotonic(), segment=number, stable="wörd " * 20)
    if number == 200:
        print("writing", flush=True)
"""


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now=100.0):
        self.now = now

    def __call__(self):
        return self.now


def lines_of(path):
    """Lines end with a line feed; `splitlines` would also end them inside a text."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_a_line_has_its_time_since_the_start_its_event_and_its_fields(tmp_path):
    clock = Clock()
    trace = TraceFile(tmp_path / "trace.jsonl", clock)
    clock.now += 1.5
    trace("floor", floor="agent")
    trace.close()
    assert lines_of(tmp_path / "trace.jsonl") == [{"t": 1.5, "event": "floor", "floor": "agent"}]


def test_the_header_has_version_wall_clock_and_the_zero_of_loop_time(tmp_path):
    trace = TraceFile(tmp_path / "trace.jsonl", Clock(12.25))
    trace.header(call="a7", turns={"pause_min_s": 0.2})
    trace.close()
    (header,) = lines_of(tmp_path / "trace.jsonl")
    assert (header["t"], header["event"], header["version"]) == (0.0, "call", VERSION)
    assert (header["call"], header["turns"]) == ("a7", {"pause_min_s": 0.2})
    assert header["zero"] == 12.25
    assert datetime.fromisoformat(header["wall"]).utcoffset().total_seconds() == 0


def test_a_line_can_be_read_as_soon_as_it_is_written(tmp_path):
    path = tmp_path / "trace.jsonl"
    trace = TraceFile(path, Clock())
    for count in range(1, 4):
        trace("floor", floor="open")
        assert len(lines_of(path)) == count
    trace.close()


def test_folders_that_are_missing_are_made(tmp_path):
    trace = TraceFile(tmp_path / "a" / "b" / "trace.jsonl", Clock())
    trace("end", reason="hung up")
    trace.close()
    assert len(lines_of(tmp_path / "a" / "b" / "trace.jsonl")) == 1


def test_lines_after_the_end_are_dropped_and_a_trace_may_end_twice(tmp_path):
    trace = TraceFile(tmp_path / "trace.jsonl", Clock())
    trace("end", reason="hung up")
    trace.close()
    trace("floor", floor="open")
    trace.close()
    assert [line["event"] for line in lines_of(tmp_path / "trace.jsonl")] == ["end"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_whatever_a_field_holds_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    trace = TraceFile(path, Clock())
    trace("said", text=value)
    trace.close()
    (line,) = lines_of(path)
    assert line["text"] == value


@mark.parametrize(
    "text", ["\ud800", "half \udfff a pair", 'a "quote"', "two\nlines", "\u2028", "\x85"]
)
def test_text_that_is_hard_to_write_comes_back_on_one_line(tmp_path, text):
    path = tmp_path / "trace.jsonl"
    trace = TraceFile(path, Clock())
    trace("said", text=text)
    trace.close()
    raw = path.read_bytes()
    assert raw.count(b"\n") == 1
    assert json.loads(raw)["text"] == text


def test_a_value_that_json_does_not_know_is_written_as_text(tmp_path):
    path = tmp_path / "trace.jsonl"
    trace = TraceFile(path, Clock())
    trace("error", message=Path("a") / "b")
    trace.close()
    assert lines_of(path)[0]["message"] == "a/b"


def test_an_action_is_written_with_plain_values(tmp_path):
    path = tmp_path / "trace.jsonl"
    trace = TraceFile(path, Clock())
    trace("asked", **to_fields(Prompt(1, Reason.GREETING)))
    trace.close()
    assert lines_of(path)[0]["reason"] == "greeting"


@mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_ends_the_trace_and_not_the_call():
    trace = TraceFile(Path("/dev/full"), Clock())
    trace("floor", floor="open")
    assert isinstance(trace.fault, OSError)
    trace("floor", floor="agent")
    trace.close()


def test_a_process_that_is_killed_leaves_whole_lines(tmp_path):
    path = tmp_path / "trace.jsonl"
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with child:
        assert child.stdout.readline() == b"writing\n"
        os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    raw = path.read_text(encoding="utf-8")
    assert raw.endswith("\n")
    lines = lines_of(path)
    assert lines[0]["event"] == "call"
    assert [line["segment"] for line in lines[1:]] == list(range(len(lines) - 1))
    assert len(lines) > 200


@mark.parametrize("time", ['"soon"', "NaN", "null", "1" + 400 * "0", "[1]"])
def test_a_time_that_is_none_is_named_with_its_line(tmp_path, time):
    path = tmp_path / "trace.jsonl"
    path.write_text(f'{{"t": 0.0, "event": "call"}}\n{{"t": {time}, "event": "end"}}\n')
    with raises(ConfigError, match=r"trace\.jsonl: line 2: t: expected seconds, found"):
        read_trace(path)


@mark.parametrize("name", ["null", "[]", "{}", "1"])
def test_an_event_without_a_name_is_told_with_its_line(tmp_path, name):
    path = tmp_path / "trace.jsonl"
    path.write_text(f'{{"t": 0.0, "event": {name}}}\n{{"t": 1.0, "event": "end"}}\n')
    with raises(ConfigError, match=r"trace\.jsonl: line 1: event: expected a name, found"):
        read_trace(path)


def test_a_trace_in_memory_holds_what_a_file_would(tmp_path):
    clock, path = Clock(), tmp_path / "trace.jsonl"
    file, memory = TraceFile(path, clock), TraceList(clock)
    trace = both(file, memory)
    for gap, floor in [(0.25, "open"), (0.5, "user"), (1.0, "pause")]:
        clock.now += gap
        trace("floor", floor=floor)
    file.close()
    assert memory.lines == lines_of(path)


def test_a_trace_in_memory_finds_its_lines_by_event():
    trace = TraceList(Clock())
    trace("floor", floor="open")
    trace("said", text="hello")
    trace("floor", floor="agent")
    assert [line["floor"] for line in trace.named("floor")] == ["open", "agent"]
    assert trace.named("heard") == []


PAGE = (Path(__file__).parents[2] / "docs" / "trace.md").read_text(encoding="utf-8")
SCENE = Scene(
    14.0,
    (Say(1.0, "a table for four"), Say(3.0, "stop please"), Say(6.0, ""), Say(9.0, "uh-huh")),
    (Press(11.0, "4"),),
)


def documented():
    """The events of the page, each with the fields it names; None where it leaves some open."""
    section = PAGE.split("## The lines")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    return {
        event.strip(" `"): None if " own" in fields else set(re.findall(r"`(\w+)`", fields))
        for event, fields in rows
    }


def test_every_line_of_a_call_is_explained_on_the_page():
    lines = run_virtual(act(SCENE)).trace.lines
    assert {line["event"] for line in lines} <= set(documented())
    for line in lines:
        fields = documented()[line["event"]]
        assert fields is None or set(line) - {"t", "event"} <= fields


def test_every_event_that_the_code_writes_is_explained_on_the_page():
    root = Path(__file__).parents[2]
    sources = [path for part in ("agent", "pipelines") for path in (root / part).rglob("*.py")]
    written = {
        event
        for path in sources
        for event in re.findall(r"trace\(\s*\"(\w+)\"", path.read_text(encoding="utf-8"))
    }
    assert {"told", "asked", "dropped", "underrun", "end"} <= written
    assert written <= set(documented())


@mark.parametrize("event", ["error", "said"])
def test_captions_are_text_that_a_terminal_can_write(event):
    shown = []
    captions = Captions(Clock(), shown.append)
    captions("told", what="ReplyAudible", reply=1)
    captions(event, reply=1, text="Ok \ud83d fine.", message="Ok \ud83d fine.")
    assert "Ok \\ud83d fine." in shown[-1]
    "".join(shown).encode()
