"""A trace for the eyes: captions on a terminal while the call goes on."""

from collections.abc import Callable

from agent.core.calls import Json

_WIDTH = 96


class Captions:
    """Prints who says what as it happens; called like a trace, and given a trace's lines."""

    def __init__(self, clock: Callable[[], float], show: Callable[[str], None]) -> None:
        """`clock` is loop time, and now is zero; `show` prints one line."""
        self._clock, self._show, self._zero = clock, show, clock()
        self._said: dict[Json, list[str]] = {}
        self._audible: Json = None

    def __call__(self, event: str, /, **fields: Json) -> None:
        """One line of the trace; most are not for the eyes."""
        match event:
            case "told":
                self._told(fields)
            case "asked":
                self._asked(fields)
            case "said":
                self._said.setdefault(fields["reply"], []).append(str(fields["text"]))
                if fields["reply"] == self._audible:
                    self._line("", str(fields["text"]))
            case "heard" if "utterance" in fields:  # of a duplex model
                self._line("agent", str(fields["text"]))
            case "heard" if fields["cut"]:
                self._line("", f"  ... cut short, heard: “{fields['text']}”")
            case "tool":
                self._line("", f"  [{fields['name']} {fields['arguments'] or ''}".rstrip() + "]")
            case "error":
                self._line("error", str(fields["message"]))

    def _told(self, fields: dict[str, Json]) -> None:
        match fields["what"]:
            case "Transcript" if fields["final"] and fields["stable"]:
                self._line("caller", str(fields["stable"]))
            case "ReplyAudible":
                self._audible = fields["reply"]
                self._line("agent", " ".join(self._said.get(self._audible, [])))
            case "Digit":
                self._line("caller", f"[key {fields['digit']}]")

    def _asked(self, fields: dict[str, Json]) -> None:
        match fields["what"]:
            case "DuckReply":
                self._line("", "  (caller speaks over the agent: quieter)")
            case "ResumeReply":
                self._line("", "  (not an interruption: the agent goes on)")

    def _line(self, who: str, text: str) -> None:
        t = self._clock() - self._zero
        # Half a character, as JSON from outside may hold it, is none that a terminal can write.
        whole = text.encode("utf-8", "backslashreplace").decode()
        self._show(f"{t:7.2f}  {who:<7} {whole}"[:_WIDTH] if text else "")
