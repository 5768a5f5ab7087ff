"""Categories and missing values, for rivals that do not take them as they are.

As the documentation of each library recommends: LightGBM and XGBoost get pandas categories and
missing values untouched, CatBoost gets categories as text with missing ones named, and what
builds on scikit-learn's own trees gets imbalanced-learn's published pipeline: numbers imputed by
the mean with an indicator, categories as ordinal codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.quality.rivals.task import Task

MISSING = "missing"


def name_missing(X: pd.DataFrame) -> pd.DataFrame:
    """Turn categories into text, missing ones into a category of their own."""
    texts = {
        name: values.astype(object).where(values.notna(), MISSING).astype(str)
        for name, values in X.select_dtypes("category").items()
    }
    return X.assign(**texts)


def ordinal_codes(task: Task, *, impute: bool) -> ColumnTransformer:
    """Categories as ordinal codes, before the numbers; ``impute`` fills all that is missing."""
    categories = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    numbers: object = "passthrough"
    if impute:
        categories = make_pipeline(FunctionTransformer(name_missing), categories)
        numbers = SimpleImputer(strategy="mean", add_indicator=True, keep_empty_features=True)
    names = list(task.categorical)
    return ColumnTransformer(
        [
            ("categories", categories, names),
            ("numbers", numbers, lambda X: [name for name in X if name not in names]),
        ],
        sparse_threshold=0.0,
    )


def coded_columns(task: Task) -> list[int]:
    """Where :func:`ordinal_codes` puts the categories."""
    return list(range(len(task.categorical)))
