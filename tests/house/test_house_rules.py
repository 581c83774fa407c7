"""The house rules of CONTRIBUTING.md that a machine can check."""

import ast
import re
from pathlib import Path

from pytest import mark

ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "audio_io", "pipelines", "floorbench")
SOURCES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MEDIAN_FILE_LINES = 150
MEDIAN_FUNCTION_LINES = 10
BANNED_NAMES = "Manager Handler Processor Service Controller Helper Util Base Impl Context".split()

# path::name -> the reason why a rule is broken there.
ALLOWED: dict[str, str] = {
    "agent/web_connections.py::get_buffer": "asyncio.BufferedProtocol's own name",
}


def name_of(path):
    return str(path.relative_to(ROOT))


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]


def length(node):
    return node.end_lineno - node.lineno + 1


def median(values):
    return sorted(values)[len(values) // 2]


def test_there_is_something_to_check():
    assert len(SOURCES) > 20


@mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_small(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_FILE_LINES or name_of(path) in ALLOWED


@mark.parametrize("path", SOURCES, ids=name_of)
def test_a_function_is_small(path):
    long = [f.name for f in functions(path) if length(f) > MAX_FUNCTION_LINES]
    assert [n for n in long if f"{name_of(path)}::{n}" not in ALLOWED] == []


def test_most_files_and_functions_are_much_smaller():
    assert median([p.read_text(encoding="utf-8").count("\n") for p in SOURCES]) <= MEDIAN_FILE_LINES
    assert median([length(f) for p in SOURCES for f in functions(p)]) <= MEDIAN_FUNCTION_LINES


@mark.parametrize("path", [*SOURCES, *TESTS], ids=name_of)
def test_a_file_says_what_it_is(path):
    if path.read_text(encoding="utf-8").strip():
        assert ast.get_docstring(tree_of(path))


@mark.parametrize("path", SOURCES, ids=name_of)
def test_a_class_is_named_for_what_it_is(path):
    classes = [node.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]
    assert [c for c in classes if any(c.endswith(word) for word in BANNED_NAMES)] == []


@mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_got_by_a_getter(path):
    getters = [f.name for f in functions(path) if f.name.startswith("get_")]
    assert [n for n in getters if f"{name_of(path)}::{n}" not in ALLOWED] == []


@mark.parametrize("path", SOURCES, ids=name_of)
def test_a_class_has_at_most_one_boolean_of_state(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef):
            assert len(booleans_of(node)) <= 1, f"{node.name}: {booleans_of(node)}"


def booleans_of(node):
    """Attributes of self that a class sets to True or False."""
    return {
        target.attr
        for statement in ast.walk(node)
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, bool)
        for target in statement.targets
        if isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }


@mark.parametrize("path", SOURCES, ids=name_of)
def test_a_docstring_says_more_than_the_name(path):
    for node in functions(path):
        words = set(re.findall(r"[a-z]+", (ast.get_docstring(node) or "").lower()))
        own = set(node.name.lower().split("_")) | {"the", "a", "an", "this", "of", "return"}
        assert not words or words - own, f"{node.name}: {ast.get_docstring(node)}"


@mark.parametrize("path", SOURCES, ids=name_of)
def test_module_state_is_constant(path):
    """Lists, dicts and sets made at import can be changed by anybody; tuples and tables cannot."""
    mutable = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    for node in tree_of(path).body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(value, mutable):
            assert is_constant_name(node), f"{name_of(path)}:{node.lineno}"


def is_constant_name(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(t, ast.Name) and t.id.lstrip("_").isupper() for t in targets)


def test_every_exception_to_a_rule_has_a_reason():
    assert all(reason for reason in ALLOWED.values())
