"""Tables of any kind, and sentences about those that cannot be used."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.metrics import average_precision_score

import gbimb
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError, InvalidTypeError
from gbimb.tables.encoder import TableEncoder
from tests.estimators.common import Kind, both, frame, numbers, quick
from tests.helpers.memory import least_peak

# What pandas 2 makes of strings.
OBJECTS = pd.CategoricalDtype(pd.Index(list("uvw"), dtype=object))


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray]:
    return frame()


# --- data frames -----------------------------------------------------------------------------


@both
def test_a_frame_of_mixed_columns_is_learnt(
    kind: Kind, table: tuple[pd.DataFrame, np.ndarray]
) -> None:
    X, y = table
    before = X.copy(deep=True)
    clf = quick(kind).fit(X, y)
    assert list(clf.feature_names_in_) == list(X.columns)
    assert clf.n_features_in_ == X.shape[1]
    assert clf.feature_importances_.shape == (X.shape[1],)
    assert clf.feature_importances_.sum() == pytest.approx(1.0)
    assert np.argmax(clf.feature_importances_) in (0, 1)  # number and single, which carry y
    pd.testing.assert_frame_equal(X, before)


@both
@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.assign(category=X["category"].cat.reorder_categories(list("wvu"))),
        lambda X: X.assign(category=X["category"].cat.set_categories(list("xwvuy"))),
        lambda X: X.assign(category=X["category"].astype(object)),
        lambda X: X.assign(category=X["category"].astype("string")),
        lambda X: X.assign(category=X["category"].astype(OBJECTS)),
        lambda X: X.assign(text=X["text"].astype("category")),
        lambda X: X.assign(text=X["text"].astype(object)),
        lambda X: X.assign(code=X["code"].astype(int)),
        lambda X: X.assign(code=X["code"].cat.reorder_categories([13, 11, 10, 12])),
        lambda X: X.assign(flag=X["flag"].astype(int)),
        lambda X: X.assign(maybe_int=X["maybe_int"].astype(float)),
        lambda X: X.assign(maybe_flag=X["maybe_flag"].astype(object)),
        lambda X: X.set_index(np.arange(len(X))[::-1]),
        lambda X: X.convert_dtypes(dtype_backend="pyarrow").assign(
            category=X["category"], code=X["code"]
        ),
    ],
    ids=[
        "reordered",
        "more categories",
        "category as object",
        "category as string",
        "category of objects",
        "text as category",
        "text as object",
        "code as integer",
        "codes reordered",
        "flag as integer",
        "Int64 as float",
        "boolean as object",
        "index",
        "arrow types",
    ],
)
def test_the_same_values_in_another_form_give_the_same_predictions(
    kind: Kind,
    change: Any,
    table: tuple[pd.DataFrame, np.ndarray],
) -> None:
    X, y = table
    clf = quick(kind, n_estimators=10).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(change(X)), clf.predict_proba(X))


@both
def test_categories_carry_a_signal(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    towns = np.array([f"town {i}" for i in range(12)])[rng.integers(0, 12, 1500)]
    y = rng.random(1500) < np.where(np.isin(towns, ["town 3", "town 8"]), 0.6, 0.02)
    clf = quick(kind, n_estimators=40).fit(pd.DataFrame({"town": towns}), y)
    proba = clf.predict_proba(pd.DataFrame({"town": ["town 3", "town 8", "town 4", "town 5"]}))
    assert proba[:2, 1].min() > 0.35
    assert proba[2:, 1].max() < 0.1


@both
@pytest.mark.parametrize("form", ["polars", "arrow", "batch"])
def test_polars_and_arrow_equal_pandas(
    kind: Kind, form: str, table: tuple[pd.DataFrame, np.ndarray]
) -> None:
    X, y = table
    X = X.astype({"code": int})
    other: Any = {
        "polars": lambda: pl.from_pandas(X),
        "arrow": lambda: pa.Table.from_pandas(X),
        "batch": lambda: pa.Table.from_pandas(X).combine_chunks().to_batches()[0],
    }[form]()
    clf = quick(kind, n_estimators=10).fit(X, y)
    from_other = quick(kind, n_estimators=10).fit(other, y)
    assert list(from_other.feature_names_in_) == list(X.columns)
    base = clf.predict_proba(X)
    np.testing.assert_array_equal(from_other.predict_proba(other), base)
    np.testing.assert_array_equal(from_other.predict_proba(X), base)
    np.testing.assert_array_equal(clf.predict_proba(other), base)


@both
def test_polars_categories_and_enums_are_categories(kind: Kind) -> None:
    X, y = numbers()
    words = np.array(["low", "high"])[(X[:, 0] > 0.5).astype(int)]
    plain = pl.DataFrame({"a": X[:, 1], "level": words})
    base = quick(kind).fit(plain, y).predict_proba(plain)
    for dtype in (pl.Categorical, pl.Enum(["low", "high", "other"])):
        typed = plain.with_columns(pl.col("level").cast(dtype))
        np.testing.assert_allclose(quick(kind).fit(typed, y).predict_proba(typed), base, rtol=1e-6)


@both
def test_a_frame_of_numbers_equals_its_array(kind: Kind) -> None:
    X, y = numbers()
    X[::7, 2] = np.nan
    named = pd.DataFrame(X, columns=list("abcd"))
    np.testing.assert_array_equal(
        quick(kind).fit(named, y).predict_proba(named), quick(kind).fit(X, y).predict_proba(X)
    )


@both
@pytest.mark.parametrize(
    "names",
    [
        ["a[b]", "a{b}", 'q"x', "c d"],
        ["a b", "a_b", "a,b", "a:b"],
        ["a b", "a_b", "a b_0", "x"],
        ["Grüße", "日本", "\n", "a=b"],
        ["", " ", "Tree=0", "end of trees"],
        ["<1", ">=2", "\\", "x/y"],
    ],
    ids=["json", "alike", "numbered", "unicode", "empty", "signs"],
)
def test_column_names_may_hold_anything(kind: Kind, names: list[str]) -> None:
    X, y = numbers()
    named = pd.DataFrame(X, columns=names)
    clf = quick(kind).fit(named, y)
    assert list(clf.feature_names_in_) == names
    plain = quick(kind).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(named), plain.predict_proba(X))
    np.testing.assert_allclose(clf.feature_importances_, plain.feature_importances_)


@both
def test_columns_that_changed_are_refused(
    kind: Kind, table: tuple[pd.DataFrame, np.ndarray]
) -> None:
    X, y = table
    clf = quick(kind, n_estimators=3).fit(X, y)
    for changed in (X.drop(columns="flag"), X.assign(more=1), X.rename(columns=str.upper)):
        with pytest.raises(ValueError, match="feature names"):
            clf.predict(changed)
    with pytest.raises(InvalidTypeError, match="'number' was a number at fit"):
        clf.predict(X.assign(number="a word"))


# --- one model, whatever the container ----------------------------------------------------------


WORDS = np.array(["red", "green", "blue", "amber"])


def coloured() -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers and a column of words whose order of appearance is not the alphabet's."""
    X, y = numbers(500)
    place = (X[:, 0] > 0).astype(int) + (X[:, 1] > 1) + (X[:, 2] > 1.5)
    return pd.DataFrame({"a": X[:, 2], "word": WORDS[place]}), y


