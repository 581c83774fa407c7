"""Which files of a folder make a transducer, and how what is expected is told to it."""

from pytest import mark, raises

from agent.core.errors import EngineUnavailable
from pipelines.engines.sherpa import SherpaSettings
from pipelines.engines.sherpa_files import Family, hot_words, transducer_files

ZIPFORMER = (
    "encoder-epoch-99-avg-1-chunk-16-left-128.int8.onnx",
    "encoder-epoch-99-avg-1-chunk-16-left-128.onnx",
    "decoder-epoch-99-avg-1-chunk-16-left-128.onnx",
    "joiner-epoch-99-avg-1-chunk-16-left-128.int8.onnx",
    "joiner-epoch-99-avg-1-chunk-16-left-128.onnx",
    "tokens.txt",
    "bpe.vocab",
)


def metadata(**entries):
    """An ONNX file that holds nothing but its metadata, by protobuf's rules."""

    def field(number, content):
        return bytes([number << 3 | 2, len(content)]) + content

    rows = [field(1, k.encode()) + field(2, str(v).encode()) for k, v in entries.items()]
    return b"\x08\x08" + b"".join(field(14, row) for row in rows)


def folder_with(folder, names, **entries):
    for name in names:
        (folder / name).write_bytes(metadata(**entries or {"T": 45}))
    return folder


@mark.parametrize(("precision", "encoder", "joiner"), [("int8", 0, 3), ("float32", 1, 4)])
def test_of_two_precisions_the_wanted_one_is_taken(tmp_path, precision, encoder, joiner):
    found = transducer_files(folder_with(tmp_path, ZIPFORMER), precision)
    assert found.encoder == str(tmp_path / ZIPFORMER[encoder])
    assert found.joiner == str(tmp_path / ZIPFORMER[joiner])
    assert found.decoder == str(tmp_path / ZIPFORMER[2])
    assert found.vocabulary == str(tmp_path / "bpe.vocab")


def test_the_only_precision_is_taken_and_a_vocabulary_is_not_needed(tmp_path):
    names = ("encoder.int8.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt")
    found = transducer_files(folder_with(tmp_path, names), "float32")
    assert found.encoder == str(tmp_path / "encoder.int8.onnx")
    assert found.vocabulary == ""


@mark.parametrize(
    ("entries", "family", "look_s"),
    [
        ({"model_type": "zipformer2", "T": 45}, Family.ICEFALL, 0.45),
        ({"vocab_size": 1024, "window_size": 105}, Family.NEMO, 1.05),
    ],
)
def test_an_encoder_says_how_far_it_looks(tmp_path, entries, family, look_s):
    names = ("encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt")
    found = transducer_files(folder_with(tmp_path, names, **entries), "int8")
    assert (found.family, found.look_s) == (family, look_s)


def test_a_model_for_whole_recordings_is_refused_before_it_can_end_the_process(tmp_path):
    names = ("encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt")
    folder_with(tmp_path, names, model_type="zipformer2", comment="offline")
    with raises(
        EngineUnavailable, match=r"expected a streaming encoder.*found model_type, comment"
    ):
        transducer_files(tmp_path, "int8")


@mark.parametrize("content", [b"no network", b"\xff" * 20])
def test_a_file_that_is_no_network_is_refused(tmp_path, content):
    folder_with(tmp_path, ("decoder.onnx", "joiner.onnx", "tokens.txt"))
    (tmp_path / "encoder.onnx").write_bytes(content)
    with raises(EngineUnavailable, match="expected an ONNX file, found something else"):
        transducer_files(tmp_path, "int8")


def test_every_part_that_is_missing_is_named(tmp_path):
    folder_with(tmp_path, ("decoder.onnx",))
    with raises(EngineUnavailable, match=r"expected encoder\*.onnx, joiner\*.onnx, tokens.txt"):
        transducer_files(tmp_path, "int8")


def test_a_missing_folder_comes_with_a_place_to_find_one(tmp_path):
    with raises(EngineUnavailable, match=r"Download one from https://\S+ and unpack it there"):
        transducer_files(tmp_path / "nowhere", "int8")


def test_hot_words_are_written_in_the_letters_of_the_model():
    capitals = "<blk> 0\n<sos/eos> 1\n▁THE 2\nS 3\n"
    assert hot_words(("a table", "yes", "a table", ""), capitals) == "A TABLE/YES"
    small = "<unk> 0\n▁the 1\n▁I 2\nable 3\n"
    assert hot_words(("a table", "yes"), small) == "a table/yes"


@mark.parametrize(
    ("setting", "value"),
    [("precision", "int4"), ("search", "best"), ("threads", 0), ("every_s", 1), ("delay_s", 3)],
)
def test_settings_that_cannot_work_are_refused(setting, value):
    with raises(ValueError, match=f"{setting}: expected"):
        SherpaSettings(**{setting: value})
