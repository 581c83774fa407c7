"""The command line. Each command imports what it needs, so that `parley --help` is quick."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import ConfigError, ParleyError

if TYPE_CHECKING:
    from agent.config import Config

WRONG_USE = 2
"""Exit status when the person has to change something: a setting, a file, a device."""
_LONGEST_S = 600
"""Nobody lets a telephone ring for longer; and infinity is no time to wait for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ParleyError as fault:
        print(f"parley: {fault}", file=sys.stderr)
        return WRONG_USE
    except OSError as fault:
        if fault.filename is None:
            raise  # that is a fault of ours
        found = fault.strerror or type(fault).__name__
        print(f"parley: {fault.filename}: cannot be used: {found}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parley", description="A real-time voice agent that listens while it speaks."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = _command(commands, "demo", _demo, "hear a recorded caller talk to the agent")
    _add_config(demo)
    demo.add_argument("--script", type=Path, help="the caller's script (default: parley's own)")
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results")
    demo.add_argument("--fast", action="store_true", help="in virtual time: the clock jumps")

    talk = _command(commands, "talk", _talk, "talk to the agent through microphone and loudspeaker")
    _add_config(talk)
    talk.add_argument("--wav", type=Path, help="a WAV file instead of the microphone")
    talk.add_argument("--fast", action="store_true", help="with --wav: in virtual time")
    talk.add_argument("--out", type=Path, help="folder for recording, trace and report")
    talk.add_argument("--input", help="name or number of the microphone")
    talk.add_argument("--output", help="name or number of the loudspeaker")

    serve = _command(
        commands, "serve", _serve, "answer calls from browsers, programs and telephones"
    )
    _add_config(serve)
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8080)")
    serve.add_argument("--out", type=Path, help="folder for recordings and traces of all calls")

    _add_call(commands)

    replay = _command(commands, "replay", _replay, "decide a recorded call once more and compare")
    replay.add_argument("trace", type=Path, help="a trace.jsonl")
    replay.add_argument("--why", action="store_true", help="say what each decision rested on")
    replay.add_argument("--set", action="append", default=[], metavar="turns.KEY=VALUE",
                        help="try other settings than those of the call")  # fmt: skip

    report = _command(commands, "report", _report, "figures and a picture of a recorded call")
    report.add_argument("folder", type=Path, help="a folder with call.wav and trace.jsonl")

    _add_bench(_command(commands, "bench", _bench, "measure who holds the floor, by ear"))
    _add_models(commands)
    _command(commands, "doctor", _doctor, "what works here, what is missing, and how to mend it")
    worker = _command(commands, "duplex-worker", _duplex_worker, "run a duplex model for servers")
    worker.add_argument("file", nargs="?", type=Path, help="TOML with [model] and [worker]")
    _add_set(worker)
    return parser


def _add_call(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    call = _command(commands, "call", _call, "call a telephone by SIP, and talk")
    call.add_argument("to", help="such as sip:100@host")
    call.add_argument("--config", default="offline", help="a TOML file, a name, or auto")
    _add_set(call)
    call.add_argument("--out", type=Path, help="folder for recording, trace and report")
    call.add_argument("--ring", type=_seconds, default=45.0, help="seconds to let it ring")


def _add_models(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "what configurations need, and fetching it"
    models = commands.add_parser("models", help=about, description=f"{about.capitalize()}.")
    more = models.add_subparsers(title="commands", metavar="COMMAND", required=True)
    every = _command(more, "list", _models_list, "what is needed, and whether it is here")
    every.add_argument("configs", nargs="*", metavar="CONFIG", help="default: all of parley's own")
    pull = _command(more, "pull", _models_pull, "fetch what a configuration needs")
    pull.add_argument("config", metavar="CONFIG", help="a TOML file, or a name such as cascade")
    _add_set(pull)
    check = _command(more, "check", _models_check, "load it, and let it speak and hear a sentence")
    _add_config(check)


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.add_argument("--target", default="offline",
                       help="a configuration, ws://…, sip:… (docs/benchmark.md)")  # fmt: skip
    bench.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE",
                       help="change one setting of a configuration")  # fmt: skip
    bench.add_argument("--out", type=Path, default=Path("out/bench"), help="an empty folder")
    bench.add_argument("--scenarios", help="such as S1,S3,S4 (default: all)")
    bench.add_argument("--quick", action="store_true", help="a small set, under a minute")
    bench.add_argument("--virtual", action="store_true", help="in virtual time, where it can be")
    bench.add_argument("--speech", type=Path, help="folder of recorded people with manifest.jsonl")
    bench.add_argument("--seed", type=int, default=1, help="of everything left to chance")
    bench.add_argument("--at-once", type=int, default=2, help="sessions at the same time")
    bench.add_argument("--recording", type=Path, help="score somebody else's stereo WAV instead")
    bench.add_argument("--events", type=Path, help="with --recording: what happened in it")
    bench.add_argument("--max", action="append", default=[], metavar="FIGURE=BOUND",
                       help="fail above it, such as gap.p95=900ms")  # fmt: skip
    bench.add_argument("--min", action="append", default=[], metavar="FIGURE=BOUND",
                       help="fail below it, such as joint=0.85")  # fmt: skip
    bench.add_argument("--self-test", action="store_true", help="is the measurement right here?")
    more = bench.add_subparsers(title="more", metavar="")
    compare = _command(more, "compare", _bench_compare, "two runs side by side")
    compare.add_argument("a", type=Path, help="results.json, or its folder")
    compare.add_argument("b", type=Path, help="results.json, or its folder")
    compare.add_argument("--out", type=Path, help="a folder for the page of b")
    sweep = _command(more, "sweep", _bench_sweep, "what other settings would have decided")
    sweep.add_argument("traces", type=Path, nargs="+", help="traces, or folders of calls")
    sweep.add_argument("--out", type=Path, help="a folder for the page")
    sweep.add_argument("--set", required=True, help="such as turns.pause_max_s=0.4..2.0")
    runtime = _command(more, "runtime", _bench_runtime, "what parley itself costs, in a table")
    runtime.add_argument("--out", type=Path, default=Path("out/runtime"), help="a folder")


def _seconds(text: str) -> float:
    """A length of time from the command line; argparse makes a sentence of a ValueError."""
    if not 0 < (length_s := float(text)) <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"expected 0 to {_LONGEST_S} seconds, found {text}")
    return length_s


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    parser.set_defaults(command=run)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    about = "a TOML file, a name such as offline, or auto: the best of what is here"
    # Two ways to say it; where the place is left empty it must not undo what the option said.
    parser.add_argument(
        "config", nargs="?", metavar="CONFIG", default=argparse.SUPPRESS, help=about
    )
    parser.add_argument("--config", default="offline", help="the same, by name (default: offline)")
    _add_set(parser)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE",
                        help="change one setting")  # fmt: skip


