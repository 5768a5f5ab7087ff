"""The process in which libFuzzer runs: readers are instrumented before anything imports them."""

from __future__ import annotations

import sys

import atheris

# Only these: what Numba compiles does not bear the counters.
WATCHED = ["gbimb.model", "gbimb.tables", "zipfile"]

with atheris.instrument_imports(include=WATCHED):
    import gbimb.tables.files.read  # noqa: F401  loading it here is what counts it
    from tests.fuzzing.targets import mutate_member, try_bytes


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    if seed % 4 == 0:
        return bytes(data[:2]) + bytes(atheris.Mutate(data[2:], max(1, max_size - 2)))
    return mutate_member(data, max_size, seed)


def main(target: str, options: list[str]) -> None:
    """Run libFuzzer, with which the process ends."""
    more = {"custom_mutator": _mutate} if target == "members" else {}
    atheris.Setup([sys.argv[0], *options], lambda data: try_bytes(target, data), **more)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
