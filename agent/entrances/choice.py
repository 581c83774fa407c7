"""Which entrances a configuration opens: the only module that knows them all.

Each is imported when it is asked for, so that a missing extra is one clear sentence.
"""

from agent.config import Config
from agent.entrances.entrance import Entrance
from agent.entrances.websocket import WebSocketEntrance
from agent.switchboard import Switchboard

# ruff: noqa: PLC0415


def entrances(config: Config, switchboard: Switchboard) -> list[Entrance]:
    """The ways in that this configuration opens: browsers always, the others by their tables.

    Raises:
        ConfigError: a setting of one of them is wrong.
        DeviceError: a package that one of them needs is missing.
    """
    return [
        WebSocketEntrance(switchboard),
        _webrtc(config, switchboard),
        *_telephones(config, switchboard),
        *_moshi(config, switchboard),
    ]


def _webrtc(config: Config, switchboard: Switchboard) -> Entrance:
    from agent.entrances.webrtc import WebRtcEntrance
    from audio_io.webrtc.settings import WebRtcSettings

    return WebRtcEntrance(switchboard, config.section(WebRtcSettings, "webrtc"))


def _telephones(config: Config, switchboard: Switchboard) -> list[Entrance]:
    found: list[Entrance] = []
    if "audiosocket" in config.tables:
        from agent.entrances.audiosocket import AudioSocketEntrance, AudioSocketSettings

        dial_in = config.section(AudioSocketSettings, "audiosocket")
        found.append(AudioSocketEntrance(switchboard, dial_in))
    if "asterisk" in config.tables:
        from agent.entrances.asterisk import AsteriskEntrance, AsteriskSettings

        found.append(AsteriskEntrance(switchboard, config.section(AsteriskSettings, "asterisk")))
    if "media_stream" in config.tables:
        from agent.entrances.media_stream import MediaStreamEntrance
        from agent.entrances.media_stream_settings import MediaStreamSettings

        media = config.section(MediaStreamSettings, "media_stream")
        found.append(MediaStreamEntrance(switchboard, media))
    if "sip" in config.tables:
        from audio_io.sip.extra import need_sip

        need_sip()
        from agent.entrances.sip import SipEntrance
        from audio_io.sip.settings import SipSettings

        found.append(SipEntrance(switchboard, config.section(SipSettings, "sip")))
    return found


def _moshi(config: Config, switchboard: Switchboard) -> list[Entrance]:
    if "moshi" not in config.tables:
        return []
    from agent.entrances.moshi import MoshiEntrance, MoshiSettings

    return [MoshiEntrance(switchboard, config.section(MoshiSettings, "moshi"))]
