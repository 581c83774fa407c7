"""The cascade in the middle of a call: what both said before it, and what it begins with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.core.audio import AudioFrame
from agent.core.calls import Trace
from agent.core.protocols import Message, Role
from audio_io.resample import at_rates, resampled
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.recall import Stretch, stretches, with_words
from pipelines.duplex.continued import TROUBLE, Continued, Heard
from pipelines.duplex.line import Rest

SPEAKING_S = 0.5
"""Who was heard so lately may be in the middle of a sentence, which ends in the cascade's ears."""


@dataclass(frozen=True, slots=True)
class CascadeSuccessor:
    """The cascade where another pipeline had to stop."""

    cascade: CascadePipeline

    async def take_over(self, rest: Rest, trace: Trace, heard: Sequence[Heard]) -> None:
        """As a call of its own, but that it knows what was said and does not greet again.

        The caller's last sound is recognised first, which takes a moment at most. What they said
        after the agent's last word is answered; where there was no time for it, they are told of
        the trouble. A sentence that may still go on is heard by the cascade from its first word.
        """
        pipeline = self.cascade
        history = [h.message for h in heard]
        sound = _at(rest.recent, pipeline.rate)
        found = await stretches(sound, pipeline)
        if found and sound.end - found[-1].end < SPEAKING_S * sound.rate:
            live = found.pop().start
        else:
            live = sound.end
        expected = pipeline.engines.responder.expects(history)
        found = await with_words(sound, found, pipeline, expected, trace)
        said = [_placed(one, sound, rest.recent_until) for one in found if one.text]
        if not expected.sensitive:
            for one in said:
                trace("recalled", text=one.message.text)
        rest.again_from(live * rest.rate // sound.rate)
        if heard or said:
            responder = _continued(pipeline, [*heard, *said])
            pipeline = replace(pipeline, engines=replace(pipeline.engines, responder=responder))
        await pipeline.converse(at_rates(rest, pipeline.rate, pipeline.play_rate), trace)


def _at(sound: AudioFrame, rate: int) -> AudioFrame:
    return AudioFrame(resampled(sound.samples, sound.rate, rate), rate, 0)


def _placed(one: Stretch, sound: AudioFrame, until_s: float) -> Heard:
    """What the caller said, with its times."""
    start_s, end_s = (until_s - (sound.end - at) / sound.rate for at in (one.start, one.end))
    return Heard(Message(Role.CALLER, one.text), start_s, end_s)


def _continued(pipeline: CascadePipeline, both: Sequence[Heard]) -> Continued:
    """The responder after all of this; the caller's last words are to be answered."""
    messages = list[Message]()
    for one in sorted(both, key=lambda one: one.end_s):
        last = messages[-1] if messages else None
        if last is not None and last.role is one.message.role is Role.CALLER:
            messages[-1] = Message(Role.CALLER, f"{last.text} {one.message.text}")
        else:
            messages.append(one.message)
    asked = messages.pop() if messages[-1].role is Role.CALLER else TROUBLE
    return Continued(pipeline.engines.responder, tuple(messages), asked)
