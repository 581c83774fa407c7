"""What somebody types, and who is meant."""

from contextlib import contextmanager
from uuid import UUID

from pytest import mark, raises

from agent.core.errors import ConfigError
from floorbench.targets import in_process
from floorbench.targets.audiosocket import AudioSocket
from floorbench.targets.media_stream import MediaStream
from floorbench.targets.moshi import Moshi
from floorbench.targets.parley_ws import ParleyWs
from floorbench.targets.pcm_ws import PcmWs
from floorbench.targets.realtime import Realtime
from floorbench.targets.registry import target
from floorbench.targets.sip import Sip
from floorbench.targets.udp_link import UdpNetwork
from floorbench.targets.webrtc import Dialect, WebRtc

OPENAI = "wss://api.openai.com/v1/realtime?model=gpt-realtime"
CALL = "40325ec2-5efd-4bd3-805f-53576e581d13"
HERE = "ws://127.0.0.1:9000/v1/realtime"


@mark.parametrize(
    ("spec", "meant"),
    [
        ("ws://127.0.0.1:8080/ws", ParleyWs("ws://127.0.0.1:8080/ws")),
        ("wss://example.org/ws", ParleyWs("wss://example.org/ws")),
        ("pcm+ws://h:1/a?rate=8000", PcmWs("ws://h:1/a", 8000)),
        ("pcm+wss://h/a?room=7&key_env=K", PcmWs("wss://h/a?room=7", 16000, "K")),
        (f"realtime+{OPENAI}", Realtime(OPENAI, "gpt-realtime", key_env="OPENAI_API_KEY")),
        (f"realtime+{HERE}?model=m", Realtime(f"{HERE}?model=m", "m")),
        (
            f"realtime+{HERE}?voice=v&turn_detection=server_vad&instructions=Be+brief.&key_env=K",
            Realtime(HERE, "", "v", "server_vad", "Be brief.", "K"),
        ),
        ("twilio+ws://h:1/media?who=bench", MediaStream("ws://h:1/media", {"who": "bench"})),
        ("moshi+wss://h/api/chat?seed=1", Moshi("wss://h/api/chat?seed=1")),
        ("audiosocket://h:9092", AudioSocket("h", 9092)),
        ("webrtc+http://h:1/api/offer", WebRtc("http://h:1/api/offer")),
        (
            "webrtc+http://h:1/api/offer?loss=0.05&seed=3&token=t",
            WebRtc("http://h:1/api/offer?token=t", network=UdpNetwork(loss=0.05, seed=3)),
        ),
        ("rtvi+https://h/api/offer", WebRtc("https://h/api/offer", Dialect.RTVI)),
        (
            "realtime+https://api.openai.com/v1/realtime/calls?model=m",
            WebRtc(
                "https://api.openai.com/v1/realtime/calls?model=m",
                Dialect.REALTIME,
                "OPENAI_API_KEY",
            ),
        ),
        (f"audiosocket://h:1?rate=16000&call={CALL}", AudioSocket("h", 1, 16_000, UUID(CALL))),
        ("sip:100@127.0.0.1", Sip("100", "127.0.0.1")),
        ("sip:+4912@h.example:5070?codec=G722", Sip("+4912", "h.example", 5070, ("G722",))),
        (
            "sip://a.b@h?codec=PCMA,PCMU&ring_s=2.5&allow=10.0.0.0/8,192.0.2.7",
            Sip("a.b", "h", 5060, ("PCMA", "PCMU"), 2.5, ("10.0.0.0/8", "192.0.2.7")),
        ),
    ],
)
def test_a_network_address_is_the_target_of_its_dialect(spec, meant):
    with target(spec) as found:
        assert found == meant


@mark.parametrize(
    ("spec", "name"),
    [
        ("ws://me:secret@h:1/ws?token=secret", "ws://h:1/ws"),
        ("pcm+ws://me:secret@h:1/a?key=secret", "pcm+ws://h:1/a?rate=16000"),
        ("realtime+wss://h/v1?model=m&key=secret", "realtime+wss://h/v1?model=m"),
        ("twilio+ws://h:1/a?key=secret", "twilio+ws://h:1/a"),
        ("moshi+ws://h:1/api/chat?key=secret", "moshi+ws://h:1/api/chat"),
        (f"audiosocket://h:1?call={CALL}", "audiosocket://h:1"),
        ("sip://100@h?ring_s=1", "sip:100@h:5060"),
    ],
)
def test_a_name_says_who_is_measured_and_keeps_secrets(spec, name):
    with target(spec) as found:
        assert found.name == name


