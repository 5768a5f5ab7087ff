"""Text of others, such as names of columns, for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Replace control characters, which could move the cursor, by their escapes.

    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