FORMS: dict[str, Any] = {
    "category in order of appearance": lambda t: t.astype(
        {"word": pd.CategoricalDtype(t["word"].unique())}
    ),
    "category with unused values": lambda t: t.astype({"word": pd.CategoricalDtype(["x", *WORDS])}),
    "objects": lambda t: t.astype({"word": object}),
    "NumPy strings": lambda t: t.assign(
        word=pd.Series([np.str_(v) for v in t["word"]], dtype=object)
    ),
    "Arrow dictionary in pandas": lambda t: t.assign(
        word=pd.arrays.ArrowExtensionArray(
            pa.chunked_array([t["word"][:90].tolist(), t["word"][90:].tolist()]).dictionary_encode()
        )
    ),
    "polars strings": pl.from_pandas,
    "polars categories": lambda t: pl.from_pandas(t).with_columns(
        pl.col("word").cast(pl.Categorical)
    ),
    "Arrow": pa.Table.from_pandas,
    "Arrow dictionary": lambda t: pa.table(
        {"a": t["a"].to_numpy(), "word": pa.array(t["word"].tolist()).dictionary_encode()}
    ),
}


@both
@pytest.mark.parametrize("form", FORMS)
def test_one_table_gives_one_model_from_every_container(kind: Kind, form: str) -> None:
    X, y = coloured()
    clf = quick(kind).fit(X, y)
    other = quick(kind).fit(FORMS[form](X), y)
    base = clf.predict_proba(X)
    assert other.model_.schema.encoder == clf.model_.schema.encoder
    np.testing.assert_array_equal(other.predict_proba(X), base)
    np.testing.assert_array_equal(clf.predict_proba(FORMS[form](X)), base)


