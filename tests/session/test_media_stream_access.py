"""Who may open a media stream, and what providers are told."""

import base64
import json
from urllib.parse import urlsplit
from xml.etree import ElementTree

from pytest import mark, raises
from twilio.request_validator import RequestValidator

from agent.core.calls import Transfer
from agent.core.errors import ConfigError
from agent.core.settings import read
from agent.entrances.media_stream_access import Asked, no_access, plivo_signature, twilio_signature
from agent.entrances.media_stream_documents import DOCUMENTS, Invitation
from agent.entrances.media_stream_settings import MediaStreamSettings, secrets_of
from agent.entrances.media_stream_tickets import Tickets
from audio_io.media_stream.dialects import DIALECTS

TOKEN = "12345678901234567890123456789012"
STREAM = "wss://phone.example.org/media/twilio"
ANSWER = "https://phone.example.org/media/twilio/answer"
FORM = (("CallSid", "CA1"), ("From", "+15551230001"), ("To", "+15551230002"), ("Digits", ""))

# --- Twilio -------------------------------------------------------------------------------------


def from_twilio(url, form=None, signed_as=None, secret=TOKEN):
    shown = RequestValidator(secret).compute_signature(signed_as or url, dict(form or {}))
    return Asked(url, {"x-twilio-signature": shown}, form or (), form is not None)


def status(provider, asked, secrets=(TOKEN,)):
    refused = no_access(provider, asked, secrets)
    return refused and refused.status


def test_a_signature_is_the_one_that_twilios_own_library_makes():
    for url, form in [(STREAM, ()), (ANSWER, FORM), (f"{ANSWER}?a=1&b=%20", FORM)]:
        expected = RequestValidator(TOKEN).compute_signature(url, dict(form))
        assert twilio_signature(url, form, TOKEN) == expected


def test_twilio_may_come_in_with_its_signature_and_nobody_else():
    assert status("twilio", from_twilio(STREAM)) is None
    assert status("twilio", from_twilio(ANSWER, FORM)) is None
    assert status("twilio", Asked(STREAM)) == 403
    assert status("twilio", Asked(STREAM, {"x-twilio-signature": ""})) == 403
    assert status("twilio", Asked(STREAM, {"x-twilio-signature": "é"})) == 403
    assert status("twilio", from_twilio(STREAM, secret="another")) == 403
    assert status("twilio", Asked(STREAM, {"authorization": f"Bearer {TOKEN}"})) == 403


@mark.parametrize(
    "signed_as",
    [
        "wss://phone.example.org:443/media/twilio",
        "wss://phone.example.org/media/twilio/",
        "wss://phone.example.org:443/media/twilio/",
    ],
)
def test_a_proxy_that_changes_port_or_slash_does_no_harm(signed_as):
    assert status("twilio", from_twilio(STREAM, signed_as=signed_as)) is None
    assert status("twilio", from_twilio(signed_as, signed_as=STREAM)) is None


@mark.parametrize(
    "signed_as",
    [
        "wss://other.example.org/media/twilio",
        "wss://phone.example.org:444/media/twilio",
        "wss://phone.example.org/media/plivo",
        "https://phone.example.org/media/twilio",
    ],
)
def test_a_signature_of_another_address_is_none(signed_as):
    assert status("twilio", from_twilio(STREAM, signed_as=signed_as)) == 403


def test_a_form_that_was_changed_on_its_way_is_refused():
    signed = from_twilio(ANSWER, FORM)
    for form in [(("From", "+1"), *FORM[1:]), FORM[1:], (*FORM, ("More", "x"))]:
        assert status("twilio", Asked(ANSWER, signed.headers, form, True)) == 403


def test_an_old_and_a_new_secret_are_both_good_while_one_replaces_the_other():
    for secret in ("old", "new"):
        assert status("twilio", from_twilio(STREAM, secret=secret), ("new", "old")) is None


# --- Plivo --------------------------------------------------------------------------------------

# Made with plivo.utils.signature_v3 of the package plivo 4.63.0, auth token "secret".
PLIVO = [
    ("wss://phone.example.org/media/plivo", (), "/HmzMbyAnnA4d15hRJ8Dmy5P4Xv1n8hxRTeh14RHDFo="),
    (
        "https://phone.example.org/media/plivo/answer?b=2&a=1",
        (),
        "VcqRBRbLfXRGJEviJLCtpBVHcpTNNIqjTGvUvtmwqW8=",
    ),
    (
        "https://phone.example.org/media/plivo/answer",
        (("To", "2"), ("From", "1"), ("CallUUID", "x y")),
        "sydSjUG8mpdS6A/JjWnMI8xqTkmcxUhCLf72uU6qFZU=",
    ),
    (
        "https://phone.example.org/media/plivo/answer?b=2&a=1",
        (("To", "2"), ("From", "1")),
        "Cq9pf95sEZeJ99BcAaDI7jS02qe9O8nVNYqSPXDfqC0=",
    ),
]


