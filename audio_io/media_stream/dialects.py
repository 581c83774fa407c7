"""Every dialect of media streams there is, by the name of who speaks it."""

from types import MappingProxyType

from audio_io.media_stream.binary import AUDIO_FORK, AUDIO_STREAM, JAMBONZ, VONAGE
from audio_io.media_stream.json import EXOTEL, PLIVO, SIGNALWIRE, TELNYX, TWILIO

DIALECTS = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            *(TWILIO, SIGNALWIRE, TELNYX, PLIVO, EXOTEL),
            *(JAMBONZ, VONAGE, AUDIO_FORK, AUDIO_STREAM),
        )
    }
)