# --- the commands ---------------------------------------------------------------------------------


def _config(options: argparse.Namespace, more: Sequence[str] = ()) -> "Config":
    """The configuration that was asked for; `auto` says what it took."""
    from agent.config import load

    changes = [*options.set, *more]
    if options.config != "auto":
        return load(options.config, changes)
    from agent.auto import configured
    from agent.commands.choice import told

    config, choice = configured(changes)
    print("\n".join(told(choice)))
    return config


def _demo(options: argparse.Namespace) -> int:
    from agent.commands.demo import demo
    from agent.config import shipped

    script = options.script or shipped("demo/script.toml")
    return demo(_config(options), script, options.out, fast=options.fast)


def _talk(options: argparse.Namespace) -> int:
    from agent.commands.talk import Devices, talk, talk_wav

    config = _config(options)
    if options.wav is not None:
        return talk_wav(config, options.wav, options.out, fast=options.fast)
    return talk(config, Devices(options.input, options.output), options.out)


def _serve(options: argparse.Namespace) -> int:
    from agent.commands.serve import serve

    changes = [f"server.host={options.host}"] if options.host else []
    changes += [f"server.port={options.port}"] if options.port else []
    return serve(_config(options, changes), options.out)


def _call(options: argparse.Namespace) -> int:
    from audio_io.sip.extra import need_sip

    need_sip()
    from agent.commands.call import call

    return call(_config(options), options.to, options.out, options.ring)


def _duplex_worker(options: argparse.Namespace) -> int:
    from agent.commands.duplex_worker import duplex_worker

    return duplex_worker(options.file, options.set)


def _replay(options: argparse.Namespace) -> int:
    from agent.commands.replay import replay, why

    if options.why:
        return why(options.trace)
    return replay(options.trace, options.set)


def _report(options: argparse.Namespace) -> int:
    from agent.commands.report import report

    return report(options.folder)


def _bench(options: argparse.Namespace) -> int:
    from agent.commands.bench import bench

    return bench(options)


def _without_limits(options: argparse.Namespace) -> None:
    """Limits that nobody looks at would pass."""
    if options.max or options.min:
        raise ConfigError(
            "--max, --min: expected them with a measurement, found compare, sweep or runtime; "
            "these have no limits, leave them out"
        )


def _bench_compare(options: argparse.Namespace) -> int:
    from agent.commands.bench import bench_compare

    _without_limits(options)
    return bench_compare(options)


def _bench_sweep(options: argparse.Namespace) -> int:
    from agent.commands.bench import bench_sweep

    _without_limits(options)
    return bench_sweep(options)


def _bench_runtime(options: argparse.Namespace) -> int:
    from agent.commands.bench import bench_runtime

    _without_limits(options)
    return bench_runtime(options)


def _models_list(options: argparse.Namespace) -> int:
    from agent.commands.models import models_list

    return models_list(options.configs)


def _models_pull(options: argparse.Namespace) -> int:
    from agent.commands.models import models_pull

    return models_pull(options.config, options.set)


def _models_check(options: argparse.Namespace) -> int:
    from agent.commands.models import models_check

    return models_check(_config(options))


def _doctor(options: argparse.Namespace) -> int:
    del options
    from agent.commands.doctor import doctor
    from agent.config import load

    return doctor(load("offline"))


if __name__ == "__main__":
    sys.exit(main())