@mark.parametrize(("url", "form", "signature"), PLIVO, ids=["stream", "get", "post", "both"])
def test_plivo_may_come_in_with_its_signature(url, form, signature):
    headers = {"x-plivo-signature-v3": f"other, {signature}", "x-plivo-signature-v3-nonce": "12345"}
    asked = Asked(url, headers, form, bool(form))
    assert plivo_signature(asked, "12345", "secret") == signature
    assert status("plivo", asked, ("secret",)) is None
    assert status("plivo", asked, ("another",)) == 403
    headers["x-plivo-signature-v3-nonce"] = "12346"
    assert status("plivo", asked, ("secret",)) == 403
    del headers["x-plivo-signature-v3-nonce"]
    assert status("plivo", asked, ("secret",)) == 403


# --- tokens -------------------------------------------------------------------------------------


def basic(pair):
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@mark.parametrize("provider", [p for p in DIALECTS if p not in {"twilio", "plivo"}])
def test_the_others_show_a_token(provider):
    url = f"wss://phone.example.org/media/{provider}"
    good = [
        {"authorization": f"Bearer {TOKEN}"},
        {"x-telnyx-streaming-auth-token": TOKEN},
        basic(f"anybody:{TOKEN}"),
    ]
    assert [status(provider, Asked(url, headers)) for headers in good] == [None] * 3
    assert status(provider, Asked(f"{url}?token={TOKEN}")) is None
    bad = [
        {},
        {"authorization": "Bearer x"},
        {"authorization": "Bearer"},
        {"authorization": "Basic ?"},
        basic("anybody:x"),
    ]
    assert [status(provider, Asked(url, headers)) for headers in bad] == [401] * 5


def test_a_secret_with_a_user_name_needs_both():
    url = "wss://phone.example.org/media/jambonz"
    assert status("jambonz", Asked(url, basic("me:secret")), ("me:secret",)) is None
    assert status("jambonz", Asked(url, basic("you:secret")), ("me:secret",)) == 401


# --- settings -----------------------------------------------------------------------------------


def settings(**table):
    full = {
        "public_url": "https://phone.example.org/",
        "providers": ["twilio"],
        "secrets": {"twilio": [TOKEN]},
    }
    return read(MediaStreamSettings, full | table, "phone.toml: [media_stream]")


def test_without_a_table_nobody_may_call():
    assert read(MediaStreamSettings, {}, "x").providers == ()


def test_addresses_are_made_from_the_public_one():
    assert settings().base == "https://phone.example.org"
    assert settings().stream_base == "wss://phone.example.org"
    assert settings(public_url="http://127.0.0.1:8080").stream_base == "ws://127.0.0.1:8080"


@mark.parametrize(
    ("table", "sentence"),
    [
        ({"secrets": {}}, "secrets.twilio: expected what twilio shows or signs with"),
        ({"secrets": {"twilio": [""]}}, "secrets.twilio: expected"),
        ({"providers": ["sprint"]}, "providers: expected some of twilio, .* found 'sprint'"),
        ({"public_url": ""}, "public_url: expected where providers reach"),
        ({"public_url": "http://phone.example.org"}, "public_url: expected"),
        ({"public_url": "phone.example.org"}, "public_url: expected"),
        ({"public_url": "https://phone.example.org/?x=1"}, "public_url: expected"),
        ({"rate": 11_025}, "rate: expected one of"),
        (
            {"providers": ["exotel"], "secrets": {"exotel": ["x"]}, "tickets": True},
            "tickets: expected only twilio, .* in providers, found exotel",
        ),
    ],
)
def test_what_would_leave_the_door_open_is_refused(table, sentence):
    with raises(ConfigError, match=sentence) as refusal:
        settings(**table)
    assert TOKEN not in str(refusal.value)


def test_secrets_may_come_from_the_environment():
    kept = settings(secrets={"twilio": ["$NEW", "old"]})
    assert secrets_of(kept, {"NEW": "n"}) == {"twilio": ("n", "old")}
    with raises(ConfigError, match=r"expected \$NEW to be set"):
        secrets_of(kept, {})


