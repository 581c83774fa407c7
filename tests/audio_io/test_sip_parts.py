"""The smaller parts of a telephone: descriptions, registration, settings, time."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.config import checked
from agent.core.errors import ConfigError, DeviceError, ProtocolError
from audio_io.sip.agent import UserAgent
from audio_io.sip.extra import need_sip
from audio_io.sip.message import parsed
from audio_io.sip.registration import Account, Standing
from audio_io.sip.sdp import OPUS, PCMA, PCMU, Direction, Local, agreed, answer, offer, read_terms
from audio_io.sip.settings import SipSettings
from audio_io.sip.transactions import Packet, Transactions

HERE = ("10.0.0.2", 5060)
REGISTRAR = ("10.0.0.5", 5060)
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
    "m=video 5000 RTP/AVP 96\r\n"
    "m=audio 4000 RTP/AVP 111 8 0 13 99\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=rtpmap:99 telephone-event/8000\r\na=ptime:30\r\n"
)


def described(direction="", text=OFFER, known=(PCMU, PCMA)):
    return read_terms(text + (f"a={direction}\r\n" if direction else ""), known)


# --- session descriptions -------------------------------------------------------------------------


def test_the_caller_chooses_among_the_codecs_that_we_know():
    assert agreed(described()).codec == PCMA
    assert agreed(described(known=(PCMU,))).codec == PCMU
    assert agreed(described(known=(OPUS, PCMU))).payload_type == 111


def test_an_answer_has_the_lines_of_its_offer_and_takes_one():
    terms = described()
    words = answer(Local(HERE, 7, 3), terms, agreed(terms))
    lines = re.findall(r"m=.*", words)
    assert [line.strip() for line in lines] == [
        "m=video 0 RTP/AVP 96",
        "m=audio 5060 RTP/AVP 8 13 99",
    ]
    assert "o=parley 7 3 IN IP4 10.0.0.2" in words
    assert read_terms(words).codecs[0][0] == PCMA


def test_our_offer_is_one_that_we_would_take():
    for codecs in ((PCMU, PCMA), (OPUS,)):
        terms = read_terms(offer(Local(HERE, 7, 1), codecs))
        assert tuple(codec for codec, _ in terms.codecs) == codecs
        assert terms.digits == 101


@mark.parametrize(
    ("theirs", "ours", "both"),
    [
        ("sendrecv", Direction.BOTH, Direction.BOTH),
        ("sendonly", Direction.BOTH, Direction.RECEIVE),
        ("recvonly", Direction.BOTH, Direction.SEND),
        ("inactive", Direction.BOTH, Direction.NONE),
        ("sendrecv", Direction.SEND, Direction.SEND),
        ("sendonly", Direction.SEND, Direction.NONE),
        ("", Direction.BOTH, Direction.BOTH),
    ],
)
def test_nobody_sends_more_than_both_want(theirs, ours, both):
    assert agreed(described(theirs), ours).direction is both


def test_an_address_of_nothing_is_a_hold_of_the_old_kind():
    terms = described(text=OFFER.replace("c=IN IP4 10.0.0.1", "c=IN IP4 0.0.0.0"))
    assert agreed(terms).direction is Direction.NONE


@given(st.text(alphabet="vosctma=0123456789 /:.\r\nRTPAVPINIP4audiortpmap", max_size=200))
def test_no_description_does_more_than_be_refused(text):
    try:
        terms = read_terms(text)
    except ProtocolError:
        return
    assert terms.codecs


@given(st.binary(max_size=300))
def test_no_datagram_does_more_than_be_refused(data):
    agent = UserAgent(HERE, (PCMU,))
    assert agent.receive(data, REGISTRAR, 0.0) == []
    with raises(ProtocolError):
        parsed(data, REGISTRAR)


# --- a registrar ----------------------------------------------------------------------------------


def registrar(request, now, password="secret", expires=100):
    """The answer of a registrar that asks for a password, by RFC 2617's formulas."""
    text = request.decode()
    kept = "\r\n".join(
        line
        for line in text.split("\r\n")
        if re.match(r"(Via|From|To|Call-ID|CSeq|Contact):", line)
    )
    proof = dict(re.findall(r'(\w+)="?([^",\r]+)"?', text.partition("Authorization: ")[2]))
    one = hashlib.md5(f"agent:exchange:{password}".encode()).hexdigest()
    two = hashlib.md5(f"REGISTER:{proof.get('uri', '')}".encode()).hexdigest()
    parts = [one, "n1", proof.get("nc", ""), proof.get("cnonce", ""), "auth", two]
    if not proof:
        first = 'SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="exchange", '
        first += 'nonce="n1", qop="auth", algorithm=MD5'
    elif proof["response"] == hashlib.md5(":".join(parts).encode()).hexdigest():
        first = f"SIP/2.0 200 OK\r\nExpires: {expires}"
    else:
        first = "SIP/2.0 403 Forbidden"
    return f"{first}\r\n{kept}\r\nContent-Length: 0\r\n\r\n".encode()


