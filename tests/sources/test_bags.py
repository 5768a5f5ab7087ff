"""Bags of a source are the bags of the same rows in memory."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import gbimb
from gbimb.exceptions import InvalidParameterError
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.parquet.stream import StreamedFrame
from tests.sources.tables import Estimator, both, features, quick, table, write

if TYPE_CHECKING:
    from pathlib import Path


def bagged(inside: Any, **parameters: Any) -> gbimb.UnderBaggingClassifier:
    small = {"n_estimators": 3, "sampling_strategy": 1.0, "random_state": 0, "n_jobs": 1}
    return gbimb.UnderBaggingClassifier(inside, **{**small, **parameters})


@both
@pytest.mark.parametrize(
    "options", [{}, {"replacement": True}, {"sampling_strategy": 2.0}], ids=str
)
@pytest.mark.parametrize("weight", [None, "w"])
def test_the_bags_are_those_of_the_table_in_memory(
    kind: type[Estimator],
    options: Any,
    weight: str | None,
    tmp_path: Path,
) -> None:
    folder = write(table(3000), tmp_path, files=3)
    names = features(table(1))
    source = ParquetSource(folder, "target", features=names, weight=weight)
    frame = pd.read_parquet(folder)
    inside = quick(kind, cv="auto")
    weights = None if weight is None else frame[weight]
    streamed = bagged(inside, **options).fit(source)
    loaded = bagged(inside, **options).fit(frame[names], frame["target"], weights)
    for a, b in zip(streamed.estimators_samples_, loaded.estimators_samples_, strict=True):
        assert np.array_equal(a, b)
    # The bins are those of the rows in bags, not of all rows.
    apart = np.abs(streamed.predict_proba(source) - loaded.predict_proba(frame[names]))
    assert apart.mean() < 0.02
    assert np.array_equal(np.isnan(streamed.oob_proba_), np.isnan(loaded.oob_proba_))
    assert abs(streamed.oob_score_ - loaded.oob_score_) < 0.1


def test_any_classifier_can_be_in_the_bags(tmp_path: Path) -> None:
    frame = table(2000)
    numbers = frame[["small", "whole", "flag", "target"]].assign(pull=frame["single"].fillna(0.0))
    folder = write(numbers, tmp_path, files=2)
    source = ParquetSource(folder, "target")
    X = pd.read_parquet(folder)[list(source.features)]
    streamed = bagged(LogisticRegression(max_iter=1000)).fit(source)
    loaded = bagged(LogisticRegression(max_iter=1000)).fit(X, numbers["target"])
    assert np.allclose(streamed.predict_proba(source), loaded.predict_proba(X))
    assert streamed.threshold_ == pytest.approx(loaded.threshold_)


def mixed_files(folder: Path) -> ParquetSource:
    """Files of which each has columns of other types, or without a value."""
    frame = table(1200)[["whole", "small", "flag", "text", "category", "target"]]
    frame["money"] = [Decimal(i % 97) / 4 for i in range(1200)]
    frame["at"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(1200) % 500, unit="D")
    first, second, third = (frame.iloc[400 * i : 400 * i + 400] for i in range(3))
    second = second.assign(
        whole=second["whole"] + 0.5,
        flag=second["flag"].astype(int),
        text=second["text"].astype("category"),
        at=second["at"].dt.date,
    )
    third = third.assign(
        small=None, text=None, category=None, money=1, at=third["at"].dt.tz_localize("UTC")
    )
    for i, part in enumerate((first, second, third)):
        part.to_parquet(folder / f"{i}.parquet")
    return ParquetSource(folder, "target", dates="days")


def test_files_with_columns_of_other_types_are_loaded_together(tmp_path: Path) -> None:
    source = mixed_files(tmp_path)
    whole = StreamedFrame(source, source.features).load()
    for name in source.features:
        apart = [value for part in source.frames() for value in part[name]]
        pd.testing.assert_series_equal(
            whole[name].astype(object).fillna("none"),
            pd.Series(apart, name=name, dtype=object).fillna("none"),
        )
    numbers = whole[["whole", "small", "flag", "money", "at"]]
    assert set(numbers.dtypes) == {np.dtype(np.float64)}
    assert set(whole["category"].cat.categories) <= {"u", "v", "w", "never"}


def test_any_classifier_takes_files_with_columns_of_other_types(tmp_path: Path) -> None:
    mixed_files(tmp_path)
    features = ["whole", "small", "flag", "money", "at"]
    source = ParquetSource(tmp_path, "target", features=features, dates="days")
    clf = bagged(DecisionTreeClassifier(max_depth=3)).fit(source)
    assert np.isfinite(clf.predict_proba(source)).all()


def test_only_rows_in_bags_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(3000)
    frame["target"] = np.where(np.arange(3000) % 100 == 0, "fraud", "fine")
    source = ParquetSource(write(frame, tmp_path), "target", features=features(frame))
    monkeypatch.setattr("gbimb.training.bagging.population.LARGEST_WATCH", 50)
    asked = []
    pick = StreamedFrame.__getitem__

    def spy(self: StreamedFrame, rows: Any) -> StreamedFrame:
        asked.append(rows.size)
        return pick(self, rows)

    monkeypatch.setattr(StreamedFrame, "__getitem__", spy)
    bagged(quick(gbimb.ImbalancedLGBMClassifier, cv="auto")).fit(source)
    assert asked == [pytest.approx(30 + 3 * 30 + 50, abs=5)]


def test_more_bags_of_the_same_source(tmp_path: Path) -> None:
    source = ParquetSource(write(table(2000), tmp_path), "target", features=features(table(1)))
    inside = quick(gbimb.ImbalancedLGBMClassifier, cv="auto")
    once = bagged(inside, n_estimators=4).fit(source)
    twice = bagged(inside, n_estimators=2, warm_start=True).fit(source)
    twice.set_params(n_estimators=4).fit(source)
    for a, b in zip(once.estimators_samples_, twice.estimators_samples_, strict=True):
        assert np.array_equal(a, b)


def test_self_paced_bags_would_read_everything_again_and_again(tmp_path: Path) -> None:
    source = ParquetSource(write(table(), tmp_path), "target", features=features(table(1)))
    inside = quick(gbimb.ImbalancedLGBMClassifier, cv="auto")
    with pytest.raises(InvalidParameterError, match="Use sampling='random'"):
        bagged(inside, sampling="self_paced").fit(source)
