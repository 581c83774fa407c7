"""Fetching models from a real server on the loopback interface: cut lines, damage, no room."""

import fcntl
import random

from pytest import fixture, mark, raises

from agent.cli import main
from agent.config import checked
from agent.core.errors import EngineUnavailable
from agent.models import hub, web
from agent.models.need import Need
from agent.models.needs import needs_of
from pipelines.engines.silero import SileroSettings
from tests.support.file_server import git_hash, serving, sha256

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


def test_a_damaged_file_of_the_hub_is_refused_and_fetched_anew(tmp_path):
    with serving(FILES, damaged={"model.bin"}) as shelf:
        assert "model.bin came damaged" in hub_fault(shelf, tmp_path)
        assert MODEL.place(tmp_path) is None
        shelf.damaged.clear()
        folder = hub.fetch(MODEL, "whisper", tmp_path, shelf.url)
    assert (folder / "model.bin").read_bytes() == WEIGHTS


@mark.parametrize(
    ("blob", "is_whole"),
    [(sha256(b"x"), True), (git_hash(b"x"), True), (sha256(b"y"), False), (git_hash(b"y"), False)],
)
def test_a_file_is_whole_if_it_is_what_its_blob_is_named_for(tmp_path, blob, is_whole):
    (tmp_path / blob).write_bytes(b"x")
    (tmp_path / "model.bin").symlink_to(tmp_path / blob)
    assert hub.is_whole(tmp_path / "model.bin") is is_whole


def test_faults_of_the_hub_are_sentences(tmp_path):
    with serving(FILES) as shelf:
        nobody = hub.Repository("them/nobody", ("model.bin",))
        assert f"no such repository at {shelf.url}" in hub_fault(shelf, tmp_path, nobody)
        part = hub.Repository("them/model", ("config.json", "tokens.txt"))
        assert "expected tokens.txt there" in hub_fault(shelf, tmp_path, part)
    gone = hub.Repository("them/model", ("model.bin",))
    assert "cannot be reached" in hub_fault(shelf, tmp_path / "empty", gone)


def test_any_setting_may_be_a_file_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    table = {"engine": "silero", "weights": "hf://me/mine/v6/ear.onnx"}
    config = checked("mine", {"detector": table})
    with raises(EngineUnavailable, match=r"silero: hf://me/mine/v6/ear.onnx is not on"):
        config.settings(SileroSettings, "detector")
    (need,) = needs_of(config, "detector")
    with serving({"v6/ear.onnx": WEIGHTS}, repository="me/mine") as shelf:
        folder = hub.fetch(need.source, "silero", tmp_path, shelf.url)
    found = config.settings(SileroSettings, "detector").weights
    assert found == str(folder / "v6" / "ear.onnx")


def test_a_folder_on_the_hub_is_found_though_not_all_of_it_was_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert hub.split("hf://them/model") == ("them/model", "")
    with raises(EngineUnavailable, match="hf://them/model is not on this machine"):
        hub.placed("hf://them/model", "sherpa")
    with serving(FILES | {"float32.bin": b"not wanted"}) as shelf:
        folder = hub.fetch(MODEL, "sherpa", tmp_path, shelf.url)
    assert hub.placed("hf://them/model", "sherpa") == str(folder)
    assert hub.placed("them/model", "sherpa") == "them/model"


# --- the command ------------------------------------------------------------------------------


@fixture
def voice(tmp_path, monkeypatch):
    """The offline voice as if it needed a file; a function of the address makes it so."""

    def needs_file(source, size_bytes=0):
        needs = [Need("espeak", "a voice", source, size_bytes)]
        monkeypatch.setattr("agent.models.needs.NEEDS", {"espeak": lambda config, section: needs})

    return needs_file


def test_pull_fetches_what_is_missing_and_leaves_what_is_here(voice, tmp_path, capsys):
    with serving(FILES) as shelf:
        voice(address(shelf, tmp_path / "voice.bin"))
        assert main(["models", "pull", "offline"]) == 0
        assert f"the checksum is right; kept as\n  {tmp_path}" in capsys.readouterr().out
        assert main(["models", "pull", "offline"]) == 0
        assert capsys.readouterr().out == "espeak: a voice: here\n"
    assert len(shelf.ranges) == 1


def test_pull_does_not_begin_what_cannot_fit(voice, tmp_path, capsys):
    with serving(FILES) as shelf:
        voice(address(shelf, tmp_path / "new" / "voice.bin"), size_bytes=10**18)
        assert main(["models", "pull", "offline"]) == 2
    assert "expected room for 1000000000 GB at" in capsys.readouterr().err
    assert shelf.ranges == []
