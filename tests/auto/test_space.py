"""The candidates of the automatic choice before any is trained."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest

from gbimb.estimators.fits.blends import BOOSTERS
from gbimb.training.search.space import ENGINES, FOREST, Space

MAKE = {each.engine_name: each for each in BOOSTERS}


def space(rows: int, *, many: bool, engines: tuple[str, ...] = ENGINES) -> Space:
    weights: dict[str, Any] = {"none": None, "root": 3.0, "balanced": "balanced"}
    return Space(
        *(engines, rows, 3 if many else 2, weights),
        has_categories=False,
        has_pairs=True,
        fixed={},
        make=MAKE,
    )


@pytest.mark.parametrize("rows", [500, 5_000, 30_000])
@pytest.mark.parametrize("many", [False, True])
def test_no_first_candidate_is_there_twice(rows: int, many: bool) -> None:
    first = space(rows, many=many, engines=(*ENGINES, FOREST)).first()
    assert all(one not in first[:i] for i, one in enumerate(first))
    assert {choice["engine"] for choice in first[:3]} == {*ENGINES, FOREST}


def test_small_tables_of_many_classes_begin_with_large_trees_of_all_rows_and_columns() -> None:
    lightgbm, xgboost = space(5_000, many=True).first()[:2]
    assert lightgbm["num_leaves"] == 31
    assert xgboost["max_depth"] == 6
    for choice in (lightgbm, xgboost):
        assert choice["subsample"] == choice["colsample_bytree"] == 1.0


def test_each_candidate_says_how_it_splits_for_all_share_the_bins_of_the_first() -> None:
    every = space(5_000, many=False)
    said = [
        every.candidate(choice).estimator.engine_params["extra_trees"] == choice["extra_trees"]
        for choice in every.first()
        if choice["engine"] == "lightgbm"
    ]
    assert len(said) > 3
    assert all(said)


@pytest.mark.parametrize("classes", [2, 3, 10, 18])
def test_the_optimiser_takes_every_first_candidate_as_it_is(classes: int) -> None:
    import optuna

    every = replace(space(5_000, many=classes > 2, engines=(*ENGINES, FOREST)), classes=classes)
    study = optuna.create_study()
    for choice in every.first():
        study.enqueue_trial(choice)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for choice in every.first():
            assert every.suggest(study.ask()).items() >= choice.items() - {("drawn", None)}
