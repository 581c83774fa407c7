"""The report as one HTML page that asks nothing of any network."""

from html import escape
from string import Template

from floorbench.call import far_end, sections, waterfall
from floorbench.call.elements import asset, policy
from floorbench.call.picture import picture, script_json
from floorbench.call.results import Results
from floorbench.call.wording import is_duplex, subtitle
from floorbench.recording import Recording


def page(results: Results, recording: Recording, sound: str) -> str:
    """The whole page; `sound` is where the recording is: a data URL, or a file beside the page."""
    script = asset("base.js", "call.js")
    title = results.call.agent or "a call"
    return Template(asset("call.html")).substitute(
        title=escape(title),
        subtitle=escape(subtitle(results)),
        policy=escape(policy(script)),
        style=asset("base.css", "call.css"),
        script=script,
        sound=escape(sound),
        data=script_json(picture(recording, results)),
        headlines=_headlines(results),
        notices=sections.notices(results),
        transcript=sections.transcript(results),
        waterfall=waterfall.rows(results),
        waterfall_legend=waterfall.legend(results),
        beat=far_end.beat(results),
        connection=far_end.connection(results),
        turns=sections.turns_table(results),
        interjections=sections.interjections_table(results),
    )


def _headlines(results: Results) -> str:
    """Of what the call has: turns, or the beat of a model that takes none."""
    if results.beat is not None and is_duplex(results):
        return far_end.headlines(results.beat, results.summary)
    return sections.headlines(results)
