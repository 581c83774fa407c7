"""Pieces of HTML that the reports share, and what makes a page ask nothing of any network."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from importlib.resources import files


def asset(*names: str) -> str:
    """Files of `web`, one after the other."""
    return read_assets("floorbench.call", names)


def read_assets(package: str, names: Iterable[str]) -> str:
    """Files of a package's `web`, one after the other."""
    web = files(package).joinpath("web")
    return "\n".join(web.joinpath(name).read_text(encoding="utf-8") for name in names)


def policy(script: str) -> str:
    """Only our own script runs, and nothing is fetched, whatever words the page quotes."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "media-src 'self' data: blob: file:; base-uri 'none'; form-action 'none'"
    )


def card(figure: str, label: str, detail: str, extra: str = "") -> str:
    """A headline; `extra` is HTML between the label and the detail."""
    return (
        f'<div class="card"><p class="figure">{escape(figure)}</p><p class="label">'
        f'{escape(label)}</p>{extra}<p class="detail">{escape(detail)}</p></div>'
    )


def table(head: Iterable[str], body: Iterable[tuple[str, ...]], nothing: str) -> str:
    """Cells are HTML; `nothing` is said when there is no row."""
    rows = list(body)
    if not rows:
        return f'<p class="none">{nothing}</p>'
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return (
        f"<table><thead><tr>{top}</tr></thead><tbody>"
        f"{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


def cautions(sentences: Iterable[str], heading: str = "To keep in mind") -> str:
    """A section of warnings; nothing where there are none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    if not items:
        return ""
    return f'<section class="notices"><h2>{escape(heading)}</h2><ul>{items}</ul></section>'