def test_categories_that_are_numbers_are_in_their_order() -> None:
    codes = pd.Categorical([10, 9, 100, 9], categories=[100, 9, 7, 10])
    encoder = TableEncoder.fit(pd.DataFrame({"code": codes}))
    assert encoder.columns[0].categories == (9, 10, 100)
    np.testing.assert_array_equal(
        encoder.transform(pd.DataFrame({"code": codes}))[:, 0], [1, 0, 2, 0]
    )


@both
@pytest.mark.parametrize("form", ["pandas", "polars", "Arrow"])
def test_ordered_categories_are_numbers_in_their_order(kind: Kind, form: str) -> None:
    X, y = numbers(600)
    level = np.clip(np.round(2 * X[:, 0] + 4), 0, 8).astype(int)
    names = np.array(["none", "tiny", "low", "some", "mid", "more", "high", "top", "max"])
    typed = pd.DataFrame(
        {"level": pd.Categorical(names[level], categories=names, ordered=True), "b": X[:, 1]}
    )
    enum = pl.from_pandas(typed).with_columns(pl.col("level").cast(pl.Enum(names.tolist())))
    table = {"pandas": typed, "polars": enum, "Arrow": pa.Table.from_pandas(typed)}
    clf = quick(kind).fit(table[form], y)
    plain = quick(kind).fit(pd.DataFrame({"level": level, "b": X[:, 1]}), y)
    assert clf.model_.schema.encoder.categorical == []
    expected = plain.predict_proba(pd.DataFrame({"level": level, "b": X[:, 1]}))
    np.testing.assert_array_equal(clf.predict_proba(typed), expected)
    np.testing.assert_array_equal(clf.predict_proba(typed.astype({"level": str})), expected)


# --- kinds of columns and labels -----------------------------------------------------------------

DAY = dt.date(2024, 1, 1)


@both
@pytest.mark.parametrize(
    "dates",
    [
        pd.Series(pd.date_range(DAY, periods=400)),
        pd.Series(pd.date_range(DAY, periods=400, tz="UTC").tz_convert("Asia/Tokyo")),
        pd.Series([DAY + dt.timedelta(i) for i in range(400)], dtype=object),
        pd.Series(pd.date_range(DAY, periods=400)).astype("timestamp[us][pyarrow]"),
        pl.date_range(DAY, DAY + dt.timedelta(399), eager=True),
        pl.datetime_range(DAY, DAY + dt.timedelta(399), "1d", eager=True),
    ],
    ids=["points", "zone", "dates", "arrow", "polars dates", "polars points"],
)
def test_dates_are_days_since_1970(kind: Kind, dates: Any) -> None:
    X, y = numbers()
    y = ((X[:, 0] > 1) | (np.arange(400) > 370)).astype(int)
    days = 19_723.0 + np.arange(400)
    is_polars = isinstance(dates, pl.Series)
    table = (pl if is_polars else pd).DataFrame({"a": X[:, 0], "when": dates})
    clf = quick(kind).fit(table, y)
    np.testing.assert_array_equal(clf.booster_input(table)[:, 1], days)
    plain = quick(kind).fit(pd.DataFrame({"a": X[:, 0], "when": days}), y)
    np.testing.assert_array_equal(
        clf.predict_proba(table), plain.predict_proba(pd.DataFrame({"a": X[:, 0], "when": days}))
    )
    with pytest.raises(InvalidTypeError, match="'when' was a number at fit"):
        plain.predict(table)


@both
@pytest.mark.parametrize(
    "values",
    [
        [np.int32(i % 9) for i in range(400)],
        [np.float32(i % 9) if i % 5 else None for i in range(400)],
        [Decimal(i % 9) for i in range(400)],
        pl.Series([i % 9 for i in range(400)], dtype=pl.Int128),
    ],
    ids=["NumPy integers", "NumPy floats", "Decimal", "Int128"],
)
def test_numbers_of_any_type_are_numbers(kind: Kind, values: Any) -> None:
    X, y = numbers()
    is_polars = isinstance(values, pl.Series)
    column = values if is_polars else pd.Series(values, dtype=object)
    table = (pl if is_polars else pd).DataFrame({"a": X[:, 0], "n": column})
    plain = pd.DataFrame({"a": X[:, 0], "n": pd.Series(list(values)).astype(float)})
    np.testing.assert_array_equal(
        quick(kind).fit(table, y).predict_proba(table),
        quick(kind).fit(plain, y).predict_proba(plain),
    )


