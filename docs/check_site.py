"""Check the built site: links lead somewhere, nothing comes from elsewhere, no name is missing.

Run by ``make docs``, after Sphinx.
"""

from __future__ import annotations

import importlib.util
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import gbimb

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
NOT_FETCHED = {"author", "canonical", "index", "next", "prev", "search"}  # of <link rel=...>


class Page(HTMLParser):
    """The anchors of a page, where it leads, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of one element."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if FETCHED.get(tag) in found and found.get("rel") not in NOT_FETCHED:
            self.loads.append(found[FETCHED[tag]])


def complaints(site: Path) -> list[str]:
    """Return what is wrong with the links and files of a site."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    wrong = []
    for path, page in pages.items():
        name = path.relative_to(site)
        wrong += [f"{name} loads {link}." for link in page.loads if urlsplit(link).netloc]
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                wrong.append(f"{name} links to {link}, which is not there.")
            elif parts.fragment and target in pages:
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].anchors:
                    wrong.append(f"{name} links to {link}, a place that is not there.")
    wrong += [
        f"{path.relative_to(site)} refers to a host."
        for path in site.rglob("*.css")
        if "url(http" in path.read_text(encoding="utf-8").replace('"', "").replace("'", "")
    ]
    return wrong + missing_names({anchor for page in pages.values() for anchor in page.anchors})


def missing_names(anchors: set[str]) -> list[str]:
    """Return the public names that no page documents, here or where they are defined."""
    modules = [name for name in gbimb.__all__ if importlib.util.find_spec(f"gbimb.{name}")]
    public = {("gbimb", name) for name in gbimb.__all__ if name not in modules}
    for module in modules:
        names = importlib.import_module(f"gbimb.{module}").__all__
        public |= {(f"gbimb.{module}", name) for name in names}
    known = {
        anchor.rpartition(".")[2]
        for anchor in anchors
        if anchor.startswith(("gbimb.", "module-gbimb."))
    }
    return [
        f"{module}.{name} is on no page: add {module} to docs/api.md."
        for module, name in sorted(public)
        if name not in known and not name.startswith("__")
    ]


if __name__ == "__main__":
    found = complaints(Path(sys.argv[1]))
    sys.exit("\n".join(found) if found else 0)