@mark.parametrize(
    "spec",
    [
        "",
        "offlin",
        "http://h/",
        "sip+ws://h/",
        "ws://",
        "ws+pcm://h/",
        "realtime+ftp://h/",
        "://",
        "sips:a@h",
    ],
)
def test_what_is_no_target_is_told_what_is_allowed(spec):
    with raises(ConfigError) as fault, target(spec):
        pass
    sentence = str(fault.value)
    assert sentence.startswith(f"--target {spec}")
    for allowed in (
        "offline",
        "ws://",
        "pcm+ws://",
        "realtime+wss://",
        "twilio+ws://",
        "moshi+ws",
        "sip:",
    ):
        assert allowed in sentence


@mark.parametrize(
    ("spec", "sentence"),
    [
        ("pcm+ws://h:1/a?rate=fast", "rate: expected a number of Hz, found 'fast'"),
        ("pcm+ws://h:1/a?rate=1", "rate: expected 8000 to 48000 Hz, found 1"),
        ("ws://h:port/ws", "port"),
        ("webrtc+http://h:1/o?loss=2", "loss: expected 0 to 1, found '2'"),
        ("webrtc+http://h:1/o?loss=0.1&seed=x", "seed: expected a number, found 'x'"),
        ("audiosocket://h", "expected a port, found none"),
        ("audiosocket://h:1?rate=8001", "rate: expected one of 8000, 12000"),
        ("audiosocket://h:1?who=me", "expected rate=HZ and call=UUID at most, found 'who=me'"),
        ("sip:h:5060", "expected sip:USER@HOST:PORT"),
        ("sip:100@[::1]", "expected sip:USER@HOST:PORT"),
        ("sip:100@h;transport=tcp", "expected sip:USER@HOST:PORT"),
        ("sip:100@h/x", "expected sip:USER@HOST:PORT"),
        ("sip:100@h?who=me", "at most, found 'who=me'"),
        ("sip:100@h?ring_s=soon", "at most, found 'soon'"),
        ("sip:100@h?ring_s=0", "ring_s: expected 0 to 3600 s, found 0"),
        ("sip:100@h?codec=GSM", "codecs: expected some of PCMU, PCMA, G722, opus"),
        ("sip:100@h?allow=all", "allow: expected networks such as 10"),
        ("sip:100@h:99999", "ort out of range"),
        ("ws://h:99999/ws", "ort out of range"),
    ],
)
def test_an_address_that_cannot_be_is_a_sentence(spec, sentence):
    with raises(ConfigError, match=sentence), target(spec):
        pass


@mark.parametrize("spec", ["sip+ws://me:secret@h/x?key=secret", "sip:me:secret@h?key=secret"])
def test_a_secret_in_a_wrong_address_is_not_repeated(spec):
    with raises(ConfigError) as fault, target(spec):
        pass
    assert "secret" not in str(fault.value)


@mark.parametrize("spec", ["offline", "my/agent.toml"])
def test_a_configuration_is_an_agent_in_this_process(monkeypatch, spec):
    opened = []

    @contextmanager
    def agent(found, overrides):
        opened.append((found, overrides))
        yield "in process"
        opened.append("closed")

    monkeypatch.setattr(in_process, "InProcess", agent)
    with target(spec, ["turns.prior=0.6"]) as found:
        assert found == "in process"
    assert opened == [(spec, ["turns.prior=0.6"]), "closed"]


def test_settings_are_for_configurations_only():
    with raises(ConfigError, match="--set"), target("ws://h:1/ws", ["turns.prior=0.6"]):
        pass


def test_a_configuration_that_is_not_there_is_a_sentence():
    with raises(ConfigError, match=r"nowhere\.toml: cannot be read"), target("nowhere.toml"):
        pass