@pytest.mark.parametrize(
    "form",
    [
        lambda y: pd.Series([Decimal(int(v)) for v in y]),
        lambda y: pl.Series(y.tolist(), dtype=pl.Int128),
        lambda y: pl.Series(y).cast(pl.Decimal(5, 0)),
        lambda y: pa.chunked_array([y[:100], y[100:]]),
        lambda y: pa.chunked_array([y[:100], y[100:]]).dictionary_encode(),
    ],
    ids=["Decimal", "Int128", "polars Decimal", "chunked", "dictionary"],
)
def test_labels_of_any_type_are_labels(form: Any) -> None:
    X, y = numbers()
    clf = quick(gbimb.ImbalancedLGBMClassifier).fit(X, form(y))
    assert clf.classes_.tolist() == [0, 1]
    expected = quick(gbimb.ImbalancedLGBMClassifier).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize(
    "column",
    [pl.Series([1.0, 2.0]), pa.chunked_array([[1.0], [2.0]]), pa.array([1.0, 2.0])],
    ids=["polars", "chunked", "array"],
)
def test_one_column_is_no_table(column: Any) -> None:
    with pytest.raises(InvalidDataError, match="Expected 2D array, got 1D array"):
        gbimb.ImbalancedXGBClassifier().fit(column, [0, 1])


@both
def test_an_array_with_text_is_read_column_by_column(kind: Kind) -> None:
    X, y = coloured()
    clf = quick(kind).fit(X, y)
    array = X.to_numpy(dtype=object)
    by_array = quick(kind).fit(array, y)
    np.testing.assert_array_equal(by_array.predict_proba(array), clf.predict_proba(X))
    assert not hasattr(by_array, "feature_names_in_")
    array[3, 1] = 7
    with pytest.raises(InvalidTypeError, match="one kind of value"):
        quick(kind).fit(array, y)


@both
def test_bagging_and_stacking_take_columns_of_text(kind: Kind) -> None:
    X, y = coloured()
    X["word"] = X["word"].replace("amber", "blue")  # so that no part lacks a word
    for meta in (
        BaggingClassifier(quick(kind), n_estimators=2, random_state=0),
        StackingClassifier([("one", quick(kind))], quick(kind), cv=2),
    ):
        assert average_precision_score(y, meta.fit(X, y).predict_proba(X)[:, 1]) > 2 * y.mean()


def test_whole_numbers_of_arrays_keep_their_digits() -> None:
    kind = gbimb.ImbalancedLGBMClassifier
    X, y = numbers()
    keys = 2**40 + np.argsort(np.argsort(X))
    by_array = quick(kind).fit(keys, y).predict_proba(keys)
    table = pd.DataFrame(keys)
    np.testing.assert_array_equal(by_array, quick(kind).fit(table, y).predict_proba(table))
    np.testing.assert_array_equal(
        by_array, quick(kind).fit(keys.astype(object), y).predict_proba(keys.astype(object))
    )


@both
def test_values_beyond_float32_give_one_answer_in_every_form(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind).fit(X, y)
    X[:, 0] = 1e39
    expected = clf.predict_proba(X)
    for form in (lambda a: a.astype(object), sparse.csr_matrix, lambda a: a.tolist()):
        np.testing.assert_array_equal(clf.predict_proba(form(X)), expected)


# --- what cannot be used -----------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Period("2020"), r"'c'.*period"),
        (1j, r"'c'.*complex"),
        (["a", 1] * 200, r"'c'.*one kind.*'int', 'str'"),
        ([[1, 2]] * 400, r"'c'.*'list'"),
        ([{"a": 1}] * 400, r"'c'.*'dict'"),
    ],
    ids=["period", "complex", "mixed", "lists", "dicts"],
)
def test_a_column_of_another_kind_is_refused(
    kind: Kind,
    column: Any,
    message: str,
) -> None:
    X, y = numbers()
    with pytest.raises(InvalidTypeError, match=message):
        quick(kind).fit(pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(c=column), y)


