"""The far side's sound of a call that we placed, until it is known who took it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import Trace
from agent.core.events import Reason, SpeechJudged
from pipelines.cascade.voicemail import Far, Voicemail, VoicemailSettings


class Screening:
    """Keeps the words of an answering machine from being answered, and says when it records.

    Args:
        settings: lengths.
        rate: of the sound, in Hz.
        tell: told that the present segment is nobody's.
        happened: told that the machine records.
        trace: where the verdict is written.
    """

    def __init__(
        self,
        settings: VoicemailSettings,
        rate: int,
        tell: Callable[[SpeechJudged], None],
        happened: Callable[[Reason], None],
        trace: Trace,
    ) -> None:
        self._voicemail = Voicemail(settings, rate)
        self._tell, self._happened, self._trace = tell, happened, trace

    def heard(self, frame: AudioFrame, segment: int) -> AudioFrame:
        """The frame as the ears shall have it: silent where a machine speaks.

        Args:
            frame: the far side's next sound.
            segment: the present or last one.
        """
        far = self._voicemail.take(frame.samples)
        if far is not None:
            self._trace("far", who=far.name.lower())
        if far in (Far.MACHINE, Far.RECORDS):
            self._tell(SpeechJudged(segment, 0.0, 0.0, "an answering machine"))
        if far is Far.RECORDS:
            self._happened(Reason.MACHINE)
        if self._voicemail.far in (Far.MACHINE, Far.RECORDS):
            return replace(frame, samples=np.zeros_like(frame.samples))
        return frame
