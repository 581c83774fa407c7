"""`parley talk`: microphone and loudspeaker, or a WAV file in the caller's place."""

from dataclasses import dataclass
from pathlib import Path

from agent.commands.recorded import RECORDING, hold_and_show, report_on, run, say
from agent.config import Config
from agent.session import Ended, Ending
from agent.wiring import Agent, build
from audio_io.recording import recorded
from audio_io.wav import WavCall
from audio_io.wav_file import StereoWriter

RATE = 16_000
"""Rate of recordings, in Hz."""


@dataclass(frozen=True, slots=True)
class Devices:
    """Names or numbers of microphone and loudspeaker; None for the system's choice."""

    microphone: str | None
    loudspeaker: str | None


def talk(config: Config, devices: Devices, out: Path | None) -> int:
    """A conversation through the sound card; exit status."""
    from audio_io.mic import open_microphone

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with build(config) as agent:

        async def main() -> Ended:
            call = open_microphone(devices.microphone, devices.loudspeaker)
            say("Speak when you like; Ctrl-C hangs up.")
            if out is None:
                return await hold_and_show(agent, call, None)
            with StereoWriter(out / RECORDING, RATE) as recording:
                return await hold_and_show(agent, recorded(call, recording), out)

        ended = run(main(), fast=False)
    return _finish(ended, out)


def talk_wav(config: Config, wav: Path, out: Path | None, *, fast: bool) -> int:
    """A conversation with a WAV file; exit status."""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with build(config) as agent:
        ended = run(_talk_wav(agent, wav, out), fast=fast)
    return _finish(ended, out)


async def _talk_wav(agent: Agent, wav: Path, out: Path | None) -> Ended:
    if out is None:
        call = WavCall(wav, agent.pipeline.play_rate)
        return await _with_notice(agent, call, None)
    with StereoWriter(out / RECORDING, RATE) as recording:
        call = WavCall(wav, agent.pipeline.play_rate, recording=recording)
        return await _with_notice(agent, call, out)


async def _with_notice(agent: Agent, call: WavCall, out: Path | None) -> Ended:
    if call.notice:
        say(f"parley: {call.notice}")
    return await hold_and_show(agent, call, out)


def _finish(ended: Ended, out: Path | None) -> int:
    if out is not None:
        report_on(out, say)
    if ended.message:
        say(f"parley: {ended.message}")
    return 0 if ended.ending is Ending.HUNG_UP else 1
