"""How much memory a fit may take, and a refusal before it takes more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.validation import check_number

UNITS: Final = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
}


@dataclass(frozen=True)
class MemoryBudget:
    """Bytes that may be taken beyond what the process holds already; None for any number."""

    limit: int | None

    @classmethod
    def parse(cls, max_memory: float | str | None) -> MemoryBudget:
        """Read a number of bytes or a text such as "2GB" or "1.5 GiB".

        >>> MemoryBudget.parse("2GB").limit
        2000000000
        """
        if max_memory is None:
            return cls(None)
        if not isinstance(max_memory, str):
            return cls(int(check_number("max_memory", max_memory, low=1, high_open=True)))
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", max_memory)
        if found is None or found[2].upper() not in UNITS:
            msg = (
                "max_memory must be a number of bytes or a text such as '2GB' or '1.5GiB', got "
                f"{max_memory!r}."
            )
            raise InvalidParameterError(msg)
        return cls(int(float(found[1]) * UNITS[found[2].upper()]))

    def check(self, estimate: int, what: str, advice: str) -> None:
        """Raise if ``what`` is estimated to take more bytes than allowed."""
        if self.limit is not None and estimate > self.limit:
            msg = (
                f"{what} would take about {readable(estimate)}, more than "
                f"max_memory={readable(self.limit)}. {advice}"
            )
            raise InvalidDataError(msg)


def readable(n_bytes: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> readable(2_340_000_000)
    '2.3 GB'
    """
    for unit in ("GB", "MB", "kB"):
        size = UNITS[unit.upper()]
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} B"


def available_bytes() -> int | None:
    """Return the memory that this process may still take; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration, ValueError):
        return None
    group = Path("/sys/fs/cgroup")
    try:  # a container's own limit
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        free = min(free, limit - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass
    return free


def check_room(estimate: int, what: str) -> None:
    """Raise if ``what`` is estimated to take more bytes than are free."""
    free = available_bytes()
    if free is not None and estimate > free:
        msg = (
            f"{what} would take about {readable(estimate)}, more than the {readable(free)} of "
            "memory that are free. Give fewer columns, a ParquetSource or float32, or undersample "
            "with UnderBaggingClassifier."
        )
        raise InvalidDataError(msg)
