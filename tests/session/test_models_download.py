"""Fetching models from a real server on the loopback interface: cut lines, damage, no room."""

import fcntl
import random

from pytest import fixture, mark, raises

from agent.core.errors import EngineUnavailable
from agent.models import hub, web
from tests.support.file_server import serving, sha256

WEIGHTS = random.Random(1).randbytes(1_000_000)
FILES = {"config.json": b"{}", "model.bin": WEIGHTS}


@fixture(autouse=True)
def at_home(monkeypatch):
    """No proxy, no watching thread of the progress bar's, no bar."""
    from tqdm import tqdm

    monkeypatch.setattr(tqdm, "monitor_interval", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def address(shelf, path, name="model.bin", digest=None):
    return web.Address(f"{shelf.url}/{name}", digest or sha256(WEIGHTS), path)


def fault_of(wish):
    with raises(EngineUnavailable) as fault:
        list(web.fetch(wish, "voice"))
    return str(fault.value)


def test_a_file_comes_whole_and_says_how_far_it_is(tmp_path):
    with serving(FILES) as shelf:
        steps = list(web.fetch(address(shelf, tmp_path / "new" / "model.bin"), "voice"))
    assert (tmp_path / "new" / "model.bin").read_bytes() == WEIGHTS
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["model.bin"]
    assert steps[-1] == web.Progress(len(WEIGHTS), len(WEIGHTS))
    assert [s.done_bytes for s in steps] == sorted(s.done_bytes for s in steps)


@mark.parametrize("resumes", [True, False], ids=["resumes", "begins again"])
def test_after_a_cut_it_goes_on_where_it_was_if_the_server_can(tmp_path, resumes):
    with serving(FILES, cut_after=[400_000], resumes=resumes) as shelf:
        wish = address(shelf, tmp_path / "model.bin")
        said = fault_of(wish)
        assert "400000 of 1000000 bytes came" in said
        assert "Run it again" in said
        assert wish.place() is None
        list(web.fetch(wish, "voice"))
    assert shelf.ranges == ["", "bytes=400000-"]
    assert wish.path.read_bytes() == WEIGHTS


def test_a_part_that_is_whole_is_only_checked(tmp_path):
    (tmp_path / "model.bin.part").write_bytes(WEIGHTS)
    with serving(FILES) as shelf:
        wish = address(shelf, tmp_path / "model.bin")
        assert list(web.fetch(wish, "voice")) == []
    assert wish.path.read_bytes() == WEIGHTS


def test_a_wrong_checksum_is_refused_and_nothing_of_it_is_kept(tmp_path):
    with serving(FILES, damaged={"model.bin"}) as shelf:
        said = fault_of(address(shelf, tmp_path / "model.bin"))
    assert f"expected the sha256 {sha256(WEIGHTS)}" in said
    assert "deleted" in said
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with serving(FILES) as shelf:
        assert "the server answers 404" in fault_of(address(shelf, tmp_path / "x", "nothing.bin"))


def test_a_server_that_is_not_there_is_a_sentence(tmp_path):
    with serving({}) as shelf:
        gone = address(shelf, tmp_path / "x")
    assert "cannot be reached" in fault_of(gone)


def test_a_full_disk_is_a_sentence(tmp_path):
    (tmp_path / "model.bin.part").symlink_to("/dev/full")
    with serving(FILES) as shelf:
        assert "no room left in" in fault_of(address(shelf, tmp_path / "model.bin"))


def test_two_at_once_do_not_write_into_one_file(tmp_path):
    with (tmp_path / "model.bin.part").open("ab") as other, serving(FILES) as shelf:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "being fetched already" in fault_of(address(shelf, tmp_path / "model.bin"))


def test_offline_means_that_nobody_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with serving(FILES) as shelf:
        assert "HF_HUB_OFFLINE" in fault_of(address(shelf, tmp_path / "x"))
    assert shelf.ranges == []


def test_a_proxy_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    with serving({"http://far.invalid/model.bin": WEIGHTS}) as shelf:
        monkeypatch.setenv("http_proxy", shelf.url)
        wish = web.Address("http://far.invalid/model.bin", sha256(WEIGHTS), tmp_path / "m")
        list(web.fetch(wish, "voice"))
    assert wish.path.read_bytes() == WEIGHTS


# --- the hub ----------------------------------------------------------------------------------

MODEL = hub.Repository("them/model", ("config.json", "model.bin"))


def hub_fault(shelf, cache, wish=MODEL):
    with raises(EngineUnavailable) as fault:
        hub.fetch(wish, "whisper", cache, shelf.url)
    return str(fault.value)


def test_a_repository_comes_into_the_cache_and_is_found_there(tmp_path):
    assert MODEL.place(tmp_path) is None
    with serving(FILES | {"other.bin": b"not wanted"}) as shelf:
        folder = hub.fetch(MODEL, "whisper", tmp_path, shelf.url)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert not (folder / "other.bin").exists()
    assert MODEL.place(tmp_path) == folder


@mark.parametrize("name", ["model.bin", "config.json"])
def test_a_damaged_file_of_the_hub_is_refused_and_fetched_anew(tmp_path, name):
    with serving(FILES, damaged={name}) as shelf:
        assert f"{name} came damaged" in hub_fault(shelf, tmp_path)
        assert MODEL.place(tmp_path) is None
        shelf.damaged.clear()
        folder = hub.fetch(MODEL, "whisper", tmp_path, shelf.url)
    assert (folder / name).read_bytes() == FILES[name]


def test_faults_of_the_hub_are_sentences(tmp_path):
    with serving(FILES) as shelf:
        nobody = hub.Repository("them/nobody", ("model.bin",))
        assert f"no such repository at {shelf.url}" in hub_fault(shelf, tmp_path, nobody)
        part = hub.Repository("them/model", ("config.json", "tokens.txt"))
        assert "expected tokens.txt there" in hub_fault(shelf, tmp_path, part)
    gone = hub.Repository("them/model", ("model.bin",))
    assert "cannot be reached" in hub_fault(shelf, tmp_path / "empty", gone)
