"""Calls between two telephones, over a wire that loses what it is told to lose."""

from pytest import mark

from audio_io.sip.agent import UserAgent
from audio_io.sip.leg import Answered, Gone, Pressed, Progress, Stage
from audio_io.sip.registration import Account
from audio_io.sip.sdp import G722, PCMA, Direction
from tests.support.sip_wire import ALICE, ALICE_RTP, BOB, BOB_RTP, Wire


def first(text, *words):
    return all(word in text.split("\r\n")[0] for word in words)


def test_a_call_comes_up_and_both_know_where_the_sound_goes():
    wire = Wire()
    leg = wire.call()
    assert wire.kinds("alice") == ["Up"]
    assert wire.kinds("bob") == ["Invited", "Up"]
    assert (leg.media.address, wire.leg().media.address) == (BOB_RTP, ALICE_RTP)
    assert leg.media.codec.name == wire.leg().media.codec.name == "PCMU"


def test_whoever_hangs_up_the_other_is_told():
    for name, other in (("alice", "bob"), ("bob", "alice")):
        wire = Wire()
        wire.call()
        agent = getattr(wire, name)
        agent.calls.hang_up(wire.leg(name), wire.now)
        wire.settle()
        assert isinstance(wire.told[other][-1], Gone)
        assert len(wire.alice.calls) == len(wire.bob.calls) == 0


@mark.parametrize("words", [("INVITE",), ("SIP/2.0 200",), ("ACK",), ("SIP/2.0 100",)])
def test_a_call_comes_up_although_the_first_of_these_is_lost(words):
    lost = []

    def lose(data):
        text = data.decode()
        if not lost and first(text, *words):
            lost.append(text)
            return True
        return False

    wire = Wire(lose)
    wire.call()
    wire.wait(2)
    assert lost
    assert wire.leg("alice").stage is Stage.UP
    assert wire.leg().stage is Stage.UP
    assert wire.kinds("bob") == ["Invited", "Up"]


def test_an_answer_after_a_while_of_ringing_is_not_sent_again_at_once():
    wire = Wire(accept=False, lose=lambda data: data.startswith(b"ACK"))
    wire.call()
    wire.wait(3)
    wire.bob.calls.accept(wire.leg(), BOB_RTP, wire.now)
    wire.settle()
    wire.wait(0.35)
    assert wire.first_lines().count("SIP/2.0 200 OK") == 1
    wire.wait(0.3)
    assert wire.first_lines().count("SIP/2.0 200 OK") == 2


def test_a_call_that_nobody_answers_ends_after_thirty_two_seconds():
    wire = Wire(lose=lambda data: True)
    wire.call()
    wire.wait(33)
    assert wire.told["alice"] == [Gone(wire.leg("alice"), 408, "nobody answered")]
    assert 7 <= len(wire.said) <= 11


def test_an_answer_that_is_never_acknowledged_ends_the_call():
    wire = Wire(lose=lambda data: data.startswith(b"ACK"))
    wire.call()
    wire.wait(40)
    assert any(isinstance(event, Gone) for event in wire.told["bob"])
    assert len(wire.bob.calls) == 0


def test_a_caller_may_give_up_while_it_rings():
    wire = Wire(accept=False)
    leg = wire.call()
    wire.alice.calls.hang_up(leg, wire.now)
    wire.settle()
    assert wire.told["bob"][-1] == Gone(wire.leg(), 487, "the caller gave up")
    assert [line for line in wire.first_lines() if "487" in line]
    assert wire.first_lines()[-1].startswith("ACK")
    assert len(wire.alice.calls) == len(wire.bob.calls) == 0


def test_a_call_that_is_answered_while_the_caller_gives_up_is_hung_up():
    wire = Wire(accept=False)
    leg = wire.call()
    wire.alice.calls.hang_up(leg, wire.now)
    wire.bob.calls.accept(wire.leg(), BOB_RTP, wire.now)
    wire.settle()
    wire.wait(1)
    assert len(wire.alice.calls) == len(wire.bob.calls) == 0


