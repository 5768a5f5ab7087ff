"""A fitted classifier and its predictions as data, for reports and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from scipy.special import expit, softmax

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray, IntArray


class RowPredictions(NamedTuple):
    """Predictions of a table.

    Attributes
    ----------
    proba : float64 array of shape (n, K)
        As of ``predict_proba``.
    uncorrected : float64 array of shape (n, K)
        The sigmoid or softmax of the raw scores, before link, prior and calibration.
    codes : intp array of shape (n,)
        Positions of the predicted labels in ``classes_``.
    """

    proba: FloatArray
    uncorrected: FloatArray
    codes: IntArray


def predict_rows(model: Any, X: Any) -> RowPredictions:  # any of our estimators
    """Return all predictions from one pass over the trees."""
    raw = model.raw_score(X)
    fitted = model.model_
    proba = fitted.probability(raw)
    plain = softmax(raw, axis=1) if raw.ndim == 2 else fitted.classes.columns(expit(raw))
    return RowPredictions(proba, plain, fitted.rule.decide(proba))


def describe_model(model: Any) -> dict[str, Any]:  # any of our estimators
    """Return what a fitted classifier is, how it was trained and how it decides.

    What an estimator does not have is None: ``positive``, ``threshold`` and ``guarantee`` belong
    to two classes, ``class_weights`` to more, ``history``, ``best_iteration`` and
    ``best_iterations`` (by member) to estimators with held-out rows and a booster of their own.
    ``columns`` are dicts of name, kind, number of categories and importance; ``changed`` the
    parameters without their defaults.
    """
    history = getattr(model, "evals_result_", None) or None
    best_iteration = getattr(model, "best_iteration_", None)
    kept = getattr(model, "best_iterations_", {})
    if history is not None and not kept:
        kept = {next(iter(history)): best_iteration}
    parameters = model.get_params(deep=False)
    defaults = type(model)().get_params(deep=False)
    weights = getattr(model, "class_weights_", None)
    return {
        "class": type(model).__name__,
        "classes": model.classes_.tolist(),
        "positive": model.pos_label_,
        "threshold": getattr(model, "threshold_", None),
        "guarantee": getattr(model, "guarantee_", None),
        "class_weights": None if weights is None else weights.tolist(),
        "loss": repr(model.loss_),
        "parameters": parameters,
        "changed": {k: v for k, v in parameters.items() if repr(v) != repr(defaults[k])},
        "columns": _columns(model),
        "history": history,
        "best_iteration": best_iteration,
        "best_iterations": kept,
        "best_score": getattr(model, "best_score_", None),
        "oob_score": getattr(model, "oob_score_", None),
        "validation": getattr(model, "validation_", None),
        "choice": model.explain_choice() if hasattr(model, "explain_choice") else None,
    }


def _columns(model: Any) -> list[dict[str, Any]]:
    encoder = model.model_.schema.encoder
    known = {column.name: column.categories for column in encoder.columns}
    names = list(getattr(model, "feature_names_in_", range(model.n_features_in_)))
    gains = getattr(model, "feature_importances_", [None] * len(names))
    return [
        {
            "name": str(name),
            "kind": "number" if known.get(name) is None else "category",
            "categories": len(known.get(name) or ()),
            "importance": None if gain is None else float(gain),
        }
        for name, gain in zip(names, gains, strict=True)
    ]
