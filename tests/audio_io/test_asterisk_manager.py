"""Orders to Asterisk's manager interface: what is said on the wire, and who is not believed."""

import asyncio

from pytest import mark, raises

from agent.core.calls import Hold, SendDigits, Transfer
from agent.core.errors import OrderRefused, ProtocolError
from audio_io.asterisk.manager import ManagedChannel, ManagerSettings

SUCCESS = b"Response: Success\r\nMessage: ok\r\n\r\n"
REFUSED = b"Response: Error\r\nMessage: no\r\n\r\n"


def carried_out(order, *answers, channel="pbx-1789.12", port=None):
    """What a manager interface that gives these answers was told."""

    async def scene():
        told = []

        async def interface(reader, writer):
            writer.write(b"Asterisk Call Manager/11.0.0\r\n")
            for answer in answers:
                told.append((await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n"))
                writer.write(answer)
            await reader.read()
            writer.close()

        server = await asyncio.start_server(interface, "127.0.0.1", 0)
        async with server:
            there = port or server.sockets[0].getsockname()[1]
            settings = ManagerSettings(port=there, user="u", password="p", context="desk")
            try:
                await ManagedChannel(settings, channel).order(order)
            finally:
                await asyncio.sleep(0.01)
        return told

    return asyncio.run(scene())


def test_a_transfer_sends_the_callers_channel_to_an_extension():
    login, redirect = carried_out(Transfer("200"), SUCCESS, SUCCESS)
    assert login == ["Action: Login", "Username: u", "Secret: p", "Events: off"]
    there = ["Context: desk", "Exten: 200", "Priority: 1"]
    assert redirect == ["Action: Redirect", "Channel: pbx-1789.12", *there]


def test_the_dial_plan_is_told_what_a_transferred_call_was_about():
    summary = "A table for four.\r\nAction: Command"
    _, told, redirect = carried_out(Transfer("200", summary), SUCCESS, SUCCESS, SUCCESS)
    assert told[:3] == ["Action: Setvar", "Channel: pbx-1789.12", "Variable: __PARLEY_SUMMARY"]
    assert told[3:] == ["Value: A table for four. Action: Command"]
    assert redirect[0] == "Action: Redirect"


def test_keys_are_pressed_one_after_the_other():
    _, first, second = carried_out(SendDigits("4#"), SUCCESS, SUCCESS, SUCCESS)
    assert first == ["Action: PlayDTMF", "Channel: pbx-1789.12", "Digit: 4"]
    assert second[-1] == "Digit: #"


@mark.parametrize(
    ("order", "answers", "sentence"),
    [
        (Transfer("200"), [REFUSED], "expected Asterisk to do Login, found it refused"),
        (Transfer("200"), [SUCCESS, REFUSED], "expected Asterisk to do Redirect"),
        (Transfer("200"), [SUCCESS, b"x" * 70_000], "found none that answers"),
        (Transfer("200\r\nAction: Command"), [], "an extension such as 200"),
        (Transfer(""), [], "an extension such as 200"),
        (SendDigits("12x"), [], "expected keys 0-9"),
        (Hold(True), [], "can be held"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(order, answers, sentence):
    with raises(OrderRefused, match=sentence):
        carried_out(order, *answers)


def test_an_interface_that_is_not_there_is_a_sentence():
    with raises(OrderRefused, match=r"interface at 127\.0\.0\.1 port 9, found none"):
        carried_out(Transfer("200"), port=9)


@mark.parametrize("channel", ["", "a\r\nAction: Command", "x" * 200])
def test_what_is_no_channel_is_refused(channel):
    with raises(ProtocolError, match="a channel's name or id"):
        carried_out(Transfer("200"), channel=channel)


@mark.parametrize("settings", [{"port": -1}, {"password": "a\nb"}, {"context": "a b"}])
def test_settings_that_would_break_the_interfaces_lines_are_refused(settings):
    with raises(ValueError, match="expected"):
        ManagerSettings(**settings)
