"""`parley bench compare` and `sweep`: text always, a page where somebody asks for one."""

import json
from argparse import Namespace

from agent.commands.bench import bench_compare, bench_sweep
from floorbench.results import write_results
from floorbench.session_files import TRACE
from tests.support.recordings import answered, in_order, line, spoken
from tests.support.runs import calibrated, measured, write_sessions

CALL = in_order(
    [line(0.0, "call", version=1, turns={})],
    spoken(1, 1.0, 2.0, "a table"),
    spoken(2, 2.6, 3.5, "for four"),
    answered(1, "a table for four", 4.3, 4.35, 6.0, "Yes."),
    [line(7.0, "end", reason="hung_up")],
)


def test_two_runs_are_compared_on_a_page_that_plays_the_second(tmp_path, capsys):
    sessions = calibrated()[:1]
    for name in ("a", "b"):
        write_sessions(tmp_path / name, sessions)
        write_results(tmp_path / name / "results.json", measured(sessions))
    options = Namespace(a=tmp_path / "a", b=tmp_path / "b", out=None)
    assert bench_compare(options) == 0
    assert not (tmp_path / "page").exists()
    options.out = tmp_path / "page"
    assert bench_compare(options) == 0
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert "Two runs side by side" in page
    assert "../b/sessions/" in page
    assert "report.html" in capsys.readouterr().out


def test_a_sweep_is_text_and_with_a_folder_a_page(tmp_path, capsys):
    (tmp_path / TRACE).write_text("".join(json.dumps(entry) + "\n" for entry in CALL))
    options = Namespace(traces=[tmp_path], set="turns.pause_max_s=0.3..1.5:2", out=None)
    assert bench_sweep(options) == 0
    assert not list(tmp_path.glob("*.html"))
    options.out = tmp_path / "page"
    assert bench_sweep(options) == 0
    assert "Decided again" in (tmp_path / "page" / "sweep.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.count("gap at 5 % premature") == 2
