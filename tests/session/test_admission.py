"""Who may come in: pages of this server, with a token where one is set, while there is room."""

from dataclasses import replace

from pytest import mark, raises

from agent.admission import Caller, Refusal, ServerSettings, no_access, no_room

HERE = "localhost:8080"
OUTSIDE = "agent.example:8080"
OPEN = ServerSettings()
NAMED = ServerSettings(origins=(f"https://{OUTSIDE}",))
CLOSED = ServerSettings(host="0.0.0.0", tokens=("old", "new"))


@mark.parametrize(
    ("caller", "settings", "status"),
    [
        (Caller(HERE), OPEN, None),
        (Caller(HERE, f"https://{HERE}"), OPEN, None),
        (Caller(HERE, "https://evil.example"), OPEN, 403),
        (Caller(HERE, "null"), OPEN, 403),
        (Caller(HERE, "https://us.example"), ServerSettings(origins=("https://us.example",)), None),
        *((Caller(host), OPEN, None) for host in ("127.0.0.1", "[::1]:8080", "LOCALHOST", "[::1]")),
        *((Caller(host), OPEN, 403) for host in (OUTSIDE, "", "[::1", "0.0.0.0:80", "localhost.x")),
        (Caller(OUTSIDE, f"http://{OUTSIDE}"), OPEN, 403),
        (Caller(OUTSIDE, f"https://{OUTSIDE}"), NAMED, None),
        (Caller(OUTSIDE), NAMED, None),
        (Caller("agent.example"), NAMED, 403),
        (Caller(OUTSIDE, f"https://{OUTSIDE}", "new"), CLOSED, None),
        (Caller(HERE, "", "new"), CLOSED, None),
        (Caller(HERE, "", "old"), CLOSED, None),
        (Caller(HERE, "", "ol"), CLOSED, 401),
        (Caller(HERE, "", "ñ"), CLOSED, 401),
        (Caller(HERE), CLOSED, 401),
        (Caller(HERE, "https://evil.example", "new"), CLOSED, 403),
    ],
)
def test_access(caller, settings, status):
    refused = no_access(caller, settings)
    assert (refused.status if refused else None) == status


@mark.parametrize("caller", [Caller(HERE), Caller(OUTSIDE, f"https://{OUTSIDE}")])
def test_where_anybody_reaches_the_server_nobody_is_let_in_without_a_token(caller):
    refused = no_access(caller, NAMED, "https://phone.example.org")
    assert refused == Refusal(
        403,
        "expected [server] tokens to be set, found none, and anybody reaches this server at "
        "https://phone.example.org",
    )
    assert no_access(replace(caller, origin="", token="new"), CLOSED, "https://x.org") is None


def test_a_server_without_tokens_says_by_which_names_it_may_be_asked_for():
    assert no_access(Caller("evil.example"), OPEN).message == (
        "expected to be asked for as localhost or by a name in [server] origins, where no tokens "
        "are set, found 'evil.example'"
    )


@mark.parametrize(
    ("active", "from_there", "stopping", "status", "sentence"),
    [
        (0, 0, False, None, ""),
        (3, 1, False, None, ""),
        (4, 0, False, 503, "expected fewer than 4 calls at once, found 4 calls"),
        (3, 2, False, 429, "expected fewer than 2 calls at once, found 2 calls from your address"),
        (0, 0, True, 503, "found the server is stopping"),
    ],
)
def test_room(active, from_there, stopping, status, sentence):
    settings = ServerSettings(max_calls=4, max_per_address=2)
    refused = no_room(settings, active, from_there, stopping=stopping)
    assert (refused.status if refused else None) == status
    if refused:
        assert sentence in refused.message
        assert refused.retry_s == 5


@mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "agent.example"])
def test_without_a_token_nobody_but_this_machine_is_listened_to(host):
    with raises(ValueError, match=r"host: expected 127\.0\.0\.1 or ::1 where no tokens are set"):
        ServerSettings(host=host)
    assert ServerSettings(host=host, tokens=("secret",)).host == host


@mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1", "localhost"])
def test_this_machine_needs_no_token(host):
    assert ServerSettings(host=host).tokens == ()
