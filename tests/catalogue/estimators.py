"""What estimators may be given that they cannot use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.tree import DecisionTreeClassifier

import gbimb
from tests.catalogue.case import Case, rows

LGBM, XGB = gbimb.ImbalancedLGBMClassifier, gbimb.ImbalancedXGBClassifier
BAGS, AUTO = gbimb.UnderBaggingClassifier, gbimb.AutoImbalancedClassifier
KINDS: list[Any] = [LGBM, XGB, BAGS, AUTO]
BOOSTING: list[Any] = [LGBM, XGB]

X, Y = rows()
FRAME = pd.DataFrame(X, columns=list("abcd"))
NAN, INF = float("nan"), float("inf")
DAYS = Y.astype(int).astype("datetime64[D]")


class Unprintable:
    """Raises where an error would show it."""

    def __repr__(self) -> str:
        raise RuntimeError


def make(kind: Any, **params: Any) -> Any:
    """An estimator that would be quick, had it anything to learn from."""
    quick: dict[Any, dict[str, Any]] = {
        LGBM: {"n_estimators": 3},
        XGB: {"n_estimators": 3},
        BAGS: {"n_estimators": 2, "estimator": LGBM(n_estimators=3)},
        AUTO: {"n_trials": 1, "time_budget": None},
    }
    return kind(**{"random_state": 0, "n_jobs": 1, **quick[kind], **params})


def put(values: Any, place: Any, value: Any, dtype: Any = float) -> Any:
    """Return a copy with another value in one place."""
    changed = np.array(values, dtype=dtype)
    changed[place] = value
    return changed


def fit(name: str, argument: str, got: str, *, X: Any = X, y: Any = Y, **more: Any) -> Case:
    """Give arguments to ``fit``."""
    return Case(name, argument, got, lambda kind: make(kind).fit(X, y, **more))


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except (RuntimeError, ValueError) as error:
        return f"whose repr raises {error!r}"


def param(name: str, value: Any, *, says: str = "", **more: Any) -> Case:
    """Give a parameter."""
    shown = _repr(value) if len(_repr(value)) < 60 else f"that holds {says}"
    return Case(
        f"{name} {shown}",
        name,
        says or repr(value),
        lambda kind: make(kind, **{name: value}, **more).fit(X, Y),
    )


def direction(engine_params: dict[str, Any]) -> Case:
    """Give a direction to a column of words."""
    return Case(
        f"direction of words {engine_params!r}",
        next(iter(engine_params)),
        "'e'",
        lambda kind: make(kind, engine_params=engine_params).fit(WORDS, Y),
    )


def frame_with(column: Any) -> pd.DataFrame:
    """A frame with one column more."""
    return FRAME.assign(e=column)


MASKED = np.ma.masked_greater(X, 2.0)
DATES = pd.date_range("2024-01-01", periods=len(X))

TABLES = [
    fit("X is missing", "X", "None", X=None),
    fit("X is a text", "X", "'table.csv'", X="table.csv"),
    fit("X is one number", "X", "3.0", X=3.0),
    fit("X has one dimension", "X", "1D array", X=X[:, 0]),
    fit("X has three dimensions", "X", "dim 3", X=X[:, :, None]),
    fit("X is a list of rows of unequal length", "X", "list", X=[[1.0], [1.0, 2.0]] * 120),
    fit("X is a dict", "X", "dict", X={"a": X[:, 0]}),
    fit("X is a generator", "X", "generator", X=(row for row in X)),
    fit("X has no rows", "X", "0 sample", X=X[:0], y=Y[:0]),
    fit("X has no columns", "X", "0 feature", X=X[:, :0]),
    fit("X is an empty frame", "X", "(0, 0)", X=pd.DataFrame(), y=[]),
    fit("X is a frame without columns", "X", "(240, 0)", X=FRAME[[]]),
    fit("X is a series", "X", "1D array", X=FRAME["a"]),
    fit("X has NaN in float16 and infinity", "X", "infinity", X=put(X, (3, 1), INF).astype("f2")),
    fit("X has infinity", "X", "infinity", X=put(X, (3, 1), INF)),
    fit("X has negative infinity", "X", "infinity", X=put(X, (3, 1), -INF)),
    fit("X is complex", "X", "Complex", X=X + 1j),
    fit("X holds words", "X", "could not convert", X=np.full(X.shape, "word")),
    fit("X holds bytes", "X", "bytes", X=np.full(X.shape, b"1.5")),
    fit("X holds dates", "X", "datetime64", X=np.full(X.shape, np.datetime64("2024-01-01"))),
    fit("X holds time spans", "X", "timedelta64", X=np.full(X.shape, np.timedelta64(3, "h"))),
    fit("X holds objects", "X", "dict", X=np.full(X.shape, {}, dtype=object)),
    fit("X holds integers beyond floats", "X", "too large", X=put(X, (0, 0), 10**400, object)),
    fit("X is a structured array", "X", "[('a', '<f8')]", X=X[:, :1].copy().view([("a", "f8")])),
    fit("X is a masked array", "X", "masked", X=MASKED),
    fit("X is sparse with infinity", "X", "infinity", X=sparse.csr_matrix(put(X, (3, 1), INF))),
    fit("X is sparse and complex", "X", "omplex", X=sparse.csr_matrix(X + 1j)),
    fit("a column is there twice", "'a'", "more than once", X=FRAME.set_axis(list("abca"), axis=1)),
    fit(
        "names of columns of two types",
        "X",
        "['int', 'str']",
        X=FRAME.set_axis(["a", 1, "b", 2], axis=1),
    ),
    fit(
        "names of columns in levels",
        "X",
        "2 levels",
        X=FRAME.set_axis(pd.MultiIndex.from_product([["u", "v"], ["a", "b"]]), axis=1),
    ),
    fit(
        "a column of periods",
        "'e'",
        "period",
        X=frame_with(pd.period_range("2024", periods=240, freq="D")),
    ),
    fit("a column of complex numbers", "'e'", "complex128", X=frame_with(1j)),
    fit("a column of mixed objects", "'e'", "['int', 'str']", X=frame_with(["a", 1] * 120)),
    fit("names of columns without a hash", "X", "[1]", X=FRAME.set_axis([[1], 2, 3, 4], axis=1)),
    fit("a column of lists", "'e'", "'list'", X=frame_with([[1, 2]] * 240)),
    fit("a column of bytes", "'e'", "'bytes'", X=frame_with([b"a"] * 240)),
    fit(
        "a column of integers beyond floats",
        "'e'",
        "10000",
        X=frame_with(pd.Series([10**400] + [1] * 239, dtype=object)),
    ),
    fit("a column with infinity", "'e'", "infinity", X=frame_with(put(Y, 0, INF))),
    fit(
        "a nullable column with infinity",
        "'e'",
        "infinity",
        X=frame_with(pd.array(put(Y, 0, INF), dtype="Float64")),
    ),
    fit(
        "a sparse column with infinity",
        "'e'",
        "infinity",
        X=frame_with(pd.arrays.SparseArray(put(Y, 0, INF))),
    ),
]

LABELS = [
    fit("y is missing", "y", "None", y=None),
    fit("y is a text", "y", "'target'", y="target"),
    fit("y has NaN", "y", "NaN", y=put(Y, 0, NAN)),
    fit("y has infinity", "y", "infinity", y=put(Y, 0, INF)),
    fit("y has None", "y", "None", y=put(Y.astype(str), 0, None, object)),
    fit("y has pd.NA", "y", "NaN", y=pd.array(put(Y, 0, None, object), dtype="Int64")),
    fit(
        "y has a missing category",
        "y",
        "NaT or None",
        y=pd.Categorical(put(Y.astype(str), 0, None, object)),
    ),
    fit("y is short", "y", "239", y=Y[1:]),
    fit("y is long", "y", "241", y=np.append(Y, 1)),
    fit("y is empty", "y", "0", y=[]),
    fit("y has two columns", "y", "(240, 2)", y=np.column_stack([Y, 1 - Y])),
    fit("y has three dimensions", "y", "(240, 1, 1)", y=Y[:, None, None]),
    fit("y has one class", "y", "1 class", y=np.zeros(240, int)),
    fit("y has one class of words", "y", "fine", y=np.full(240, "fine")),
    fit("y has one positive", "y", "1 row", y=put(np.zeros(240), 7, 1, int)),
    fit("y holds measurements", "y", "continuous", y=X[:, 0]),
    fit("y holds labels of two kinds", "y", "['int', 'str']", y=put(Y, 0, "1", object)),
    fit("y is complex", "y", "complex", y=Y + 0j),
    fit("y holds lists", "y", "list", y=pd.Series([[1], [0]] * 120)),
    fit("y is a masked array", "y", "masked", y=np.ma.masked_equal(Y, 1)),
    fit("y holds a dict", "y", "dict", y=dict(enumerate(Y))),
    fit("y is sparse", "y", "sparse", y=sparse.csr_matrix(Y[:, None])),
    fit("y holds bytes", "y", "bytes", y=np.where(Y == 1, b"y", b"n")),
    fit("y holds objects of bytes", "y", "bytes", y=np.where(Y == 1, b"y", b"n").astype(object)),
    fit("y misses a date", "y", "NaT", y=put(DAYS, 0, "NaT", DAYS.dtype)),
]

WEIGHTS = [
    fit("weights with NaN", "sample_weight", "NaN", sample_weight=put(Y + 1, 0, NAN)),
    fit("weights with infinity", "sample_weight", "infinity", sample_weight=put(Y + 1, 0, INF)),
    fit("a negative weight", "sample_weight", "-1", sample_weight=put(Y + 1, 0, -1)),
    fit("weights all zero", "sample_weight", "all zero", sample_weight=np.zeros(240)),
    fit("no weight on one class", "y", "1 class", sample_weight=1.0 - Y),
    fit("short weights", "sample_weight", "(239,)", sample_weight=np.ones(239)),
    fit("weights of two columns", "sample_weight", "(240, 2)", sample_weight=np.ones((240, 2))),
    fit("weights of words", "sample_weight", "dtype", sample_weight=np.full(240, "heavy")),
    fit("complex weights", "sample_weight", "complex", sample_weight=np.full(240, 1j)),
    fit("weights as a dict", "sample_weight", "{0: 1.0", sample_weight={0: 1.0, 1: 3.0}),
    fit("weights as a text", "sample_weight", "'balanced'", sample_weight="balanced"),
    fit("weights with None", "sample_weight", "NaN", sample_weight=put(Y, 0, None, object)),
    fit(
        "weights with a masked value",
        "sample_weight",
        "masked",
        sample_weight=np.ma.masked_equal(Y + 1, 2),
    ),
    fit("weights of dates", "sample_weight", "datetime64", sample_weight=DATES),
    fit("weights beyond float32", "sample_weight", "1e+300", sample_weight=np.full(240, 1e300)),
    fit("weights beyond counts", "sample_weight", "2.4e+19", sample_weight=np.full(240, 1e17)),
    fit("a weight beyond counts", "sample_weight", "1e+20", sample_weight=put(Y + 1, 0, 1e20)),
]

# One set of rows to validate on, and what can be wrong with it.
VAL = {"X_val": X[:60], "y_val": Y[:60]}
VALIDATION = [
    fit("X_val without y_val", "y_val", "only X_val", X_val=X),
    fit("y_val without X_val", "X_val", "only y_val", y_val=Y),
    fit("weights of no validation rows", "sample_weight_val", "X_val", sample_weight_val=Y + 1.0),
    fit("a label that y has not", "y_val", "2", X_val=X, y_val=put(Y, 0, 2, int)),
    fit("y_val of one class", "y_val", "1 class", X_val=X, y_val=np.zeros(240, int)),
    fit("y_val of words", "y_val", "'0'", X_val=X, y_val=Y.astype(str)),
    fit("y_val with NaN", "y_val", "NaN", X_val=X, y_val=put(Y, 0, NAN)),
    fit("y_val is short", "y_val", "239", X_val=X, y_val=Y[1:]),
    fit("X_val lacks a column", "X", "3 features", X_val=X[:, :3], y_val=Y),
    fit("X_val with infinity", "X", "infinity", X_val=put(X, (3, 1), INF), y_val=Y),
    fit("X_val with no rows", "X", "0 sample", X_val=X[:0], y_val=Y[:0]),
    fit(
        "validation weights with NaN",
        "sample_weight_val",
        "NaN",
        sample_weight_val=put(Y[:60], 0, NAN),
        **VAL,
    ),
    fit(
        "validation weights all zero",
        "sample_weight_val",
        "all zero",
        sample_weight_val=np.zeros(60),
        **VAL,
    ),
    fit("an eval_set of two", "eval_set", "2", eval_set=[(X, Y), (X, Y)]),
    fit("an eval_set that is no list", "eval_set", "3", eval_set=3),
    fit("an eval_set of tables", "eval_set", "2 item", eval_set=(X, Y)),
    fit("an eval_set of triples", "eval_set", "3", eval_set=[(X, Y, Y)]),
    fit("validation rows twice", "eval_set", "both", eval_set=[(X, Y)], **VAL),
]

PARAMETERS = [
    param("loss", "fokal"),
    param("loss", None),
    param("loss", gbimb.SoftmaxLoss(3), says="SoftmaxLoss"),
    param("gamma", -0.5),
    param("gamma", 1e6, says="1000000.0"),
    param("gamma", NAN),
    param("gamma", INF),
    param("gamma", "2"),
    param("gamma", True),
    param("alpha", 0.0),
    param("alpha", 1.0),
    param("alpha", NAN),
    param("alpha", "balanced"),
    param("scale_pos_weight", 0),
    param("scale_pos_weight", -1.0),
    param("scale_pos_weight", NAN),
    param("scale_pos_weight", INF),
    param("scale_pos_weight", 1e8),
    param("scale_pos_weight", 1e-30),
    param("scale_pos_weight", {0: 1e-4, 1: 1e4}, says="0.0001"),
    param("scale_pos_weight", "balance"),
    param("scale_pos_weight", [1.0, 2.0]),
    param("scale_pos_weight", {2: 1.0}, says="got 2"),
    param("scale_pos_weight", {1: -1.0}, says="-1.0"),
    param("pos_label", 7),
    param("pos_label", [1]),
    param("pos_label", range(3)),
    param("pos_label", pd.NA),
    param("pos_label", "x" * 100_000, says="xxxx"),
    param("eval_metric", "mmc"),
    param("eval_metric", ("mcc", "mmcc"), says="'mmcc'"),
    param("eval_metric", ()),
    param("eval_metric", None),
    param("eval_metric", "precision"),
    param("eval_metric", "mcc@2", says="2"),
    param("eval_metric", "fbeta:-1", says="-1"),
    param("eval_metric", ("mcc", "mcc"), says="'mcc'"),
    param("threshold", "recall"),
    param("threshold", "precision"),
    param("threshold", "specificity"),
    param("threshold", -0.1),
    param("threshold", 1.1),
    param("threshold", NAN),
    param("threshold", None),
    param("threshold", "f 1"),
    param("threshold", [0.5]),
    param("calibration", "plat"),
    param("calibration", 1),
    param("cv", 1),
    param("cv", 0),
    param("cv", -3),
    param("cv", 2.5),
    param("cv", True),
    param("cv", "hold-out"),
    param("cv", [], says="none"),
    param("cv", [(np.arange(10), np.arange(999, 1009))], says="239"),
    param("cv", [(np.arange(200), np.arange(100, 240))], says="100"),
    param("cv", [(np.flatnonzero(Y == 0)[:100], np.arange(200, 240))], says="a training part"),
    param("cv", [(np.arange(200), np.flatnonzero(Y == 0)[-5:])], says="a held-out part"),
    param("cv", [(1, 2, 3)], says="3"),
    param("cv", 60, says="60 folds"),
    param("cv", 10**400, says="1000000"),
    param("early_stopping_rounds", 0),
    param("early_stopping_rounds", -5),
    param("early_stopping_rounds", 2.5),
    param("early_stopping_rounds", 20, cv=None),
    param("n_estimators", 0),
    param("n_estimators", -1),
    param("n_estimators", 10.5),
    param("n_estimators", "many"),
    param("n_estimators", 2**40, says="1099511627776"),
    param("n_estimators", 10**5000, says="ValueError"),
    param("verbose", Unprintable(), says="Unprintable"),
    param("cv", [Unprintable()], says="RuntimeError"),
    param("learning_rate", 0.0),
    param("learning_rate", -0.1),
    param("learning_rate", NAN),
    param("learning_rate", INF),
    param("learning_rate", 1e308),
    param("reg_lambda", 1e308),
    param("min_child_weight", 1e39),
    param("max_depth", 2**40, says="1099511627776"),
    param("max_depth", -5),
    param("max_depth", 2.5),
    param("min_child_weight", -1.0),
    param("min_child_weight", NAN),
    param("subsample", 0.0),
    param("subsample", 1.5),
    param("colsample_bytree", -0.1),
    param("reg_alpha", -1.0),
    param("reg_lambda", INF),
    param("random_state", "seed"),
    param("random_state", -1),
    param("random_state", 2**64, says="18446744073709551616"),
    param("n_jobs", 0),
    param("n_jobs", 2.5),
    param("n_jobs", 100_000),
    param("verbose", -1),
    param("engine_params", ["num_leaves"]),
    param("engine_params", {"nonsense": 1}, says="'nonsense'"),
    param("engine_params", {3: 1}, says="3"),
    param("engine_params", {"max_bin": slice(1)}, says="slice"),
    param("engine_params", {"max_bin": {"a": {}}}, says="'a'"),
    param("engine_params", {"max_bin": NAN}, says="nan"),
    param("engine_params", {"max_bin": []}, says="[]"),
    param("engine_params", {"max_delta_step": "\ud800"}, says="ud800"),
    param("engine_params", {"max_delta_step": 10**400}, says="10000"),
    param("engine_params", {"max_delta_step": 1 + 2j}, says="complex"),
    param("engine_params", {"max_delta_step": len}, says="built-in"),
    param("checkpoint_path", ""),
    param("checkpoint_path", "a\0b", says="null byte"),
    param("engine_params", {"interaction_constraints": [[0, 99]]}, says="99"),
    param("engine_params", {"interaction_constraints": "0, 1"}, says="'0, 1'"),
    param("engine_params", {"interaction_constraints": 5}, says="5"),
    param("engine_params", {"monotone_constraints": (5,) * 9}, says="(5, 5"),
    param("engine_params", {"monotone_constraints": (1, 0)}, says="(1, 0)"),
    param("engine_params", {"monotone_constraints": "(1,0)"}, says="'(1,0)'"),
    param("engine_params", {"seed": 3}, says="random_state="),
    param("engine_params", {"learning_rate": 0.1}, says="learning_rate="),
    param("engine_params", {"eta": 0.1}, says="learning_rate="),
    param("engine_params", {"objective": "binary"}, says="loss="),
]

LGBM_PARAMETERS = [
    param("num_leaves", 1),
    param("num_leaves", 2**20, says="1048576"),
    param("min_child_samples", -1),
    param("engine_params", {"is_unbalance": True}, says="'is_unbalance'"),
    param("engine_params", {"forced_splits": "none.json"}, says="'none.json'"),
    param("engine_params", {"forcedbins_filename": ""}, says="''"),
    param("engine_params", {"forcedbins_filename": 7}, says="7"),
    param("engine_params", {"machines": "127.0.0.1:9"}, says="gbimb.dask"),
    param("min_child_samples", 2**31, says="2147483648"),
    param("subsample", 1e-9, says="a row"),
    param("engine_params", {"weight": "w"}, says="'weight'"),
    param("engine_params", {"input_model": "m.txt"}, says="'input_model'"),
    param("engine_params", {"scale_pos_weight": 9.0}, says="'scale_pos_weight'"),
    param("engine_params", {"boost_from_average": True}, says="'boost_from_average'"),
    param("engine_params", {"metric": "auc"}, says="eval_metric="),
    param("engine_params", {"num_class": 3}, says="'num_class'"),
    param("engine_params", {"boosting": "dart"}, says="'boosting'"),
    param("engine_params", {"linear_tree": True, "lambda_l1": 1.0}, says="reg_alpha="),
    param("engine_params", {"max_bin": 1}, says="max_bin"),
    param("engine_params", {"max_bin": "many"}, says="max_bin"),
    param("engine_params", {"max_bin": None}, says="max_bin"),
    param("engine_params", {"monotone_constraints": [1]}, says="monotone_constraints"),
    param("engine_params", {"mc": [True, 0, 0, 0]}, says="[True, 0"),
    param("engine_params", {"mc": [[1], 0, 0, 0]}, says="[[1], 0"),
    Case(
        "linear leaves with directions",
        "linear_tree",
        "[1, 0, 0, 0]",
        lambda kind: make(kind, engine_params={"mc": [1, 0, 0, 0], "linear_trees": "+"}).fit(X, Y),
    ),
    direction({"monotone_constraints": [0, 0, 0, 0, -1]}),
    direction({"mc": (0, 0, 0, 0, 1)}),
    direction({"monotonic_cst": [1, 0, 0, 0, 1], "mc_method": "advanced"}),
    param("engine_params", {"device_type": "abacus"}, says="abacus"),
]

XGB_PARAMETERS = [
    param("max_leaves", -1),
    direction({"monotone_constraints": (0, 0, 0, 0, -1)}),
    direction({"monotone_constraints": "(1, 0, 0, 0, 1)"}),
    direction({"monotone_constraints": {"e": 1}}),
    param("gamma_split", -1.0),
    param("gamma_split", INF),
    param("engine_params", {"scale_pos_weight": 9.0}, says="'scale_pos_weight'"),
    param("engine_params", {"base_score": 0.5}, says="'base_score'"),
    param("engine_params", {"eval_metric": "auc"}, says="eval_metric="),
    param("engine_params", {"num_class": 3}, says="'num_class'"),
    param("engine_params", {"booster": "gblinear"}, says="'booster'"),
    param("engine_params", {"tree_method": "exact"}, says="'tree_method'"),
    param("engine_params", {"max_bin": 1}, says="max_bin"),
    param("engine_params", {"max_bin": "many"}, says="max_bin"),
    param("engine_params", {"max_cat_threshold": "many"}, says="max_cat_threshold"),
    param("engine_params", {"device": "abacus"}, says="'device'"),
]

BAG_PARAMETERS = [
    param("n_estimators", 0),
    param("n_estimators", 2.5),
    param("estimator", DecisionTreeClassifier, says="DecisionTreeClassifier"),
    param("estimator", "tree"),
    param("estimator", 3),
    param("estimator", LGBM(cv=3), says="cv=3"),
    param("estimator", LGBM(calibration="beta"), says="calibration='beta'"),
    Case(
        "estimator with gamma -1",
        "gamma",
        "-1.0",
        lambda kind: make(kind, estimator=LGBM(gamma=-1.0)).fit(X, Y),
    ),
    param("sampling_strategy", 0.0),
    param("sampling_strategy", -1.0),
    param("sampling_strategy", NAN),
    param("sampling_strategy", "majority"),
    param("sampling_strategy", {7: 10}, says="7"),
    param("sampling_strategy", {0: 0}, says="0"),
    param("sampling_strategy", {0: 10**6}, says="1000000"),
    param("replacement", "yes"),
    param("sampling", "greedy"),
    param("sampling", "self_paced", replacement=True),
    param("eval_metric", "mmc"),
    param("eval_metric", ("mcc", "f1")),
    param("threshold", "recall"),
    param("eval_metric", "recall"),
    param("threshold", 2.0),
    param("threshold", "f 1"),
    param("calibration", "plat"),
    param("warm_start", "yes"),
    param("random_state", "seed"),
    param("n_jobs", 0),
    param("n_jobs", 1.5),
    param("verbose", -1),
]

AUTO_PARAMETERS = [
    param("metric", "mmc"),
    param("metric", "recall"),
    param("metric", "mcc@0.5"),
    param("metric", None),
    param("metric", [[0, 1]], says="(1, 2)"),
    param("metric", [[0, -1], [5, 0]], says="cost"),
    param("metric", [[0, NAN], [5, 0]], says="cost"),
    param("metric", "recall at precision >= 2", says="2"),
    param("engine", "catboost"),
    param("engine", None),
    param("time_budget", 0),
    param("time_budget", -1.0),
    param("time_budget", INF),
    param("time_budget", NAN),
    param("time_budget", "1h"),
    param("time_budget", None, n_trials=None),
    param("n_trials", 0),
    param("n_trials", 1.5),
    param("pos_label", 7),
    param("random_state", "seed"),
    param("n_jobs", 0),
    param("verbose", -1),
]


def predict(name: str, argument: str, got: str, table: Any) -> Case:
    """Give a table to a classifier fitted on ``FRAME`` with a column of words more."""
    return Case(name, argument, got, lambda clf: clf.predict_proba(table))


WORDS = FRAME.assign(e=np.where(X[:, 1] > 0, "up", "down"))
PREDICT = [
    predict("X lacks a column", "X", "none named 'b'", WORDS.drop(columns="b")),
    predict("X has a column more", "X", "got 'f'", WORDS.assign(f=1)),
    predict("a column has another name", "X", "'B'", WORDS.rename(columns={"b": "B"})),
    predict(
        "a column is there twice", "'a'", "more than once", WORDS[["a", "b", "c", "d", "e", "a"]]
    ),
    predict("an array for a frame with words", "X", "array", X),
    predict("words for numbers", "'a'", "number at fit", WORDS.assign(a="high")),
    predict("dates for numbers", "'a'", "datetime64", WORDS.assign(a=DATES)),
    predict("complex numbers for numbers", "'a'", "complex", WORDS.assign(a=1j)),
    predict("lists for numbers", "'a'", "object", WORDS.assign(a=[[1]] * 240)),
    predict("numbers for words", "'e'", "int64", WORDS.assign(e=3)),
    predict("booleans for words", "'e'", "bool", WORDS.assign(e=True)),
    predict("dates for words", "'e'", "datetime64", WORDS.assign(e=DATES)),
    predict("lists for words", "'e'", "list", WORDS.assign(e=[[1]] * 240)),
    predict("numbers among words", "'e'", "['int', 'str']", WORDS.assign(e=["up", 1] * 120)),
    predict("infinity", "'a'", "infinity", WORDS.assign(a=INF)),
    predict("no rows", "X", "(0, 5)", WORDS.iloc[:0]),
    predict("nothing", "X", "None", None),
    predict("a text", "X", "'new.csv'", "new.csv"),
    predict("a row", "X", "1D", WORDS.iloc[0]),
]
