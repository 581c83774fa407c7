"""The report as one HTML page that asks nothing of any network."""

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template

from floorbench.call import sections, waterfall
from floorbench.call.picture import picture, script_json
from floorbench.call.results import Results
from floorbench.call.wording import subtitle
from floorbench.recording import Recording


def page(results: Results, recording: Recording, sound: str) -> str:
    """The whole page; `sound` is where the recording is: a data URL, or a file beside the page."""
    script = _asset("call.js")
    title = results.call.agent or "a call"
    return Template(_asset("call.html")).substitute(
        title=escape(title),
        subtitle=escape(subtitle(results)),
        policy=escape(_policy(script)),
        style=_asset("call.css"),
        script=script,
        sound=escape(sound),
        data=script_json(picture(recording, results)),
        headlines=sections.headlines(results),
        notices=sections.notices(results),
        transcript=sections.transcript(results),
        waterfall=waterfall.rows(results),
        waterfall_legend=waterfall.legend(),
        turns=sections.turns_table(results),
        interjections=sections.interjections_table(results),
    )


def _asset(name: str) -> str:
    return files("floorbench.call").joinpath("web", name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Only our own script runs, and nothing is fetched, whatever words the page quotes."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "media-src 'self' data: blob: file:; base-uri 'none'; form-action 'none'"
    )
