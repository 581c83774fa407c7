"""What the recogniser and the turn predictor are told: a grammar and phrases."""

import re
import tomllib
from pathlib import Path

from pytest import fixture, mark

from agent.core.protocols import Message, Role
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.responder import FlowResponder
from tests.pipelines.test_flow_dialogues import parcel_table

CONFIGS = Path(__file__).parents[2] / "configs"
OFFLINE = tomllib.loads((CONFIGS / "offline.toml").read_text("utf-8"))["flow"]
PLACES = {
    "desk": (),
    "people": ("a table",),
    "day": ("a table for four",),
    "time": ("a table for four on friday",),
    "confirm": ("a table for four on friday at seven",),
    "change": ("a table for four on friday at seven", "no"),
    "goodbye": ("goodbye",),
}


def history(flow, said):
    messages = [Message(Role.EVENT, "greeting")]
    for text in said:
        messages.append(Message(Role.AGENT, fold(flow, messages).text))
        messages.append(Message(Role.CALLER, text))
    return [*messages, Message(Role.AGENT, fold(flow, messages).text)]


def expected(table, said):
    flow = load_flow(table, "flow")
    return FlowResponder(flow).expects(history(flow, said))


def accepts(grammar, text):
    """Does the JSGF grammar produce the text? It becomes one regular expression."""
    rules = dict(re.findall(r"<(\w+)> = (.*);", grammar))
    body = "<flow>"
    while "<" in body:
        body = re.sub(r"<(\w+)>", lambda m: f"({rules[m[1]]})", body)
    tokens = re.findall(r"[()|\[\]]|[^\s()|\[\]]+", body)
    shown = {"(": "(", ")": ")", "|": "|", "[": "(", "]": ")?"}
    pattern = "".join(shown.get(token, re.escape(token) + " ") for token in tokens)
    return re.fullmatch(pattern, text + " ") is not None


@mark.parametrize(
    ("place", "text"),
    [
        ("desk", "hello what are your opening hours"),
        ("desk", "i'd like a table for"),
        ("desk", "i would like a table for four people on friday"),
        ("desk", "four people on friday"),
        ("desk", "okay could i book a table on saturday at half past seven for two please"),
        ("desk", "wait is there parking"),
        ("desk", "uh-huh"),
        ("desk", "yeah okay"),
        ("desk", "stop thank you"),
        ("people", "four"),
        ("people", "for four people"),
        ("people", "three people on sunday"),
        ("time", "seven"),
        ("time", "at quarter to eight"),
        ("time", "where are you"),
        ("confirm", "yes please"),
        ("confirm", "no make it five people"),
        ("confirm", "no at eight o'clock"),
        ("confirm", "the time"),
        ("confirm", "change the day"),
        ("change", "make it saturday"),
        ("goodbye", "goodbye"),
    ],
)
def test_what_people_say_is_in_the_grammar(place, text):
    assert accepts(expected(OFFLINE, PLACES[place]).grammar, text)


@mark.parametrize(
    ("place", "text"),
    [("desk", "four"), ("desk", "for"), ("time", "what are"), ("people", "people friday four for")],
)
def test_what_people_do_not_say_is_not(place, text):
    assert not accepts(expected(OFFLINE, PLACES[place]).grammar, text)


def test_the_phrases_begin_with_answers_to_the_question_just_asked():
    assert expected(OFFLINE, PLACES["people"]).phrases[0] == "one"
    assert expected(OFFLINE, PLACES["time"]).phrases[0] == "half past one"


def test_the_phrases_are_whole_and_without_notation():
    phrases = expected(OFFLINE, PLACES["time"]).phrases
    assert {"at half past seven", "what are your opening hours", "for four people"} <= set(phrases)
    assert not [phrase for phrase in phrases if re.search(r"[^a-z'. -]", phrase)]
    assert len(set(phrases)) == len(phrases) <= 2000


def test_a_phrase_of_digits_says_how_many_are_expected():
    phrases = expected(parcel_table(), ["a new delivery"]).phrases
    assert len(phrases[0].split()) == 4


@mark.parametrize("text", ["four two oh seven", "double four one", "one two", "friday"])
def test_digits_are_in_the_grammar_where_they_are_asked_for(text):
    assert accepts(expected(parcel_table(), ["a new delivery"]).grammar, text)


def test_choices_are_in_the_grammar():
    assert accepts(expected(parcel_table(), ["a new delivery", "1 2 3 4"]).grammar, "morning")


@fixture(scope="module")
def decoder():
    from pocketsphinx import Decoder

    return Decoder(samprate=16000, lm=None, bestpath=False, loglevel="FATAL")


@mark.models
@mark.parametrize("place", PLACES)
def test_the_grammar_is_one_pocketsphinx_can_use(decoder, place):
    grammar = expected(OFFLINE, PLACES[place]).grammar
    spoken = re.sub(r"^.*\n.*\n|<\w+>( =)?|[()|;\[\]]", " ", grammar).replace("public", " ")
    assert [word for word in set(spoken.split()) if decoder.lookup_word(word) is None] == []
    decoder.add_jsgf_string(place, grammar)
    decoder.activate_search(place)
    assert decoder.current_search() == place


@mark.models
def test_the_demo_caller_is_understood_word_for_word(decoder):
    """Each line in the place of the dialogue where it is said, as its parts come."""
    flow = load_flow(OFFLINE, "offline.toml: [flow]")
    lines = tomllib.loads((CONFIGS / "demo" / "script.toml").read_text("utf-8"))["line"]
    said, heard = [], []
    for line in lines:
        grammar = FlowResponder(flow).expects(history(flow, said)).grammar
        decoder.add_jsgf_string(line["text"], grammar)
        decoder.activate_search(line["text"])
        sounds = line.get("parts", [line.get("wav")])
        heard.append(" ".join(recognised(decoder, s) for s in sounds if isinstance(s, str)))
        if line["kind"] != "backchannel":
            said.append(line["text"])
    assert heard == [line["text"] for line in lines]


def recognised(decoder, name):
    quiet = bytes(2 * 4800)  # 0.3 s
    sound = quiet + (CONFIGS / "demo" / name).read_bytes()[44:] + quiet
    decoder.start_utt()
    for start in range(0, len(sound), 640):
        decoder.process_raw(sound[start : start + 640], False, False)
    decoder.end_utt()
    return decoder.hyp().hypstr
