"""The bytes of a CSV file: unpacked, looked through once, and the encoding that they are in."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from gbimb.exceptions import InvalidDataError, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

OPENED: Final[dict[str, Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
BLOCK: Final = 1 << 20
UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
GUESS: Final = "cp1252"
"""Of what is not UTF-8, as spreadsheets and databases of Western Europe and America write it."""
SEVERAL_BYTES: Final = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}")
WORD: Final = re.compile(rb'[^\s,;|"]*[\x80-\xff][^\s,;|"]*')
BEFORE_CODES: Final = np.isin(np.arange(256), np.frombuffer(b",;\t|\n\r\"' ", np.uint8))
DIGITS: Final = np.isin(np.arange(256), np.frombuffer(b"0123456789", np.uint8))


@dataclass(frozen=True)
class Scan:
    """What a look at all bytes of a file says.

    Attributes
    ----------
    encoding : str
        "utf-8", "utf-16", or a guess.
    example : str
        A word that is read otherwise if the guess is wrong; "" if it is none.
    leading_zeros : bool
        Whether a cell may begin with a zero and a digit.
    """

    encoding: str
    example: str
    leading_zeros: bool


def find_encoding(path: Path) -> str:
    """Return the encoding of a text, with a warning where it is a guess.

    Raises
    ------
    InvalidDataError
        If it is neither UTF-8, UTF-16 with its mark nor Windows-1252.
    """
    scan = _scan(path)
    if scan.example:
        warn(
            f"{path.name!r} is not UTF-8 text and was read as Windows-1252 (Western European), "
            f"such as {scan.example!r}. If that is wrong, give its encoding."
        )
    return scan.encoding


def may_have_leading_zeros(path: Path) -> bool:
    """Whether a cell may begin with a zero and another digit."""
    return _scan(path).leading_zeros


def _scan(path: Path) -> Scan:
    state = path.stat()
    return _scan_once(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _scan_once(path: Path, _size: int, _changed: int) -> Scan:
    """Return what a file holds; its size and time say when to look again."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    zeros, tail = False, b"\n"
    bad: bytes | None = None
    with opened(path) as stream:
        block = stream.read(BLOCK)
        if block.startswith(UTF_16):
            return Scan("utf-16", "", leading_zeros=True)
        while block:
            zeros = zeros or _has_leading_zero(tail + block)
            if bad is None:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    bad = tail + block
            tail = block[-2:]
            block = stream.read(BLOCK)
    if bad is None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            bad = tail
    if bad is None:
        return Scan("utf-8", "", zeros)
    return Scan(GUESS, _guessed(path, bad), zeros)


def _guessed(path: Path, block: bytes) -> str:
    """Return a word of bytes that are not UTF-8, as Windows-1252 has it."""
    if b"\0" in block:
        raise not_text(path)
    right = sum(map(len, SEVERAL_BYTES.findall(block)))
    high = int((np.frombuffer(block, np.uint8) >= 0x80).sum())
    if 2 * right > high:
        msg = (
            f"{path.name!r} is UTF-8 text in which some bytes are damaged. Correct them, or give "
            "its encoding if it is another."
        )
        raise InvalidDataError(msg)
    found = WORD.search(block)
    try:
        block.decode(GUESS)
        return found[0].decode(GUESS)[:40] if found else "?"
    except UnicodeDecodeError:
        msg = (
            f"{path.name!r} is neither UTF-8 nor Windows-1252 text. Give its encoding, such as "
            "cp1251 or shift_jis, or save it as UTF-8."
        )
        raise InvalidDataError(msg) from None


def _has_leading_zero(block: bytes) -> bool:
    values: NDArray[np.uint8] = np.frombuffer(block, np.uint8)
    at = np.flatnonzero(values[1:-1] == ord("0")) + 1
    return bool((BEFORE_CODES[values[at - 1]] & DIGITS[values[at + 1]]).any())


def not_text(path: Path) -> InvalidDataError:
    """Return the error for a file with NUL bytes, which no UTF-8 text has and pandas drops."""
    msg = f"{path.name!r} is not UTF-8 text, for it holds NUL bytes. Save it as UTF-8, or Parquet."
    return InvalidDataError(msg)


class _Checked(io.RawIOBase):
    """The bytes of a file, in which a NUL is an error unless the encoding has some."""

    def __init__(self, stream: Any, path: Path, encoding: str) -> None:  # any binary file
        self._stream, self._path = stream, path
        self._has_nul = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._stream.read(len(view))
        if not self._has_nul and b"\0" in piece:
            raise not_text(self._path)
        view[: len(piece)] = piece
        return len(piece)


@contextmanager
def csv_stream(path: Path, encoding: str = "utf-8") -> Iterator[Any]:
    """Open a file for pandas, unpacked and checked."""
    with (
        opened(path) as stream,
        io.BufferedReader(_Checked(stream, path, encoding), 1 << 18) as checked,
    ):
        yield checked


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file, unpacked as its name says."""
    ending = path.suffix.lower()
    if ending == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield stream
    elif ending == ".zip":
        with zipfile.ZipFile(path) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1:
                msg = f"{path.name!r} must hold one file, got {len(files)}. Pack the CSV alone."
                raise InvalidDataError(msg)
            with archive.open(files[0]) as stream:
                yield stream
    else:
        with OPENED.get(ending, open)(path, "rb") as stream:
            yield stream
