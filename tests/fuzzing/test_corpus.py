"""What the fuzzer found and kept is taken or refused with a GbimbError."""

from __future__ import annotations

import gzip

import pytest

from tests.fuzzing.targets import CORPUS, TARGETS, try_bytes

KEPT = sorted(CORPUS.glob("*/*.gz"))


@pytest.mark.parametrize("target", TARGETS)
def test_bytes_that_were_kept_are_taken_or_refused(target: str) -> None:
    here = [path for path in KEPT if path.parent.name == target]
    assert here
    for path in here:
        try_bytes(target, gzip.decompress(path.read_bytes()))


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in KEPT) < 400_000
