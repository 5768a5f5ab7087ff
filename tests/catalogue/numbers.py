"""What losses, metrics, thresholds and corrections may be given that they cannot use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import gbimb
from gbimb import metrics, thresholds
from gbimb.decisions import sampling
from gbimb.losses.experimental import SoftmaxMCCLoss
from tests.catalogue.case import Case

if TYPE_CHECKING:
    from collections.abc import Callable

Y = np.array([0, 1, 0, 1, 0, 0])
S = np.array([-1.0, 0.5, 0.2, 2.0, -3.0, 0.0])
P = 1 / (1 + np.exp(-S))
CODES = np.array([0, 1, 2, 1, 0, 0])
MANY = np.random.default_rng(0).normal(size=(6, 3))
SHARES = np.full((6, 3), 1 / 3)
NAN, INF = float("nan"), float("inf")

FOCAL, SOFT = gbimb.FocalLoss(), gbimb.SoftMCCLoss()
SOFTMAX, SOFT_MANY = gbimb.SoftmaxFocalLoss(3), SoftmaxMCCLoss(3)


def case(
    name: str,
    argument: str,
    got: str,
    act: Callable[..., Any],
    *args: Any,
    **more: Any,
) -> Case:
    """Call ``act`` with arguments."""
    return Case(name, argument, got, partial(act, *args, **more))


def parameter(kind: Any, name: str, value: Any, *args: Any, got: str = "") -> Case:
    """Make a loss with one parameter."""
    label = f"{kind.__name__}({name}={value!r})"
    return case(label, name, got or repr(value), kind, *args, **{name: value})


def rows_of(loss: Any, y: Any, score: Any) -> list[Case]:
    """Rows that each method of a loss refuses."""
    name = type(loss).__name__
    wrong = score.copy()
    wrong[0] = NAN
    endless = score.copy()
    endless[0] = INF
    negative = np.array([1.0, -1, 1, 1, 1, 1])
    return [
        case(f"{name}.{method}: {what}", argument, got, getattr(loss, method), *given)
        for method in ("loss", "gradient", "hessian", "gradient_curvature")
        for what, argument, got, given in (
            ("NaN scores", "raw_score", "NaN", (y, wrong)),
            ("infinite scores", "raw_score", "infinity", (y, endless)),
            ("fewer scores than labels", "raw_score", "(5", (y, score[1:])),
            ("scores of words", "raw_score", "<U1", (y, np.full(score.shape, "a"))),
            ("complex scores", "raw_score", "complex", (y, score + 1j)),
            ("labels beyond the classes", "y_true", "7", (np.where(y == 1, 7, y), score)),
            ("labels of words", "y_true", "<U", (y.astype(str), score)),
            ("labels with NaN", "y_true", "nan", (np.where(y == 1, NAN, y), score)),
            ("labels of two dimensions", "y_true", "(6, 1)", (y[:, None], score)),
            ("a negative weight", "sample_weight", "-1", (y, score, negative)),
            ("NaN weights", "sample_weight", "NaN", (y, score, np.where(y == 1, NAN, 1.0))),
            ("fewer weights than labels", "sample_weight", "(5,)", (y, score, np.ones(5))),
            ("masked weights", "sample_weight", "masked", (y, score, np.ma.masked_equal(y, 1))),
        )
    ]


LOSSES = [
    parameter(gbimb.FocalLoss, "gamma", -1.0),
    parameter(gbimb.FocalLoss, "gamma", 101),
    parameter(gbimb.FocalLoss, "gamma", NAN),
    parameter(gbimb.FocalLoss, "gamma", "2"),
    parameter(gbimb.FocalLoss, "gamma", None),
    parameter(gbimb.FocalLoss, "alpha", 0),
    parameter(gbimb.FocalLoss, "alpha", 1),
    parameter(gbimb.FocalLoss, "alpha", NAN),
    parameter(gbimb.FocalLoss, "scale_pos_weight", 0),
    parameter(gbimb.FocalLoss, "scale_pos_weight", -3.0),
    parameter(gbimb.FocalLoss, "scale_pos_weight", NAN),
    parameter(gbimb.FocalLoss, "scale_pos_weight", INF),
    parameter(gbimb.FocalLoss, "scale_pos_weight", "balanced"),
    parameter(gbimb.LogisticLoss, "scale_pos_weight", 0.0),
    parameter(gbimb.LogisticLoss, "scale_pos_weight", True),
    parameter(gbimb.SoftMCCLoss, "scale_pos_weight", -1),
    parameter(gbimb.SoftFBetaLoss, "beta", 0),
    parameter(gbimb.SoftFBetaLoss, "beta", INF),
    parameter(gbimb.SoftFBetaLoss, "beta", "1"),
    parameter(gbimb.SoftmaxLoss, "n_classes", 1),
    parameter(gbimb.SoftmaxLoss, "n_classes", 2.5),
    parameter(gbimb.SoftmaxLoss, "n_classes", 10**9),
    parameter(SoftmaxMCCLoss, "n_classes", 10**9),
    parameter(gbimb.SoftmaxLoss, "n_classes", "3"),
    parameter(gbimb.SoftmaxLoss, "class_weight", (1.0, 2.0), 3, got="2"),
    parameter(gbimb.SoftmaxLoss, "class_weight", (1.0, 0.0, 2.0), 3, got="0.0"),
    parameter(gbimb.SoftmaxLoss, "class_weight", 3.0, 3),
    parameter(gbimb.SoftmaxFocalLoss, "gamma", -2, 3),
    *rows_of(FOCAL, Y, S),
    *rows_of(SOFT, Y, S),
    *rows_of(SOFTMAX, CODES, MANY),
    *rows_of(SOFT_MANY, CODES, MANY),
    case("one class to start from", "y_true", "0 of 6", FOCAL.init_score, np.zeros(6)),
    case("a class without weight", "y_true", "0 of 4", FOCAL.init_score, Y, 1.0 - Y),
    case("a class is missing of many", "y_true", "2", SOFTMAX.init_score, CODES % 2),
    case("no rows to start from", "y_true", "0 of 0", FOCAL.init_score, []),
    *(
        case(
            f"{type(loss).__name__}: weights with an infinite sum",
            "sample_weight",
            "1e+308",
            loss.init_score,
            y,
            np.full(6, 1e308),
        )
        for loss, y in ((FOCAL, Y), (SOFT, Y), (SOFTMAX, CODES))
    ),
    case("probability of NaN", "raw_score", "NaN", FOCAL.probability, [NAN, 1.0]),
    case("probability of words", "raw_score", "<U1", FOCAL.probability, ["a"]),
    case("probabilities of two of three", "raw_score", "(6, 2)", SOFTMAX.probability, MANY[:, :2]),
    case("raw score at 1.5", "probability", "1.5", FOCAL.raw_score_at, 1.5),
    case("raw score at NaN", "probability", "nan", FOCAL.raw_score_at, NAN),
    case(
        "buffers of float64",
        "out",
        "float64",
        FOCAL.gradient_curvature,
        Y,
        S,
        out=(np.empty(6), np.empty(6)),
    ),
    case("one buffer", "out", "1", FOCAL.gradient_curvature, Y, S, out=(np.empty(6),)),
    case(
        "gradients beyond float32",
        "gradient",
        "larger",
        gbimb.FocalLoss(scale_pos_weight=1e300).gradient_curvature,
        Y,
        S,
    ),
]

SCORES = (
    metrics.mcc_score,
    metrics.f1_score,
    metrics.precision_score,
    metrics.balanced_accuracy_score,
)
METRICS = [
    *(
        case(f"{score.__name__}: scores for labels", "y_pred", "0.5", score, Y, np.full(6, 0.5))
        for score in SCORES
    ),
    *(
        case(f"{score.__name__}: lengths differ", "y_pred", "(5,)", score, Y, Y[1:])
        for score in SCORES
    ),
    *(case(f"{score.__name__}: no predictions", "y_pred", "missing", score, Y) for score in SCORES),
    *(
        case(f"{score.__name__}: NaN weights", "sample_weight", "NaN", score, Y, Y, Y * NAN)
        for score in SCORES
    ),
    case(
        "counts and arrays",
        "y_pred",
        "counts",
        metrics.mcc_score,
        metrics.ConfusionCounts(1, 1, 1, 1),
        Y,
    ),
    case("beta 0", "beta", "0", metrics.f_beta_score, Y, Y, beta=0),
    case("beta NaN", "beta", "nan", metrics.f_beta_score, Y, Y, beta=NAN),
    case("labels of words", "y_true", "<U4", metrics.mcc_score, ["good", "bad"], ["good", "bad"]),
    case("labels -1 and 1", "y_true", "-1", metrics.mcc_score, 2 * Y - 1, 2 * Y - 1),
    case(
        "labels of two columns", "y_true", "(6, 2)", metrics.mcc_score, np.eye(2)[Y], np.eye(2)[Y]
    ),
    case("labels of unequal length", "y_true", "unequal", metrics.mcc_score, [[1], [0, 1]], Y),
    case("masked labels", "y_true", "masked", metrics.mcc_score, np.ma.masked_equal(Y, 1), Y),
    case("one label", "y_true", "1", metrics.mcc_score, 1, 1),
    case("negative counts", "tp", "-1", metrics.ConfusionCounts, -1, 0, 0, 0),
    case("counts of NaN", "fp", "nan", metrics.ConfusionCounts, 1, NAN, 0, 0),
    case("counts of words", "fn", "many", metrics.ConfusionCounts, 1, 1, "many", 0),
    case(
        "a matrix that is not square", "matrix", "(2, 3)", metrics.MulticlassCounts, np.ones((2, 3))
    ),
    case("a matrix below zero", "matrix", "-1", metrics.MulticlassCounts, -np.eye(3)),
    case(
        "codes beyond the classes",
        "y_true",
        "7",
        metrics.MulticlassCounts.from_labels,
        [0, 7],
        [0, 1],
        3,
    ),
    case(
        "predicted codes beyond the classes",
        "y_pred",
        "7",
        metrics.MulticlassCounts.from_labels,
        [0, 1],
        [0, 7],
        3,
    ),
    case(
        "codes with halves",
        "y_true",
        "0.5",
        metrics.MulticlassCounts.from_labels,
        [0, 0.5],
        [0, 1],
        3,
    ),
    case("zero classes", "n_classes", "0", metrics.MulticlassCounts.from_labels, [0, 1], [0, 1], 0),
    case("scores with NaN", "y_score", "NaN", metrics.threshold_curve, Y, np.where(Y, NAN, S)),
    case("fewer scores than labels", "y_score", "(5,)", metrics.threshold_curve, Y, S[1:]),
    case("a curve of no rows", "y_true", "none", metrics.threshold_curve, [], []),
    case("best threshold of no rows", "y_true", "none", metrics.best_threshold, [], []),
    case("best threshold: unknown metric", "metric", "'mmc'", metrics.best_threshold, Y, S, "mmc"),
    case("best threshold: an area", "metric", "'roc_auc'", metrics.best_threshold, Y, S, "roc_auc"),
    case("best threshold: scores with NaN", "y_score", "NaN", metrics.best_threshold, Y, S * NAN),
    case(
        "best threshold: weights all zero",
        "sample_weight",
        "all zero",
        metrics.best_threshold,
        Y,
        S,
        "mcc",
        np.zeros(6),
    ),
    case("metric None", "metric", "None", metrics.get_metric, None),
    case("metric without a number", "metric", "'mcc@high'", metrics.get_metric, "mcc@high"),
    case("metric beyond 1", "threshold", "1.5", metrics.get_metric, "mcc@1.5"),
    case("metric NaN", "threshold", "nan", metrics.get_metric, "mcc@nan"),
    case("fbeta of a word", "metric", "'fbeta:x'", metrics.get_metric, "fbeta:x"),
    case("fbeta of nothing", "metric", "'fbeta:'", metrics.get_metric, "fbeta:"),
    case(
        "a bound beyond 1", "precision", "2", metrics.get_count_metric, "recall at precision >= 2"
    ),
    case("one-sided", "thresholds", "'recall'", metrics.get_metric, "recall"),
    case("no bound", "precision", "0", metrics.get_count_metric, "recall at precision >= 0"),
    *(
        case(f"{act.__name__}: {name}", "metric", f"'{name}'", act, Y, P, name)
        for name in ("precision", "recall", "specificity")
        for act in (metrics.best_threshold, thresholds.choose_threshold)
    ),
    case("metric for many", "metric", "'roc_auc'", metrics.get_multiclass_metric, "roc_auc"),
]

RULES = [
    case(
        "threshold: labels of words", "y_true", "<U", thresholds.choose_threshold, Y.astype(str), P
    ),
    case("threshold: raw scores", "y_proba", "2.5", thresholds.choose_threshold, Y, S + 2),
    case("threshold: NaN", "y_proba", "nan", thresholds.choose_threshold, Y, P * NAN),
    case("threshold: words", "y_proba", "<U1", thresholds.choose_threshold, Y, np.full(6, "a")),
    case("threshold: lengths differ", "y_proba", "(5,)", thresholds.choose_threshold, Y, P[1:]),
    case(
        "threshold: two columns",
        "y_proba",
        "(6, 2)",
        thresholds.choose_threshold,
        Y,
        np.column_stack([1 - P, P]),
    ),
    case("threshold: one class", "y_true", "one only", thresholds.choose_threshold, Y * 0, P),
    case("threshold: no rows", "y_true", "none", thresholds.choose_threshold, [], []),
    case("threshold: unknown metric", "metric", "'mmc'", thresholds.choose_threshold, Y, P, "mmc"),
    case(
        "threshold: negative weights",
        "sample_weight",
        "-1",
        thresholds.choose_threshold,
        Y,
        P,
        "mcc",
        -np.ones(6),
    ),
    case(
        "threshold: weight on one class",
        "y_true",
        "one only",
        thresholds.choose_threshold,
        Y,
        P,
        "mcc",
        Y,
    ),
    case(
        "threshold: a seed of words",
        "random_state",
        "'seed'",
        thresholds.choose_threshold,
        Y,
        P,
        random_state="seed",
    ),
    case("class weights: one column", "y_proba", "(6,)", thresholds.fit_class_weights, CODES, P),
    case(
        "class weights: lengths differ",
        "y_proba",
        "5 rows",
        thresholds.fit_class_weights,
        CODES,
        SHARES[1:],
    ),
    case("class weights: raw scores", "y_proba", "-", thresholds.fit_class_weights, CODES, MANY),
    case(
        "class weights: a fourth label",
        "y_true",
        "3",
        thresholds.fit_class_weights,
        CODES + 1,
        SHARES,
    ),
    case(
        "class weights: one class",
        "y_true",
        "fewer",
        thresholds.fit_class_weights,
        CODES * 0,
        SHARES,
    ),
    case(
        "class weights: unknown metric",
        "metric",
        "'mmc'",
        thresholds.fit_class_weights,
        CODES,
        SHARES,
        "mmc",
    ),
    case("prior: probabilities beyond 1", "proba", "2.0", gbimb.correct_prior, [2.0], 0.5, 0.1),
    case("prior: NaN", "proba", "nan", gbimb.correct_prior, [NAN], 0.5, 0.1),
    case("prior: words", "proba", "<U1", gbimb.correct_prior, ["a"], 0.5, 0.1),
    case("prior: three dimensions", "proba", "(1, 1, 1)", gbimb.correct_prior, [[[0.5]]], 0.5, 0.1),
    case("prior: resampled 0", "resampled_prevalence", "0.0", gbimb.correct_prior, [0.5], 0.0, 0.1),
    case("prior: true 1", "true_prevalence", "1.0", gbimb.correct_prior, [0.5], 0.5, 1.0),
    case("prior: true NaN", "true_prevalence", "nan", gbimb.correct_prior, [0.5], 0.5, NAN),
    case("prior: a word", "true_prevalence", "low", gbimb.correct_prior, [0.5], 0.5, "low"),
    case(
        "prior: too few classes",
        "true_prevalence",
        "0.1",
        gbimb.correct_prior,
        SHARES,
        [0.2, 0.3, 0.5],
        0.1,
    ),
    case(
        "prior: shares that do not add up",
        "true_prevalence",
        "0.9",
        gbimb.correct_prior,
        SHARES,
        [0.2, 0.3, 0.5],
        [0.9, 0.9, 0.1],
    ),
    case(
        "sampling: negative",
        "sampling_strategy",
        "-1",
        sampling.resolve_sampling_strategy,
        -1,
        [9, 3],
        [0, 1],
    ),
    case(
        "sampling: a word",
        "sampling_strategy",
        "'all'",
        sampling.resolve_sampling_strategy,
        "all",
        [9, 3],
        [0, 1],
    ),
    case(
        "sampling: unknown label",
        "sampling_strategy",
        "7",
        sampling.resolve_sampling_strategy,
        {7: 1},
        [9, 3],
        [0, 1],
    ),
    case(
        "sampling: more than there are",
        "sampling_strategy",
        "10",
        sampling.resolve_sampling_strategy,
        {0: 10},
        [9, 3],
        [0, 1],
    ),
]