def test_a_ticket_is_good_once_and_for_a_minute():
    tickets = Tickets()
    one, other = tickets.issue(0.0), tickets.issue(0.0)
    assert tickets.use(one, 60.0)
    assert not tickets.use(one, 60.0)
    assert not tickets.use(other, 60.1)
    assert not tickets.use("", 0.0)


def test_tickets_that_nobody_uses_are_forgotten():
    tickets = Tickets()
    given = [tickets.issue(0.0) for _ in range(5000)]
    assert not tickets.use(given[0], 1.0)
    assert tickets.use(given[-1], 1.0)


# --- documents ----------------------------------------------------------------------------------

AFTER = "https://phone.example.org/media/x/after?a=1&b=2"


def invitation(secret):
    parameters = {"table": "12", 'na"me': "<&>"}
    return Invitation("wss://phone.example.org/media/x", AFTER, secret, 16_000, parameters)


def xml(provider):
    return ElementTree.fromstring(DOCUMENTS[provider].invite(invitation("to&ken")))


def test_twilio_is_told_to_connect_a_stream_with_parameters_and_to_ask_again():
    response = xml("twilio")
    connect = response.find("Connect")
    assert connect.attrib == {"action": AFTER}
    assert connect.find("Stream").attrib == {"url": "wss://phone.example.org/media/x"}
    found = {p.get("name"): p.get("value") for p in connect.iter("Parameter")}
    assert found == {"table": "12", 'na"me': "<&>"}


def test_signalwire_is_told_which_token_to_show():
    assert xml("signalwire").find("Connect/Stream").get("authBearerToken") == "to&ken"


def test_telnyx_is_told_to_stream_both_ways_with_the_token_in_the_address():
    stream = xml("telnyx").find("Connect/Stream")
    assert stream.get("url") == "wss://phone.example.org/media/x?token=to%26ken"
    assert (stream.get("bidirectionalMode"), stream.get("codec")) == ("rtp", "PCMU")


def test_plivo_is_told_to_stream_both_ways_and_to_ask_again():
    response = xml("plivo")
    stream = response.find("Stream")
    assert stream.text == "wss://phone.example.org/media/x"
    assert (stream.get("bidirectional"), stream.get("keepCallAlive")) == ("true", "true")
    assert stream.get("contentType") == "audio/x-l16;rate=16000"
    assert stream.get("extraHeaders") == "table=12"  # it takes letters and digits only
    assert response.find("Redirect").text == AFTER


def test_jambonz_and_vonage_are_told_the_same_in_json():
    (listen,) = json.loads(DOCUMENTS["jambonz"].invite(invitation("me:to&ken")))
    assert (listen["verb"], listen["actionHook"]) == ("listen", AFTER)
    assert listen["wsAuth"] == {"username": "me", "password": "to&ken"}
    both = {"enabled": True, "streaming": True, "sampleRate": 16_000}
    assert listen["bidirectionalAudio"] == both
    (connect,) = json.loads(DOCUMENTS["vonage"].invite(invitation("to&ken")))
    (endpoint,) = connect["endpoint"]
    assert endpoint["content-type"] == "audio/l16;rate=16000"
    assert endpoint["authorization"] == {"type": "custom", "value": "Bearer to&ken"}


def test_exotel_is_told_where_to_connect():
    url = urlsplit(json.loads(DOCUMENTS["exotel"].invite(invitation("to-ken")))["url"])
    assert (url.username, url.password, url.hostname) == ("parley", "to-ken", "phone.example.org")


def test_after_the_stream_a_call_is_hung_up_or_goes_where_it_was_told_to():
    for provider in ("twilio", "signalwire", "plivo"):
        after = DOCUMENTS[provider].after
        assert ElementTree.fromstring(after(None)).find("Hangup") is not None
        dial = ElementTree.fromstring(after(Transfer("+1<5>"))).find("Dial")
        assert dial.find("Number").text == "+1<5>"
        dial = ElementTree.fromstring(after(Transfer("sip:desk@example.org"))).find("Dial")
        assert next(iter(dial)).text == "sip:desk@example.org"
    after = DOCUMENTS["jambonz"].after
    assert json.loads(after(None)) == [{"verb": "hangup"}]
    (dial,) = json.loads(after(Transfer("+15")))
    assert dial == {"verb": "dial", "target": [{"type": "phone", "number": "+15"}]}
    for provider in ("exotel", "vonage"):
        assert DOCUMENTS[provider].after(Transfer("+15")) == "[]"
