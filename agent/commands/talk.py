"""`parley talk`: microphone and loudspeaker, or a WAV file in the caller's place."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agent.commands.recorded import (
    hangs_up_here,
    hold_and_show,
    open_recording,
    report_on,
    run,
    say,
)
from agent.config import Config
from agent.core.calls import Call
from agent.session import Ended, Ending
from agent.wiring import Agent, build
from audio_io.mic import open_microphone
from audio_io.recording import recorded
from audio_io.wav import WavCall
from audio_io.wav_file import StereoWriter, read_wav


@dataclass(frozen=True, slots=True)
class Devices:
    """Names or numbers of microphone and loudspeaker; None for the system's choice."""

    microphone: str | None
    loudspeaker: str | None


def talk(config: Config, devices: Devices, out: Path | None) -> int:
    """A conversation through the sound card; exit status."""
    with hangs_up_here(out), ExitStack() as stack:
        recording = stack.enter_context(open_recording(out)) if out is not None else None
        agent = stack.enter_context(build(config))
        ended = run(_talk(agent, devices, recording, out), fast=False)
    return _finish(ended, out)


async def _talk(
    agent: Agent, devices: Devices, recording: StereoWriter | None, out: Path | None
) -> Ended:
    call: Call = open_microphone(devices.microphone, devices.loudspeaker)
    say("Speak when you like; Ctrl-C hangs up.")
    if recording is not None:
        call = recorded(call, recording)
    return await hold_and_show(agent, call, out, open_air=True)


def talk_wav(config: Config, wav: Path, out: Path | None, *, fast: bool) -> int:
    """A conversation with a WAV file; exit status."""
    notice = read_wav(wav).notice  # a bad file is told before engines are loaded
    if notice:
        say(f"parley: {notice}")
    with hangs_up_here(out), ExitStack() as stack:
        recording = stack.enter_context(open_recording(out)) if out is not None else None
        agent = stack.enter_context(build(config))
        call = WavCall(wav, agent.pipeline.play_rate, recording=recording)
        ended = run(hold_and_show(agent, call, out), fast=fast)
    return _finish(ended, out)


def _finish(ended: Ended, out: Path | None) -> int:
    if out is not None:
        report_on(out)
    if ended.message:
        say(f"parley: {ended.message}")
    return 0 if ended.ending is Ending.HUNG_UP else 1