def registered(seconds, account=None, serve=registrar):
    """An agent after some seconds with a registrar; what it sent, and what it was told."""
    account = account or Account("agent", "secret", "exchange", REGISTRAR)
    agent, asked, told = UserAgent(HERE, (PCMU,), account), [], []
    for tick in range(round(seconds * 10)):
        now = tick / 10
        told += agent.expire(now)
        while packets := agent.outgoing():
            for packet in packets:
                asked.append((now, packet.data.decode()))
                reply = serve(packet.data, now)
                if reply:
                    told += agent.receive(reply, REGISTRAR, now)
    return agent, asked, told


def test_it_registers_with_its_password_and_again_in_time():
    agent, asked, told = registered(170)
    assert [event.status for event in told] == [200, 200, 200]
    assert [round(now) for now, text in asked if "Authorization" in text] == [0, 80, 160]
    assert agent.registration.standing is Standing.KNOWN
    numbers = [int(re.search(r"CSeq: (\d+)", text)[1]) for _, text in asked]
    assert numbers == sorted(set(numbers))


OTHERS = "<sip:agent@10.0.0.77:5060>;expires=3500"


@mark.parametrize(
    ("headers", "seconds"),
    [
        ([OTHERS, "<sip:agent@10.0.0.2:5060>;expires=50"], 50),
        ([OTHERS, "<sip:agent@10.0.0.2>;q=0.5;expires=50"], 50),  # 5060 goes without saying
        ([OTHERS, "<sip:other@10.0.0.2:5060>;expires=20", "Expires: 100"], 100),
        ([OTHERS, "<sip:agent@10.0.0.2:5060>", "Expires: 100"], 100),
        ([OTHERS, "<sip:agent@192.0.2.1:61000>;expires=50"], 50),  # ours, as a NAT writes it
        ([OTHERS], 300),  # as asked
        (["<sip:agent@10.0.0.2:5060>;expires=" + "9" * 5000], 86_400),
    ],
)
def test_what_is_granted_to_us_counts_and_not_what_others_got(headers, seconds):
    def shared(request, now):
        lines = [line if ":" in line.split("<")[0] else f"Contact: {line}" for line in headers]
        answer = registrar(request, now)
        kept = re.sub(rb"(Contact|Expires):.*\r\n", b"", answer)
        return kept.replace(b"Content-Length", "\r\n".join([*lines, "Content-Length"]).encode())

    agent, _, _ = registered(0.2, serve=shared)
    assert agent.registration.standing is Standing.KNOWN
    assert agent.registration.next_at == approx(0.8 * seconds)


def test_it_leaves_with_a_request_that_lasts_no_time():
    agent, _, _ = registered(1)
    agent.register(1.0, leave=True)
    assert "Expires: 0" in agent.outgoing()[0].data.decode()


def test_a_wrong_password_is_tried_once_and_then_ever_more_seldom():
    agent, asked, told = registered(60, Account("agent", "wrong", "exchange", REGISTRAR))
    assert {event.status for event in told} == {403}
    assert [round(now) for now, text in asked if "Authorization" in text] == [0, 5, 15, 35]
    assert agent.registration.standing is Standing.REFUSED


