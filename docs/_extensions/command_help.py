"""A directive that shows what ``--help`` prints, for every command there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from docutils import nodes
from docutils.parsers.rst import Directive
from typer.testing import CliRunner

from gbimb.cli import app as commands

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class CommandHelp(Directive):
    """A section for each command of gbimb."""

    def run(self) -> list[nodes.Node]:
        """Ask each command for its help."""
        sections: list[nodes.Node] = []
        for name in typer.main.get_command(commands).commands:  # type: ignore[attr-defined]
            title = f"gbimb {name}"
            section = nodes.section(ids=[nodes.make_id(title)], names=[title])
            section += nodes.title(title, "", nodes.literal(title, title))
            answer = CliRunner().invoke(commands, [name, "--help"], env={"COLUMNS": "90"})
            section += nodes.literal_block(answer.output, answer.output.strip(), language="text")
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
