"""A fit on a source is the fit on the same rows in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gbimb
from gbimb.tables.parquet import paths as _files
from gbimb.tables.parquet import stream as _stream
from gbimb.tables.parquet.stream import StreamedFrame
from tests.sources.tables import Estimator, both, features, quick, table, write

if TYPE_CHECKING:
    from pathlib import Path


def fit_both(
    kind: type[Estimator],
    folder: Path,
    weight: str | None = None,
    **parameters: Any,
) -> tuple[Estimator, Estimator, gbimb.ParquetSource, pd.DataFrame]:
    """Fit on the files and on what pandas reads from them."""
    names = features(table(1))
    source = gbimb.ParquetSource(folder, "target", features=names, weight=weight)
    frame = pd.read_parquet(folder)
    streamed = quick(kind, **parameters).fit(source)
    weights = None if weight is None else frame[weight]
    loaded = quick(kind, **parameters).fit(frame[names], frame["target"], weights)
    return streamed, loaded, source, frame[names]


@both
@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("cv", [None, "holdout", 3])
def test_the_model_is_that_of_the_table_in_memory(
    kind: type[Estimator], weight: str | None, cv: object, tmp_path: Path
) -> None:
    folder = write(table(), tmp_path, files=3)
    streamed, loaded, source, frame = fit_both(kind, folder, weight, cv=cv)
    assert np.array_equal(streamed.predict_proba(source), loaded.predict_proba(frame))
    assert streamed.evals_result_ == loaded.evals_result_
    assert streamed.threshold_ == loaded.threshold_
    assert streamed.validation_ == loaded.validation_


@both
def test_many_classes_as_well(kind: type[Estimator], tmp_path: Path) -> None:
    folder = write(table(classes=3), tmp_path, files=2)
    streamed, loaded, source, frame = fit_both(kind, folder, cv="holdout")
    assert streamed.classes_.tolist() == ["fine", "fraud", "lost"]
    assert np.array_equal(streamed.predict_proba(source), loaded.predict_proba(frame))


@both
def test_a_model_of_a_source_predicts_the_same_for_a_frame(
    kind: type[Estimator], tmp_path: Path
) -> None:
    source = gbimb.ParquetSource(write(table(), tmp_path), "target", features=features(table(1)))
    clf = quick(kind).fit(source)
    frame = table(seed=1)[features(table(1))]
    shuffled = frame.to_parquet(tmp_path / "new.parq")
    assert shuffled is None
    new = gbimb.ParquetSource(tmp_path / "new.parq")
    assert np.array_equal(clf.predict_proba(new), clf.predict_proba(frame))
    assert np.array_equal(clf.predict(new), clf.predict(frame))
    assert np.array_equal(clf.raw_score(new), clf.raw_score(frame))


@both
def test_dates_are_days_where_it_is_asked_for(kind: type[Estimator], tmp_path: Path) -> None:
    frame = table().drop(columns="w")
    some = np.random.default_rng(0).integers(0, 10**6, len(frame))
    dates = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(some, unit="min"))
    dates[::9] = None
    days = (dates - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86_400
    there = frame.assign(
        at=dates, here=dates.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"), day=dates.dt.date
    )
    there["lasted"] = dates - pd.Timestamp("2020-01-01")
    source = gbimb.ParquetSource(write(there, tmp_path, files=2), "target", dates="days")
    assert source.days == {"at": "date", "here": "date", "day": "date", "lasted": "duration"}
    wanted = frame.assign(at=days, here=days, day=np.floor(days))
    wanted["lasted"] = (dates - pd.Timestamp("2020-01-01")).dt.total_seconds() / 86_400
    X = wanted.drop(columns="target")
    clf, other = quick(kind).fit(source), quick(kind).fit(X, frame["target"])
    np.testing.assert_allclose(clf.predict_proba(source), other.predict_proba(X), rtol=1e-6)
    clf.predict_to(source, tmp_path.with_suffix(".pq"), columns=["at"])
    assert str(pq.read_schema(tmp_path.with_suffix(".pq")).field("at").type).startswith("timestamp")


@both
def test_validation_rows_may_be_a_source(kind: type[Estimator], tmp_path: Path) -> None:
    train, valid = table(), table(400, seed=1)
    names = features(train)
    source = gbimb.ParquetSource(write(train, tmp_path / "a"), "target", features=names)
    watched = gbimb.ParquetSource(
        write(valid, tmp_path / "b"), "target", features=names, weight="w"
    )
    a = quick(kind).fit(source, X_val=watched)
    b = quick(kind).fit(
        pd.read_parquet(tmp_path / "a")[names],
        train["target"],
        eval_set=[(watched, None)],
    )
    c = quick(kind).fit(
        source, X_val=valid[names], y_val=valid["target"], sample_weight_val=valid["w"]
    )
    assert a.evals_result_ == b.evals_result_ == c.evals_result_
    assert a.threshold_ == b.threshold_ == c.threshold_


@both
def test_one_thread_or_two(kind: type[Estimator], tmp_path: Path) -> None:
    source = gbimb.ParquetSource(
        write(table(3000), tmp_path, files=2), "target", features=features(table(1))
    )
    one, two = (quick(kind, n_jobs=n, cv="holdout").fit(source) for n in (1, 2))
    assert np.allclose(one.predict_proba(source), two.predict_proba(source), atol=1e-6)


@both
def test_rows_without_weight_are_as_if_they_were_absent(
    kind: type[Estimator], tmp_path: Path
) -> None:
    frame = table()
    gone = np.random.default_rng(1).random(len(frame)) < 0.3
    names = features(frame)
    kept = gbimb.ParquetSource(write(frame[~gone], tmp_path / "a"), "target", features=names)
    frame["w"] = np.where(gone, 0.0, 1.0)
    source = gbimb.ParquetSource(write(frame, tmp_path / "b"), "target", features=names, weight="w")
    a, b = quick(kind).fit(kept), quick(kind).fit(source)
    assert np.allclose(a.predict_proba(kept), b.predict_proba(kept), atol=1e-6)


@both
def test_bins_from_a_sample_of_the_rows_give_nearly_the_same_model(
    kind: type[Estimator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_stream, "SAMPLE_ROWS", 2000)
    folder = write(table(4000), tmp_path, files=2)
    streamed, loaded, source, frame = fit_both(kind, folder)
    scores = streamed.raw_score(source), loaded.raw_score(frame)
    assert np.corrcoef(*scores)[0, 1] > 0.95


def test_batches_cover_the_rows_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "ROWS_AT_ONCE", 37)
    frame = table(500)
    source = gbimb.ParquetSource(write(frame, tmp_path, files=3, group=60), "target")
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    matrix = clf.model_.schema.encoder.transform(StreamedFrame(source, source.features))
    whole = clf.model_.schema.encoder.transform(frame[list(source.features)])
    for size in (1, 41, 500, 1000):
        parts = [part.copy() for part in matrix.batches(size)]
        assert {len(part) for part in parts[:-1]} <= {size}
        assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)
    rows = np.array([0, 3, 59, 60, 166, 167, 168, 499])
    assert np.array_equal(matrix[rows].load(), whole[rows], equal_nan=True)
    some = np.array([1, 2, 7])
    assert np.array_equal(matrix[rows][some].load(), whole[rows[some]], equal_nan=True)


def test_categories_that_differ_between_files_are_those_of_all_files(tmp_path: Path) -> None:
    frame = table(600)
    frame["text"] = np.repeat(["b", "a", "c"], 200)
    frame["category"] = pd.Categorical(frame["text"])
    for i in range(3):
        part = frame.iloc[200 * i : 200 * (i + 1)].copy()
        part["category"] = part["category"].cat.remove_unused_categories()
        part.to_parquet(tmp_path / f"{i}.parquet")
    source = gbimb.ParquetSource(tmp_path, "target")
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    found = {column.name: column.categories for column in clf.model_.schema.encoder.columns}
    assert found["text"] == ("a", "b", "c")
    assert found["category"] == ("a", "b", "c")
    assert found["single"] is None


def test_a_column_may_be_empty_in_some_files(tmp_path: Path) -> None:
    frame = table(600)
    frame.iloc[:300].to_parquet(tmp_path / "0.parquet")
    frame.iloc[300:].assign(text=None, single=None).to_parquet(tmp_path / "1.parquet")
    source = gbimb.ParquetSource(tmp_path, "target")
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    assert np.isfinite(clf.predict_proba(source)).all()


def test_files_may_hold_their_columns_in_any_order(tmp_path: Path) -> None:
    frame = table(600)
    same = write(frame, tmp_path / "same", files=2)
    turned = tmp_path / "turned"
    turned.mkdir()
    frame.iloc[:300].to_parquet(turned / "part-0.parquet", row_group_size=250)
    frame.iloc[300:, ::-1].to_parquet(turned / "part-1.parquet", row_group_size=250)
    a, b = (gbimb.ParquetSource(folder, "target") for folder in (same, turned))
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(a)
    assert np.array_equal(clf.predict_proba(a), clf.predict_proba(b))


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, pd.Index, pd.Series])
def test_features_may_be_named_by_any_sequence(kind: Any, tmp_path: Path) -> None:
    names = ["whole", "single"]
    source = gbimb.ParquetSource(write(table(50), tmp_path), "target", features=kind(names))
    assert source.features == ("whole", "single")
    assert {type(name) for name in source.features} == {str}


@both
def test_decimals_are_numbers(kind: type[Estimator], tmp_path: Path) -> None:
    frame = table(600)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    cents = pa.array(np.round(frame["double"], 2), from_pandas=True).cast(pa.decimal128(12, 2))
    label = pa.array((frame["target"] == "fraud").astype(int)).cast(pa.decimal128(19, 0))
    arrow = arrow.set_column(arrow.schema.get_field_index("double"), "double", cents)
    arrow = arrow.set_column(arrow.schema.get_field_index("target"), "target", label)
    pq.write_table(arrow, tmp_path / "a.parquet")
    source = gbimb.ParquetSource(tmp_path, "target", features=features(frame))
    streamed = quick(kind).fit(source)
    X = arrow.select(features(frame)).to_pandas()
    assert streamed.classes_.tolist() == [0.0, 1.0]
    loaded = quick(kind).fit(X, frame["target"] == "fraud")
    assert np.array_equal(streamed.predict_proba(source), loaded.predict_proba(X))
    streamed.predict_to(source, tmp_path / "scores.pq", columns=["double"])
    kept = pq.read_table(tmp_path / "scores.pq")["double"]
    assert kept.to_pylist() == cents.to_pylist()


@pytest.mark.parametrize("labels", [[0, 1], [False, True], [1.0, 2.0], ["a", "b"]])
def test_labels_are_those_of_the_column(labels: list[Any], tmp_path: Path) -> None:
    frame = table(400)
    frame["target"] = np.array(labels)[(frame["target"] == "fraud").to_numpy().astype(int)]
    source = gbimb.ParquetSource(write(frame, tmp_path, files=2), "target")
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    assert clf.classes_.tolist() == labels
    loaded = quick(gbimb.ImbalancedLGBMClassifier).fit(frame[features(frame)], frame["target"])
    assert clf.classes_.dtype == loaded.classes_.dtype
    assert type(clf.predict(source)[0]) is type(loaded.predict(frame[features(frame)])[0])


def test_an_index_with_a_name_is_a_column_but_learnt_only_if_named(tmp_path: Path) -> None:
    frame = table(600)
    named, unnamed = tmp_path / "named", tmp_path / "unnamed"
    write(frame.assign(customer=range(600)).set_index(["customer", "whole", "w"]), named, files=2)
    write(frame.sample(frac=1.0, random_state=0), unnamed, files=2)
    source = gbimb.ParquetSource(named, "target", weight="w")
    assert source.index == ("customer", "whole", "w")
    assert source.features == tuple(name for name in features(frame) if name != "whole")
    assert gbimb.ParquetSource(unnamed, "target").index == ()
    assert gbimb.ParquetSource(unnamed, "target").features == (*features(frame), "w")
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(source)
    clf.predict_to(source, tmp_path / "out.parquet", columns=["customer"])
    assert pd.read_parquet(tmp_path / "out.parquet")["customer"].tolist() == list(range(600))
    chosen = gbimb.ParquetSource(named, "target", features=["customer", "whole"])
    assert next(chosen.frames())["customer"].tolist()[:3] == [0, 1, 2]
    both = quick(gbimb.ImbalancedLGBMClassifier).fit(chosen)
    assert both.predict_proba(source).shape == (600, 2)


def test_an_index_can_be_the_target(tmp_path: Path) -> None:
    write(table(600).set_index("target"), tmp_path)
    source = gbimb.ParquetSource(tmp_path, "target")
    assert "target" not in source.features
    assert quick(gbimb.ImbalancedLGBMClassifier).fit(source).classes_.tolist() == ["fine", "fraud"]


def test_row_numbers_with_a_name_are_an_index_without_a_column(tmp_path: Path) -> None:
    frame = table(600).rename_axis("row")
    frame.to_parquet(tmp_path / "a.parquet")
    source = gbimb.ParquetSource(tmp_path, "target", weight="w")
    assert (source.index, source.features) == (("row",), tuple(features(frame)))
    frame.assign(row=1).to_parquet(tmp_path / "a.parquet")
    source = gbimb.ParquetSource(tmp_path, "target", weight="w")
    assert (source.index, source.features) == ((), (*features(frame), "row"))