def test_the_password_is_in_no_message_and_in_no_words():
    account = Account("agent", "secret", "exchange", REGISTRAR)
    _, asked, _ = registered(2, account)
    assert "secret" not in "".join(text for _, text in asked) + repr(account)
    assert "secret" not in repr(SipSettings(password="secret"))


def test_a_registrar_that_wants_longer_times_gets_them():
    def strict(request, now):
        answer = registrar(request, now)
        if b"Expires: 300" in request and b"200 OK" in answer:
            return answer.replace(b"SIP/2.0 200 OK", b"SIP/2.0 423 Brief\r\nMin-Expires: 900")
        return answer

    agent, asked, _ = registered(10, serve=strict)
    assert "Expires: 900" in asked[-1][1]
    assert agent.registration.standing is Standing.KNOWN


def test_a_registrar_that_says_nothing_is_asked_again():
    agent, asked, told = registered(40, serve=lambda request, now: None)
    assert [event.status for event in told] == [408]
    assert agent.registration.standing is Standing.REFUSED
    assert 10 <= len(asked) <= 14


@mark.parametrize(
    "challenge", [b'Basic realm="x"', b"Digest", b'Digest nonce="x", algorithm=X', b"\xff"]
)
def test_a_challenge_that_cannot_be_met_is_a_refusal(challenge):
    def strange(request, now):
        return re.sub(
            rb"WWW-Authenticate: [^\r]*", b"WWW-Authenticate: " + challenge, registrar(request, now)
        )

    _, _, told = registered(1, serve=strange)
    assert [event.status for event in told] == [401]


# --- what is sent again ---------------------------------------------------------------------------


def test_what_was_heard_is_forgotten_in_the_end_and_is_never_too_much():
    transactions = Transactions(limit=10)
    for number in range(50):
        transactions.hear((f"b{number}", "OPTIONS"), 0.0)
    assert transactions.forgotten == 40
    assert transactions.heard(("b49", "OPTIONS"))
    transactions.answer(("b49", "OPTIONS"), Packet(b"ok", HERE), 200, 0.0)
    assert transactions.last_answer(("b49", "OPTIONS")).data == b"ok"
    assert transactions.due(33.0).packets == []
    assert not transactions.heard(("b49", "OPTIONS"))


def test_a_request_is_repeated_at_the_times_of_the_standard():
    transactions, times = Transactions(), []
    transactions.ask(("b", "BYE"), Packet(b"bye", HERE), 0.0)
    for tick in range(330):
        due = transactions.due(tick / 10)
        times += [tick / 10] * len(due.packets)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


# --- settings -------------------------------------------------------------------------------------


@mark.parametrize(
    ("table", "words"),
    [
        ({"port": 99999}, "port: expected 0 to 65535"),
        ({"codecs": ["GSM"]}, "codecs: expected some of"),
        ({"codecs": []}, "codecs: expected some of"),
        ({"allow": ["everybody"]}, "allow: expected networks"),
        ({"host": "0.0.0.0"}, "contact_host: expected"),
        ({"rtp_first": 5, "rtp_last": 5}, "rtp_last: expected more"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(table, words):
    with raises(ValueError, match=words):
        SipSettings(**{key: tuple(v) if isinstance(v, list) else v for key, v in table.items()})


def test_only_the_networks_that_are_allowed_may_call():
    settings = SipSettings(allow=("10.0.0.0/8",))
    assert settings.allows("10.1.2.3")
    assert not settings.allows("127.0.0.1")
    assert not settings.allows("telephone")


def test_a_telephone_without_its_packages_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with raises(DeviceError, match=r"pip install 'parley\[sip\]'"):
        need_sip()


def test_the_table_sip_has_defaults():
    assert checked("x.toml", {}).section(SipSettings, "sip").port == 5060
    with raises(ConfigError, match="sip"):
        checked("x.toml", {"sip": {"prot": 1}}).section(SipSettings, "sip")
