"""A whole run becomes one page: every figure, every failure, nothing fetched, nothing hidden."""

import base64
import dataclasses
import hashlib
import json
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
from pytest import approx, fixture, mark, raises

from agent.core.errors import ParleyError
from floorbench.compare import compare
from floorbench.report import write_curve, write_report
from floorbench.report.charts import gap_histogram
from floorbench.report.judged import Mark, judged
from floorbench.report.names import meaning
from floorbench.report.peaks import PICTURE_BYTES, Recordings, bin_s
from floorbench.report.published import PUBLISHED, beside, selectivity
from floorbench.report.tables import published
from floorbench.report.trade import trade
from floorbench.results import QUICK, FloorResults
from floorbench.score.outcome import EventResult, Measure, Outcome, SessionResult, State
from floorbench.score.run import Score, score
from floorbench.session import Expect
from floorbench.session_files import SESSIONS
from floorbench.sweep import Beside, Curve, Point
from tests.support.runs import RUN, calibrated, measured, write_sessions

HOSTILE = "</script><img src=x onerror=alert(1)> & $data ${title} \u2028 'one' \"two\""
EMPTY = FloorResults(RUN, (), {}, (), (), {}, ())


class Page(HTMLParser):
    """What a browser would make of the page: elements, addresses, texts of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.scripts, self.handlers, self.text = [], [], [], [], ""
        self.sessions, self.policy = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        self.tags.append(tag)
        self.handlers += [name for name in held if name.startswith("on")]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if held.get("http-equiv") == "Content-Security-Policy":
            self.policy = held["content"]
        if held.get("class") == "session":
            self.sessions.append(held)

    def handle_data(self, data):
        if self.tags[-1:] == ["script"]:
            self.scripts.append(data)
            self.tags.append("")
        else:
            self.text += data

    @property
    def data(self):
        return json.loads(self.scripts[0])


@fixture(scope="module")
def sessions():
    return calibrated()


@fixture(scope="module")
def run(sessions):
    return measured(sessions)


@fixture(scope="module")
def folder(sessions, tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    write_sessions(place, sessions)
    return place


@fixture(scope="module")
def whole(folder, run):
    return page_of(folder, run)


def page_of(folder, results, *more):
    return Page(write_report(folder, results, *more).read_text(encoding="utf-8"))


def event(outcome, expect=Expect.REPLY, **figures):
    return EventResult(
        "e-1", "S1-000", "S1", "turn", expect, 1.0, 2.0, outcome,
        {str(Measure[name]): value for name, value in figures.items()}, "a reason",
    )  # fmt: skip


# --- what it says ---------------------------------------------------------------------------------


def test_it_says_who_was_measured_when_where_and_with_what(whole):
    for words in (
        RUN.target, "20 November 2026, 12:00 UTC", "a processor, 2 cores, 16.0 GB",
        "standard set", "1 (bootstrap 20261120)", "passed", "parley 0.1.0 abc1234",
    ):  # fmt: skip
        assert words in whole.text


def test_every_headline_has_its_interval_and_what_it_was_bought_with(whole):
    assert whole.text.count("bought with ") >= 6
    assert whole.text.count("95 %: ") == 6


def test_every_figure_of_the_run_is_in_the_table_with_its_meaning(whole, run):
    for figure in run.figures:
        assert figure.name in whole.text
        assert meaning(figure.name), f"{figure.name} has no meaning in words"
        assert meaning(figure.name) in whole.text or figure.value is None


def test_the_quick_set_says_so(tmp_path, run):
    quick = dataclasses.replace(run, run=dataclasses.replace(RUN, stimulus_set=QUICK))
    assert "This is the quick set." in page_of(tmp_path, quick).text
    assert "This is the quick set." not in page_of(tmp_path, run).text


def test_void_sessions_are_named_and_come_last(tmp_path, sessions):
    late = dataclasses.replace(sessions[1], caller_lag_s=0.01)
    page = page_of(tmp_path, measured([late, *sessions[2:4]]))
    assert f"1 of 3 sessions is void and counts for nothing: {late.id}." in page.text
    assert [s["data-state"] for s in page.sessions] == ["failed", "failed", "void"]
    assert "10.0 ms" in page.text


def test_a_failed_self_test_makes_the_run_void(tmp_path, run):
    failed = dataclasses.replace(run, run=dataclasses.replace(RUN, self_test="failed"))
    assert "no figure of this run counts" in page_of(tmp_path, failed).text


def test_a_run_without_figures_is_told_in_sentences(tmp_path):
    page = page_of(tmp_path, EMPTY)
    for words in (
        "Nothing was measured.", "No turn of the caller was answered.", "No session was held.",
        "Nothing was counted: there is no figure.", "nothing in this run measures it",
        "No turn had a pause in it.", "It takes gaps and pauses",
    ):  # fmt: skip
        assert words in page.text
    assert "NaN" not in page.text and "None" not in page.text
    assert page.data == {"bin": 0.05, "sessions": []}


def test_a_score_that_lacks_a_part_says_which(tmp_path, sessions):
    page = page_of(tmp_path, measured(sessions[:1]))
    assert "not measured: yield, S_BC, S_VT, S_ND, S_NOISE, premature.pause" in page.text


def test_nothing_was_answered_is_no_histogram():
    missed = (event(Outcome.MISSED, MISSED=1.0),)
    assert "No turn of the caller was answered." in gap_histogram(
        dataclasses.replace(EMPTY, events=missed)
    )


def test_long_gaps_and_missed_turns_stand_apart():
    gaps = (0.25, 0.31, 0.32, 8.0)
    events = (
        *(event(Outcome.REPLIED, GAP=g, MISSED=0.0) for g in gaps),
        event(Outcome.MISSED, MISSED=1.0),
    )
    html = gap_histogram(dataclasses.replace(EMPTY, events=events))
    assert "0.30 to 0.40 s: 2" in html
    assert "0.20 to 0.30 s: 1" in html
    assert "over 3 s: 1" in html
    assert "missed: 1" in html


# --- what became of events ------------------------------------------------------------------------


@mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_sentence_and_every_failure_a_name(outcome):
    told = judged(event(outcome))
    assert told.sentence
    assert bool(told.fault) == (told.mark in (Mark.FAILED, Mark.LATE))
    assert (told.weight > 0) == bool(told.fault)


@mark.parametrize(
    ("of", "mark_", "words"),
    [
        (event(Outcome.REPLIED, GAP=0.62), Mark.MET, "replied after 0.62 s; a reason"),
        (event(Outcome.REPLIED, GAP=-0.1), Mark.MET, "0.10 s before the caller was done"),
        (event(Outcome.REPLIED, GAP=2.5), Mark.LATE, "replied after 2.50 s, which is late"),
        (event(Outcome.REPLIED, GAP=0.6, PREMATURE_TURN=1.0), Mark.FAILED, "before it was over"),
        (event(Outcome.YIELDED, STOP=0.3, POST_GAP=0.7), Mark.MET, "fell silent after 0.30 s"),
        (event(Outcome.YIELDED, STOP=1.4), Mark.LATE, "fell silent after 1.40 s, which is late"),
        (event(Outcome.YIELDED, STOP=0.3, POST_MISSED=1.0), Mark.FAILED, "but never replied"),
        (event(Outcome.PREMATURE, PAUSE=0.7), Mark.FAILED, "took the turn in a pause of 0.70 s"),
        (event(Outcome.STOPPED, HOLE=0.9, REPEATED=0.4), Mark.FAILED, "and said 0.40 s again"),
        (event(Outcome.NOT_COUNTED), Mark.UNCOUNTED, "not counted: a reason"),
    ],
)
def test_an_outcome_in_words(of, mark_, words):
    assert judged(of).mark is mark_
    assert words in judged(of).sentence


def test_sessions_with_the_most_failures_come_first(whole):
    data = whole.data["sessions"]
    failed = [sum(e["mark"] == "failed" for e in s["events"]) for s in data]
    assert failed == sorted(failed, reverse=True)
    assert failed[0] > 0


def test_every_event_has_its_expectation_and_what_became_of_it(whole, run):
    events = [e for s in whole.data["sessions"] for e in s["events"]]
    assert len(events) == len(run.events)
    assert {e["expect"] for e in events} == {
        "reply after it", "fall silent, then reply", "wait through the pause", "take no notice",
    }  # fmt: skip
    assert all(e["told"] and e["from"] <= e["to"] for e in events)
    uncounted = [e for e in events if e["mark"] == "uncounted"]
    assert any("the agent was not talking when it began" in e["told"] for e in uncounted)


# --- what can be seen and heard -------------------------------------------------------------------


def test_the_lanes_have_a_byte_for_each_bin(whole, sessions):
    recorded = {s.id: s.recording for s in sessions}
    for session in whole.data["sessions"]:
        lane = np.frombuffer(base64.b64decode(session["agent"]), np.uint8)
        samples = recorded[session["id"]].agent
        assert len(lane) == len(samples) // round(16_000 * whole.data["bin"])
        assert lane.max() == 255
        assert session["spans"]


def test_a_long_run_is_drawn_in_coarser_steps(run):
    hour = SessionResult("a", "S1", State.SCORED, 3600.0)
    long = dataclasses.replace(run, sessions=(hour,) * 30)
    assert bin_s(run) == 0.05
    assert 30 * 3600 / bin_s(long) * 2 * 4 / 3 <= PICTURE_BYTES


def test_the_worst_moments_can_be_heard_and_are_few(whole):
    heard = [a for a in whole.addresses if a.startswith("data:audio/wav")]
    assert 3 <= len(heard) <= 5
    for address in heard:
        wav = base64.b64decode(address.split(",")[1])
        assert wav[:4] == b"RIFF"
        assert len(wav) <= 44 + 8 * 16_000 * 4


def test_each_session_links_to_its_recording(whole, folder):
    links = [a for a in whole.addresses if not a.startswith("data:")]
    assert len(links) == len(whole.sessions)
    assert all((folder / link).is_file() for link in links)


def test_a_session_without_its_recording_is_told_in_words(tmp_path, run):
    page = page_of(tmp_path, run)
    assert page.addresses == []
    assert len(page.sessions) == len(run.sessions)
    assert "talked on over the caller" in page.text


def test_a_broken_recording_leaves_the_report_whole(tmp_path, run, sessions):
    write_sessions(tmp_path, sessions[:2])
    (tmp_path / SESSIONS / sessions[0].id / "session.wav").write_bytes(b"no wave file")
    page = page_of(tmp_path, run)
    drawn = [s["id"] for s in page.data["sessions"] if s["agent"]]
    assert drawn == [sessions[1].id]


def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path, sessions):
    named = dataclasses.replace(sessions[0], id="../elsewhere")
    write_sessions(tmp_path, [named])
    page = page_of(tmp_path, measured([named]))
    assert page.addresses == []
    assert [s["agent"] for s in page.data["sessions"]] == [""]


def test_three_hundred_sessions_are_a_page_that_can_be_sent(tmp_path, sessions):
    one = sessions[2]
    write_sessions(tmp_path, [one])
    scored = score([one])
    many = tuple(dataclasses.replace(scored.sessions[0], id=f"S4-{n:03}") for n in range(300))
    events = tuple(dataclasses.replace(e, session=s.id) for s in many for e in scored.events)
    for session in many:
        place = tmp_path / SESSIONS / session.id
        place.mkdir()
        (place / "session.wav").hardlink_to(tmp_path / SESSIONS / one.id / "session.wav")
    run = measured_as(Score(scored.figures, {}, many, events, scored.seed, ()))
    path = write_report(tmp_path, run)
    page = Page(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 8_000_000
    assert len(page.sessions) == len(page.data["sessions"]) == 300
    assert all(s["agent"] for s in page.data["sessions"])
    assert page.tags.count("canvas") == 0  # a waveform is drawn when it comes into view


def measured_as(scored):
    return FloorResults(
        RUN, scored.figures, scored.scenarios, scored.sessions, scored.events, {}, scored.notices
    )


# --- words are never more than words --------------------------------------------------------------


def hostile(run):
    """The run with every word that comes from elsewhere replaced."""
    events = tuple(
        dataclasses.replace(
            e, kind=HOSTILE, reason=HOSTILE, session=f"{HOSTILE}{e.session}",
            scenario=HOSTILE, params={"text": HOSTILE, HOSTILE: HOSTILE},
        )
        for e in run.events
    )  # fmt: skip
    sessions = tuple(
        dataclasses.replace(s, id=f"{HOSTILE}{s.id}", scenario=HOSTILE, notices=(HOSTILE,))
        for s in run.sessions
    )
    figures = tuple(dataclasses.replace(f, note=HOSTILE) for f in run.figures)
    about = dataclasses.replace(
        RUN, target=HOSTILE, wall=HOSTILE, stimulus_set=HOSTILE, commit=HOSTILE,
        machine=dataclasses.replace(RUN.machine, processor=HOSTILE),
    )  # fmt: skip
    return dataclasses.replace(
        run, run=about, events=events, sessions=sessions, figures=figures,
        scenarios={HOSTILE: figures}, notices=(HOSTILE,),
    )  # fmt: skip


def test_words_cannot_become_elements_or_scripts(tmp_path, run):
    bad = hostile(run)
    page = page_of(tmp_path, bad, compare(bad, bad))
    assert "img" not in page.tags
    assert page.tags.count("script") == 2
    assert page.handlers == []
    assert page.text.count("</script><img src=x onerror=alert(1)> & $data ${title}") > 20
    assert page.data["sessions"][0]["id"].startswith("</script>")


def test_the_page_asks_nothing_of_a_network(whole):
    assert "default-src 'none'" in whole.policy
    assert "link" not in whole.tags
    near = ("data:audio/wav;base64,", f"{SESSIONS}/")
    assert all(address.startswith(near) for address in whole.addresses)


def test_only_our_own_script_may_run(whole):
    digest = base64.b64encode(hashlib.sha256(whole.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in whole.policy


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    with raises(ParleyError, match="expected to write a report there"):
        write_report(tmp_path / "nowhere", EMPTY)


# --- beside others --------------------------------------------------------------------------------


def test_two_runs_stand_side_by_side_with_their_real_differences(tmp_path, run, sessions):
    silent = [
        dataclasses.replace(
            s,
            recording=dataclasses.replace(s.recording, agent=np.zeros_like(s.recording.agent)),
        )
        for s in sessions
    ]
    worse = measured(silent, target="an agent that says nothing")
    page = page_of(tmp_path, run, compare(run, worse))
    assert "an agent that says nothing" in page.text
    assert "b is better in" in page.text
    assert "points" in page.text
    assert "paired: the same events in both" in page.text


def test_a_run_beside_itself_has_no_real_difference(tmp_path, run):
    page = page_of(tmp_path, run, compare(run, run))
    assert "is real." in page.text
    assert "No difference in" in page.text


def test_without_another_run_there_is_no_comparison(whole):
    assert "Two runs side by side" not in whole.text


def test_a_sweep_gives_the_matched_points(tmp_path, run):
    points = (
        Point(0.2, 100, 40, 40, 2, (0.25, 0.35)),
        Point(0.6, 100, 10, 10, 2, (0.5, 0.6)),
        Point(1.0, 100, 4, 4, 2, (0.9, 1.1)),
    )
    page = page_of(tmp_path, run, None, Curve("turns.pause_max_s", 3, 120, points))
    assert "1.00 s at 5 % premature" in page.text
    assert "40.0 % premature at 0.3 s" in page.text
    assert "10.0 % at 0.6 s" in page.text


def test_a_sweep_in_which_nothing_was_answered_is_no_curve():
    curve = Curve("turns.pause_max_s", 1, 1, (Point(0.2, 0, 0, 0, 1, ()),))
    assert "give a sweep" in trade(EMPTY, curve)


def test_published_figures_stand_beside_ours_with_their_sources(whole):
    for theirs in PUBLISHED:
        assert theirs.who in whole.text
        assert theirs.source in whole.text


def test_better_and_worse_take_the_whole_interval(run):
    gap = next(f for f in run.figures if f.name == "gap.p50")

    def standing(low, high):
        figure = dataclasses.replace(gap, low=low, high=high)
        html = published(dataclasses.replace(run, figures=(figure,)), None)
        row = next(r for r in html.split("<tr>") if "gpt-realtime-1.5" in r)
        return next(w for w in ("better", "worse", "level") if f">{w}<" in row)

    assert standing(0.5, 1.1) == "better"
    assert standing(1.1, 1.2) == "level"
    assert standing(1.2, 1.3) == "worse"


def test_the_fastest_published_comes_first():
    assert [p.who for p in beside("gap.p50")][:2] == ["people", "Moshi"]
    assert beside("yield")[0].value == 1.0


def test_selectivity_takes_all_four_kinds(run):
    parts = {f.name: f.value for f in run.figures}
    kept = sum(parts[name] for name in ("S_BC", "S_VT", "S_ND", "S_NOISE")) / 4
    assert selectivity(run) == approx(parts["yield"] * kept)
    assert selectivity(EMPTY) is None


# --- other pages ----------------------------------------------------------------------------------


SWEPT = Curve(
    "turns.pause_max_s",
    2,
    9,
    (Point(0.4, 10, 6, 5, 9, (0.4, 0.5)), Point(1.2, 10, 1, 1, 9, (0.9,))),
    planned=2,
    beside=(
        Beside("silence 0.5 s", Point(0.4, 10, 5, 5, 9, (0.6, 0.7))),
        Beside("Smart <Turn>", None, "the weights come with a package, which is not installed"),
    ),
)


def test_a_sweep_is_a_page_of_its_own(tmp_path):
    page = Page(write_curve(tmp_path, SWEPT).read_text(encoding="utf-8"))
    assert "turns.pause_max_s" in page.text
    assert "by the plan of the call in 2 of them" in page.text
    assert "silence 0.5 s" in page.text
    assert "Smart <Turn>: the weights come with a package" in page.text
    assert "default-src 'none'" in page.policy
    assert page.addresses == []


def test_other_rules_stand_beside_the_run_in_its_report(folder, run):
    page = page_of(folder, run, None, SWEPT)
    assert "Decided again" in page.text
    assert "silence 0.5 s: 0.65 s at 50.0 %" in page.text


def test_a_page_elsewhere_finds_the_recordings_of_its_run(tmp_path, folder, run):
    page = page_of(tmp_path, run, compare(run, run), None, Recordings(tmp_path, folder))
    sounds = [address for address in page.addresses if address.endswith(".wav")]
    assert sounds
    assert all((tmp_path / unquote(address)).is_file() for address in sounds)


def test_somebody_elses_recording_has_a_waveform(tmp_path, folder, run):
    alone = dataclasses.replace(run, sessions=run.sessions[:1])
    path = folder / SESSIONS / run.sessions[0].id / "session.wav"
    page = page_of(tmp_path, alone, None, None, Recordings(tmp_path, tmp_path, single=path))
    assert page.data["sessions"][0]["agent"]
