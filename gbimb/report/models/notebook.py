"""An evaluation as a cell of a notebook shows it."""

from __future__ import annotations

from html import escape
from typing import Any, Final

TEMPLATE: Final = """<div style="max-width: 46rem">
{sentences}
<table>
<thead><tr><th style="text-align: left">score</th><th>value</th><th>95 % interval</th></tr></thead>
<tbody>
{scores}
</tbody>
</table>
{checks}
{page}
</div>"""


def fragment(facts: dict[str, Any], page: str | None) -> str:
    """Return verdict, scores and warnings as HTML, and the whole report to unfold.

    Parameters
    ----------
    facts : dict
    page : str or None
        The report, which stays inside a frame of its own, with its styles and script.
    """
    sentences = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in facts["verdict"])
    found = [c for c in facts["checks"] if c["severity"] in ("problem", "warning")]
    checks = "\n".join(f"<li>{c['code']} {c['severity']}: {escape(c['text'])}</li>" for c in found)
    return TEMPLATE.format(
        sentences=sentences,
        scores="\n".join(map(_row, facts["scores"])),
        checks=f"<ul>\n{checks}\n</ul>" if found else "",
        page="" if page is None else _folded(page),
    )


def _row(score: dict[str, Any]) -> str:
    ends = "" if score["low"] is None else f"{score['low']:z.3f} to {score['high']:z.3f}"
    return (
        f'<tr><td style="text-align: left">{escape(score["label"])}</td>'
        f"<td>{score['value']:z.3f}</td><td>{ends}</td></tr>"
    )


def _folded(page: str) -> str:
    return (
        "<details><summary>The whole report</summary>\n"
        f'<iframe srcdoc="{escape(page)}" title="Report of the evaluation" '
        'style="width: 100%; height: 40rem; border: 1px solid #999"></iframe>\n</details>'
    )