@both
def test_arrays_that_are_no_tables_are_refused(kind: Kind) -> None:
    X, y = numbers()
    with pytest.raises(ValueError, match="dim 3"):
        quick(kind).fit(X[:, :, None], y)
    with pytest.raises(ValueError, match="2D array, got 1D"):
        quick(kind).fit(X[:, 0], y)
    with pytest.raises(ValueError, match="Complex"):
        quick(kind).fit(X + 1j, y)
    with pytest.raises(InvalidDataError, match=r"shape \(0, 0\)"):
        quick(kind).fit(pd.DataFrame(), [])
    with pytest.raises(InvalidDataError, match=r"shape \(0, 2\)"):
        quick(kind).fit(pd.DataFrame({"a": [], "b": []}), [])
    with pytest.raises(ValueError, match="0 sample"):
        quick(kind).fit(X[:0], y[:0])
    with pytest.raises(InvalidDataError, match="'a' more than once"):
        quick(kind).fit(pd.DataFrame(X, columns=list("abac")), y)
    with pytest.raises(ValueError, match=r"could not convert|dtype"):
        quick(kind).fit(np.full(X.shape, "word"), y)


@both
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize(
    "form",
    [
        np.asarray,
        pd.DataFrame,
        lambda X: pd.DataFrame(X).astype(np.float32),
        lambda X: pd.DataFrame(X).astype("Float64"),
        sparse.csr_matrix,
        lambda X: pl.DataFrame(X, schema=list("abcd")),
    ],
    ids=["array", "frame", "float32", "Float64", "sparse", "polars"],
)
def test_infinity_is_refused_at_fit_and_at_predict(
    kind: Kind,
    value: float,
    form: Any,
) -> None:
    X, y = numbers()
    clf = quick(kind, n_estimators=2).fit(form(X), y)
    X[3, 1] = value
    with pytest.raises(ValueError, match="contains infinity"):
        clf.predict(form(X))
    with pytest.raises(ValueError, match="contains infinity"):
        quick(kind).fit(form(X), y)


# --- arrays ------------------------------------------------------------------------------------


@both
def test_numbers_of_any_size_are_ranked(kind: Kind) -> None:
    X, y = numbers()
    base = quick(kind).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(quick(kind).fit(X * 1e30, y).predict_proba(X * 1e30), base)
    np.testing.assert_allclose(quick(kind).fit(X * 1e-20, y).predict_proba(X * 1e-20), base)
    if kind is gbimb.ImbalancedXGBClassifier:
        with pytest.raises(InvalidDataError, match="float32"):
            quick(kind).fit(X * 1e300, y)
        with pytest.raises(InvalidDataError, match="float32"):
            quick(kind).fit(pd.DataFrame(X * 1e300), y)
    else:
        np.testing.assert_allclose(quick(kind).fit(X * 1e300, y).predict_proba(X * 1e300), base)


def test_large_integers_of_a_frame_keep_their_digits() -> None:
    X = pd.DataFrame({"key": 2**40 + np.arange(400), "small": np.arange(400)})
    encoder = TableEncoder.fit(X)
    np.testing.assert_array_equal(encoder.transform(X), X.to_numpy())  # float32 would merge them
    assert encoder.transform(X[["small"]].assign(key=1)[["key", "small"]]).dtype == np.float32


@both
def test_a_column_without_a_value_is_no_obstacle(kind: Kind) -> None:
    X, y = numbers()
    X[:, 2] = np.nan
    for table in (X, pd.DataFrame(X), pd.DataFrame(X).assign(none=None)):
        if isinstance(table, pd.DataFrame):
            table.columns = table.columns.astype(str)
        clf = quick(kind).fit(table, y)
        assert clf.feature_importances_[2] == 0
        assert np.isfinite(clf.predict_proba(table)).all()


@both
@pytest.mark.parametrize(
    "form",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array, sparse.csc_array],
    ids=lambda form: form.__name__,
)
def test_sparse_tables_are_taken(kind: Kind, form: Any) -> None:
    X, y = numbers()
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0.0
    clf = quick(kind).fit(form(X), y)
    np.testing.assert_array_equal(clf.predict_proba(form(X)), clf.predict_proba(X))
    if kind is gbimb.ImbalancedLGBMClassifier:
        np.testing.assert_array_equal(clf.predict_proba(X), quick(kind).fit(X, y).predict_proba(X))


def test_xgboost_takes_zeros_alike_however_they_are_stored() -> None:
    kind = gbimb.ImbalancedXGBClassifier
    X, y = numbers()
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0.0
    stored = sparse.csr_matrix(X)
    stored.data[:40] = 0.0  # zeros that are written down
    dense = stored.toarray()
    for fitted_on in (stored, dense):
        clf = quick(kind).fit(fitted_on, y)
        np.testing.assert_array_equal(clf.predict_proba(stored), clf.predict_proba(dense))
    assert (stored.data[:40] == 0).all()
    assert stored.nnz == sparse.csr_matrix(X).nnz