def challenged(request):
    """The answer of a far side that wants a password."""
    kept = [
        line
        for line in request.split("\r\n")
        if line.partition(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
    ]
    proof = 'WWW-Authenticate: Digest realm="x", nonce="n", algorithm=MD5'
    lines = ["SIP/2.0 401 Unauthorized", *kept, proof, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


@mark.parametrize(
    ("gives_up", "stage", "methods"),
    [
        (False, Stage.CALLING, ["ACK", "INVITE"]),
        (True, Stage.CALLING, ["ACK"]),  # the CANCEL was sent before
        (True, Stage.UP, ["BYE"]),
    ],
)
def test_a_call_that_was_given_up_does_not_ring_again_with_a_password(gives_up, stage, methods):
    account = Account("alice", "secret", "10.0.0.2", BOB)
    agent = UserAgent(ALICE, (PCMA,), account, register=False)
    leg = agent.calls.invite("sip:alice@10.0.0.1", "sip:100@10.0.0.2", BOB, ALICE_RTP, 0.0)
    asked, leg.stage = agent.outgoing(), stage
    if gives_up:
        agent.calls.hang_up(leg, 0.1)
        sent = agent.outgoing()
        asked = sent if stage is Stage.UP else asked
    agent.receive(challenged(asked[0].data.decode()), BOB, 0.2)
    assert [packet.data.decode().split()[0] for packet in agent.outgoing()] == methods


@mark.parametrize("status", [486, 503, 404])
def test_a_call_that_is_turned_away_says_so(status):
    wire = Wire(accept=False)
    wire.call()
    wire.bob.calls.reject(wire.leg(), status, 5)
    wire.settle()
    gone = wire.told["alice"][-1]
    assert (gone.status, len(wire.alice.calls)) == (status, 0)
    assert "Retry-After: 5" in next(text for text in wire.said if str(status) in text[:20])


def test_a_caller_without_a_codec_of_ours_gets_488():
    wire = Wire(theirs=(G722,))
    wire.call()
    assert wire.told["alice"][-1].status == 488
    assert wire.told["bob"] == []


def test_a_far_side_on_hold_keeps_its_call_and_comes_back():
    wire = Wire()
    leg = wire.call()
    for direction, theirs in (
        (Direction.SEND, Direction.RECEIVE),
        (Direction.BOTH, Direction.BOTH),
    ):
        wire.alice.calls.redirect(leg, direction, wire.now)
        wire.settle()
        assert leg.media.direction is direction
        assert wire.leg().media.direction is theirs
    assert wire.kinds("bob")[2] == "Changed"
    assert wire.told["alice"][-1] == Answered(leg, "INVITE", 200)


def test_who_took_the_call_can_hold_the_caller_too():
    wire = Wire()
    leg = wire.call()
    wire.bob.calls.redirect(wire.leg(), Direction.NONE, wire.now)
    wire.settle()
    assert leg.media.direction is Direction.NONE
    assert wire.told["bob"][-1] == Answered(wire.leg(), "INVITE", 200)


def test_both_holding_at_once_ends_in_words_and_not_in_a_lost_call():
    wire = Wire()
    leg = wire.call()
    wire.alice.calls.redirect(leg, Direction.SEND, wire.now)
    wire.bob.calls.redirect(wire.leg(), Direction.SEND, wire.now)
    wire.settle()
    assert Answered(leg, "INVITE", 491) in wire.told["alice"]
    assert leg.stage is wire.leg().stage is Stage.UP


def test_a_transfer_is_refused_by_a_telephone_that_cannot():
    wire = Wire()
    leg = wire.call()
    wire.alice.calls.refer(leg, "sip:200@10.0.0.9", "A table.\r\nContact: x", wire.now)
    wire.settle()
    assert wire.told["alice"][-1] == Answered(leg, "REFER", 405)
    assert leg.stage is Stage.UP
    (refer,) = [text for text in wire.said if text.startswith("REFER")]
    assert "\r\nSubject: A table. Contact: x\r\n" in refer


def test_how_a_transfer_goes_on_is_told():
    wire = Wire()
    leg = wire.call()
    other = wire.leg()
    for status in (100, 200):
        headers = {"Event": "refer", "Content-Type": "message/sipfrag"}
        notify = other.asks("NOTIFY", BOB, headers)
        notify.text = f"SIP/2.0 {status} OK\r\n"
        wire.bob.exchange.send(notify, ALICE, wire.now, other)
        wire.settle()
    progress = [event for event in wire.told["alice"] if isinstance(event, Progress)]
    assert progress == [Progress(leg, 100), Progress(leg, 200)]


@mark.parametrize(
    ("kind", "body"),
    [("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"), ("application/dtmf", "5")],
)
def test_a_key_may_come_as_a_message(kind, body):
    wire = Wire()
    leg = wire.call()
    info = leg.asks("INFO", ALICE, {"Content-Type": kind})
    info.text = body
    wire.alice.exchange.send(info, BOB, wire.now, leg)
    wire.settle()
    assert wire.told["bob"][-1] == Pressed(wire.leg(), "5")


def test_a_session_is_refreshed_at_half_its_time():
    wire = Wire()
    wire.call()
    wire.wait(905)
    assert [line for line in wire.first_lines() if line.startswith("UPDATE")]
    assert wire.leg("alice").stage is wire.leg().stage is Stage.UP


def test_a_session_that_is_not_refreshed_ends():
    dead = []
    wire = Wire(lose=lambda data: bool(dead))
    wire.call()
    dead.append(True)
    wire.wait(1800)
    assert "did not refresh" in wire.told["bob"][-1].reason
    assert len(wire.bob.calls) == 0


def raw(start, *headers, body=""):
    """A request by hand."""
    lines = [
        start,
        "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKhand;rport",
        "From: <sip:a@10.0.0.1>;tag=a1",
        "To: <sip:b@10.0.0.2>",
        "Call-ID: by-hand",
        f"CSeq: 7 {start.split()[0]}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def answer_to(data, source=ALICE):
    wire = Wire()
    wire.bob.receive(data, source, 0.0)
    return [packet.data.decode() for packet in wire.bob.outgoing()]


@mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        *((method, 481) for method in ("BYE", "INFO", "UPDATE", "CANCEL", "NOTIFY")),
        *((method, 405) for method in ("SUBSCRIBE", "REGISTER", "PUBLISH")),
    ],
)
def test_a_request_outside_a_call_gets_its_status(method, status):
    assert answer_to(raw(f"{method} sip:b@10.0.0.2 SIP/2.0"))[0].startswith(f"SIP/2.0 {status}")


@mark.parametrize(
    ("header", "status"),
    [("Require: 100rel", 420), ("Session-Expires: 30", 422)],
)
def test_a_call_that_asks_for_what_we_do_not_do_is_told_so(header, status):
    answer = answer_to(raw("INVITE sip:b@10.0.0.2 SIP/2.0", header))[0]
    assert answer.startswith(f"SIP/2.0 {status}")
    assert ("Unsupported: 100rel" in answer) or ("Min-Se: 90" in answer)


@mark.parametrize(
    "sdp",
    [
        "garbage",
        "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/SAVP 0\r\n",
        "v=0\r\nc=IN IP4 10.0.0.1\r\nm=video 4000 RTP/AVP 96\r\n",
        "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 99999 RTP/AVP 0\r\n",
        "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio x RTP/AVP 0\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP 0\r\n",
    ],
)
def test_media_that_we_cannot_have_get_488(sdp):
    data = raw("INVITE sip:b@10.0.0.2 SIP/2.0", "Content-Type: application/sdp", body=sdp)
    assert answer_to(data)[0].startswith("SIP/2.0 488")


def test_a_call_without_an_offer_gets_ours_and_is_up_with_its_answer():
    wire = Wire()
    wire.bob.receive(raw("INVITE sip:b@10.0.0.2 SIP/2.0", "Contact: <sip:a@10.0.0.1>"), ALICE, 0.0)
    leg = next(iter(wire.bob.calls.legs.values()))
    wire.bob.calls.accept(leg, BOB_RTP, 0.0)
    okay = wire.bob.outgoing()[-1].data.decode()
    assert "RTP/AVP 0 8 13 101" in okay
    assert leg.media is None
    sdp = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\n"
    ack = raw("ACK sip:b@10.0.0.2 SIP/2.0", "Content-Type: application/sdp", body=sdp)
    ack = ack.replace(b"To: <sip:b@10.0.0.2>", f"To: <sip:b@10.0.0.2>;tag={leg.our_tag}".encode())
    wire.bob.receive(ack, ALICE, 0.0)
    assert leg.stage is Stage.UP
    assert (leg.media.codec, leg.media.address) == (PCMA, ("10.0.0.1", 4000))


def test_a_request_that_comes_twice_is_answered_twice_and_done_once():
    wire = Wire(accept=False)
    invite = raw("INVITE sip:b@10.0.0.2 SIP/2.0")
    assert len(wire.bob.receive(invite, ALICE, 0.0)) == 1
    assert wire.bob.receive(invite, ALICE, 0.1) == []
    assert [p.data[:11] for p in wire.bob.outgoing()] == [b"SIP/2.0 100"] * 2


def test_answers_go_to_where_the_request_came_from_and_not_to_where_it_says():
    data = raw("OPTIONS sip:b@10.0.0.2 SIP/2.0").replace(b"10.0.0.1:5060;", b"8.8.8.8:53;")
    wire = Wire()
    wire.bob.receive(data, ALICE, 0.0)
    assert [packet.to for packet in wire.bob.outgoing()] == [ALICE]


def test_a_request_with_a_number_that_was_used_is_refused():
    wire = Wire()
    leg = wire.call()
    leg.our_cseq -= 1
    info = leg.asks("INFO", ALICE)
    wire.alice.exchange.send(info, BOB, wire.now, leg)
    wire.settle()
    assert wire.first_lines()[-1] == "SIP/2.0 500 Server Internal Error"


# --- sound before the answer --------------------------------------------------------------------


def early():
    """A call in which the sound flows, and which nobody has answered."""
    wire = Wire(accept=False)
    leg = wire.call()
    wire.bob.calls.progress(wire.leg(), BOB_RTP)
    wire.settle()
    return wire, leg


def described(text):
    return text.partition("\r\n\r\n")[2]


def test_sound_may_flow_before_a_call_is_answered():
    wire, leg = early()
    assert (wire.kinds("alice"), leg.stage) == (["Early"], Stage.CALLING)
    assert (leg.media.address, wire.leg().media.address) == (BOB_RTP, ALICE_RTP)
    wire.bob.calls.accept(wire.leg(), ("10.0.0.2", 9), wire.now)
    wire.settle()
    assert (wire.kinds("alice"), leg.stage) == (["Early", "Up"], Stage.UP)
    assert wire.leg().stage is Stage.UP
    (before,) = [text for text in wire.said if first(text, "SIP/2.0 183")]
    (after,) = [text for text in wire.said if first(text, "SIP/2.0 200")]
    assert described(before) == described(after)


def test_a_far_side_that_describes_its_sound_only_before_it_answers_is_understood():
    wire, leg = early()
    (text,) = [text for text in wire.said if first(text, "SIP/2.0 183")]
    head = text.partition("\r\n\r\n")[0].replace("183 Session Progress", "200 OK")
    bare = [line for line in head.split("\r\n") if not line.lower().startswith("content-")]
    answer = "\r\n".join([*bare, "Content-Length: 0", "", ""])
    told = wire.alice.receive(answer.encode(), BOB, wire.now)
    assert [type(event).__name__ for event in told] == ["Up"]
    assert leg.media.address == BOB_RTP


def test_a_caller_who_gives_up_before_the_answer_is_let_go():
    wire, leg = early()
    wire.alice.calls.hang_up(leg, wire.now)
    wire.settle()
    assert isinstance(wire.told["bob"][-1], Gone)
    assert len(wire.alice.calls) == len(wire.bob.calls) == 0


def test_a_description_before_the_answer_that_cannot_be_read_changes_nothing():
    wire = Wire(accept=False, theirs=(G722,), codecs=(PCMA, G722))
    leg = wire.call()
    wire.bob.calls.progress(wire.leg(), BOB_RTP)
    broken = [p.data.replace(b"m=audio", b"m=video") for p in wire.bob.outgoing()]
    assert wire.alice.receive(broken[-1], BOB, wire.now) == []
    assert (leg.media, leg.stage) == (None, Stage.CALLING)
