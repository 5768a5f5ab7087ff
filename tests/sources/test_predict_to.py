"""Predictions written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.tables.parquet import paths as _files
from tests.sources.tables import Estimator, both, features, quick, table, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def source(tmp_path: Path) -> gbimb.ParquetSource:
    frame = table()
    frame["key"] = pd.date_range("2020", periods=len(frame), freq="h")
    return gbimb.ParquetSource(
        write(frame, tmp_path / "in", files=3), "target", features=features(table(1))
    )


@both
@pytest.mark.parametrize("classes", [2, 3])
def test_the_file_holds_what_the_estimator_returns(
    kind: type[Estimator], classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "ROWS_AT_ONCE", 100)
    folder = write(table(classes=classes), tmp_path / "in", files=3)
    source = gbimb.ParquetSource(folder, "target", features=features(table(1)))
    clf = quick(kind).fit(source)
    out = tmp_path / "out.parquet"
    clf.predict_to(source, out, columns=["text", "category", "whole"])
    found = pd.read_parquet(out)
    names = [f"proba_{label}" for label in clf.classes_]
    assert list(found.columns) == ["text", "category", "whole", "prediction", *names]
    assert np.array_equal(found[names].to_numpy(), clf.predict_proba(source))
    assert np.array_equal(found["prediction"].to_numpy(), clf.predict(source))
    frame = pd.read_parquet(folder)
    assert found["text"].equals(frame["text"])
    assert found["category"].equals(frame["category"].astype(found["category"].dtype))
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["out.parquet"]


def test_bags_write_too(source: gbimb.ParquetSource, tmp_path: Path) -> None:
    inside = quick(gbimb.ImbalancedLGBMClassifier, cv="auto")
    clf = gbimb.UnderBaggingClassifier(inside, 2, random_state=0, n_jobs=1).fit(source)
    clf.predict_to(source, tmp_path / "out.parquet", columns=["key"])
    found = pq.read_table(tmp_path / "out.parquet")
    assert str(found.schema.field("key").type).startswith("timestamp")
    assert np.array_equal(found["proba_fraud"], clf.predict_proba(source)[:, 1])


def test_a_failure_leaves_what_was_there(
    source: gbimb.ParquetSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    out = tmp_path / "out.parquet"
    out.write_bytes(b"before")
    calls = []

    def fails(X: Any) -> Any:
        calls.append(len(X))
        if len(calls) > 2:
            raise RuntimeError
        return np.full((len(X), 2), 0.5)

    monkeypatch.setattr(clf, "predict_proba", fails)
    with pytest.raises(RuntimeError):
        clf.predict_to(source, out)
    assert out.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["out.parquet"]


@pytest.mark.parametrize(
    ("path", "columns", "sentence"),
    [
        ("no/such/out.parquet", (), "directory that is there"),
        ("in", (), "directory that is there"),
        ("in/part-0.parquet", (), "must not be a file of the source"),
        ("out.parquet", ["nothing"], "must have the column 'nothing'"),
        ("out.parquet", ["text", "text"], "must differ"),
    ],
)
def test_what_cannot_be_written(
    source: gbimb.ParquetSource,
    tmp_path: Path,
    path: str,
    columns: Any,
    sentence: str,
) -> None:
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    with pytest.raises(GbimbError, match=sentence):
        clf.predict_to(source, tmp_path / path, columns=columns)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"source": table(5)}, "source must be a ParquetSource, got DataFrame"),
        ({"source": None}, "source must be a ParquetSource, got NoneType"),
        ({"path": None}, "path must be a string or pathlib.Path, got None"),
        ({"columns": "key"}, "columns must be a list of columns, got the text 'key'"),
        ({"columns": None}, "columns must be a list of columns, got None"),
    ],
)
def test_arguments_of_another_kind(
    source: gbimb.ParquetSource,
    tmp_path: Path,
    given: Any,
    sentence: str,
) -> None:
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    with pytest.raises(InvalidTypeError, match=sentence):
        clf.predict_to(**{"source": source, "path": tmp_path / "out.parquet", **given})


def with_keys(folder: Path, *keys: Any) -> gbimb.ParquetSource:
    """A source with a file for each series of keys."""
    folder.mkdir()
    for i, key in enumerate(keys):
        rows = table(len(key), seed=i).assign(key=key)
        rows.to_parquet(folder / f"{i}.parquet")
    return gbimb.ParquetSource(folder, "target", features=features(table(1)))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (np.full(400, 7, np.int32), [2**60 + 1] * 400, "int64"),
        ([None] * 400, [2**60 + 1] * 400, "int64"),
        ([None] * 400, ["a"] * 400, "string"),
        ([7] * 400, [0.5] * 400, "double"),
        (pd.Categorical(["a"] * 400), ["b"] * 400, "string"),
    ],
    ids=["widths", "no number", "no text", "fractions", "categories"],
)
def test_kept_columns_may_be_of_other_types_in_other_files(
    one: Any,
    other: Any,
    found: str,
    tmp_path: Path,
) -> None:
    source = with_keys(tmp_path / "in", one, other)
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    clf.predict_to(source, tmp_path / "out.parquet", columns=["key"])
    written = pq.read_table(tmp_path / "out.parquet")["key"]
    assert str(written.type).removeprefix("large_") == found
    assert written.to_pylist() == [*one, *other]


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (1, "a", "'key' must hold values of one type in all files, got (int64 and |.*string)"),
        (2**60 + 1, 0.5, "'key' must hold values of one type in all files, got some that are no d"),
    ],
)
def test_kept_columns_that_no_type_holds(
    one: Any,
    other: Any,
    sentence: str,
    tmp_path: Path,
) -> None:
    source = with_keys(tmp_path / "in", [one] * 400, [other] * 400)
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    with pytest.raises(InvalidDataError, match=sentence):
        clf.predict_to(source, tmp_path / "out.parquet", columns=["key"])
    assert not (tmp_path / "out.parquet").exists()


def test_kept_columns_may_not_have_the_names_of_the_results(tmp_path: Path) -> None:
    frame = table().assign(prediction=1)
    source = gbimb.ParquetSource(write(frame, tmp_path / "in"), "target", features=["single"])
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    with pytest.raises(InvalidParameterError, match="got 'prediction'"):
        clf.predict_to(source, tmp_path / "out.parquet", columns=["prediction"])


def test_an_estimator_fitted_on_an_array_takes_columns_by_position(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y = X[:, 0] + rng.normal(size=500) > 1.5
    folder = write(pd.DataFrame(X, columns=["a", "b", "c"]), tmp_path)
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(X, y)
    source = gbimb.ParquetSource(folder)
    assert np.array_equal(clf.predict_proba(source), clf.predict_proba(X))