def test_xgboost_forgets_the_sparsity_of_an_earlier_fit() -> None:
    kind = gbimb.ImbalancedXGBClassifier
    X, y = numbers()
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0.0
    expected = quick(kind).fit(X, y).predict_proba(X)
    clf = quick(kind).fit(sparse.csr_matrix(X), y)
    np.testing.assert_array_equal(clf.fit(X, y).predict_proba(X), expected)
    by_rows = quick(kind, cv=None).fit(sparse.csr_matrix(X), y, X_val=X, y_val=y)
    alike = quick(kind, cv=None).fit(sparse.csr_matrix(X), y, X_val=sparse.csr_matrix(X), y_val=y)
    np.testing.assert_array_equal(by_rows.predict_proba(X), alike.predict_proba(X))
    assert by_rows.threshold_ == alike.threshold_


@both
def test_the_table_is_not_modified(kind: Kind) -> None:
    X, y = numbers()
    X[::5, 1] = np.nan
    weight = np.ones(len(y))
    for table in (
        X,
        np.asfortranarray(X),
        X.astype(np.float32),
        sparse.csr_matrix(np.nan_to_num(X)),
    ):
        before, labels = table.copy(), y.copy()
        clf = quick(kind, n_estimators=3).fit(table, labels, sample_weight=weight)
        clf.predict_proba(table)
        if sparse.issparse(table):
            np.testing.assert_array_equal(table.data, before.data)
        else:
            np.testing.assert_array_equal(table, before)
        np.testing.assert_array_equal(labels, y)
    np.testing.assert_array_equal(weight, 1.0)
    frozen = X.copy()
    frozen.flags.writeable = False
    quick(kind, n_estimators=3).fit(frozen, y).predict(frozen)


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_contiguous_array_is_not_copied(
    kind: Kind, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = numbers(20_000, features=40)
    X = np.ascontiguousarray(X, dtype=dtype)
    clf = quick(kind, n_estimators=1, cv=None)
    binned: list[Any] = []
    engine: Any = get_engine(clf.engine_name)
    make = engine.Bins

    def spy(matrix: Any, *args: object, **options: object) -> Any:
        binned.append(matrix)
        return make(matrix, *args, **options)

    monkeypatch.setattr(engine, "Bins", spy)
    clf.fit(X[:100], y[:100])  # what is loaded or compiled once
    peak = least_peak(lambda: clf.fit(X, y), repeats=2)
    assert binned[-1] is X
    assert peak < 0.8 * X.nbytes


# --- shapes ------------------------------------------------------------------------------------


@both
def test_five_hundred_columns_and_few_rows(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 500))
    y = (X[:, 17] + 0.3 * rng.normal(size=300) > 1.2).astype(int)
    clf = quick(kind, colsample_bytree=1.0).fit(X, y)
    assert np.argmax(clf.feature_importances_) == 17


@both
def test_a_table_of_150_rows_is_learnt_with_the_defaults(kind: Kind) -> None:
    X, y = numbers(150, seed=4)
    clf = kind(random_state=0, n_jobs=1).fit(X, y)
    fresh, truth = numbers(2000, seed=5)
    assert "5" in clf.validation_
    assert gbimb.metrics.best_threshold(truth, clf.raw_score(fresh)).score > 0.35


@both
def test_a_table_too_small_to_hold_rows_out_is_learnt(kind: Kind) -> None:
    X, y = numbers(60, seed=4)
    with pytest.warns(gbimb.GbimbWarning, match="threshold stays at 0.5"):
        clf = kind(random_state=0, n_jobs=1).fit(X, y)
    assert clf.best_iteration_ == 100
    assert clf.threshold_ == 0.5
    assert np.isnan(clf.best_score_)
    assert clf.evals_result_ == {}
    assert "no rows held out" in clf.validation_


@both
def test_a_table_without_signal_warns_that_no_tree_has_a_split(kind: Kind) -> None:
    _, y = numbers()
    with pytest.warns(gbimb.GbimbWarning, match="no split") as caught:
        clf = quick(kind).fit(np.ones((400, 3)), y)
    assert caught[0].filename == __file__  # the warning points at the call
    np.testing.assert_array_equal(clf.feature_importances_, 0.0)
    np.testing.assert_allclose(clf.predict_proba(np.ones((5, 3)))[:, 1], y.mean(), rtol=1e-3)
