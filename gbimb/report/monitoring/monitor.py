"""A model on rows that came after its training: what changed, and whether its promises hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import gammainc, gammaincc, ndtr

from gbimb.decisions.held_out import ALONE
from gbimb.decisions.marginals import Marginals
from gbimb.estimators.adapting import NewRows, estimate, shares_of, standard_errors
from gbimb.report._model import environment
from gbimb.report._rows import label_codes
from gbimb.report.monitoring.changes import NOTABLE, alarms, stability_index, verdict
from gbimb.report.monitoring.groups import trained_effects, widened
from gbimb.report.monitoring.promises import flagged_share, kept_promises
from gbimb.tables.files.chunks import sample_rows
from gbimb.tables.files.match import as_text, label_options, match_columns, text_columns
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.files.read import require_columns
from gbimb.validation import check_number

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.held_out import GroupEffects
    from gbimb.decisions.prevalence import PrevalenceEstimate

FORMAT: Final = 1
SAMPLE: Final = 20_000
"""Rows that are looked at: of a million, as many say as much to two digits."""

LEVEL: Final = 0.05
"""Of the test whether the prevalence moved: as often it is said where nothing did."""

LEAST_SKEWNESS: Final = 1e-3


@dataclass(frozen=True, repr=False)
class Monitoring:
    """What became of a model on new rows.

    Attributes
    ----------
    facts : dict
        All numbers and sentences, plain values and arrays; ``facts["broken"]`` says whether a
        promise is broken, ``facts["alarms"]`` what changed.
    table : DataFrame
        A row for each column that was compared, those that moved most first.
    """

    facts: dict[str, Any]
    table: pd.DataFrame

    def __repr__(self) -> str:
        """Return the verdict."""
        return f"<Monitoring: {' '.join(self.facts['verdict'])} See .facts, .table, .save(path)>"

    def save(self, path: str | Path) -> list[str]:
        """Write the report, and its numbers beside it; return the names of the files.

        Parameters
        ----------
        path : str or Path
            Ends in .html; the numbers are ``<name>_numbers.json`` and ``<name>_numbers.csv``.

        Raises
        ------
        GbimbError
            If jinja2 or matplotlib is not installed, or the path cannot hold a report.
        """
        from gbimb.report._render import check_path, monitor_page, write_report

        return write_report(check_path(path), monitor_page(self.facts), self.facts, self.table)


def monitor(
    model: Any,  # any of our estimators
    data: pd.DataFrame | str | Path,
    target: str | None = None,
    *,
    rows: int = SAMPLE,
    random_state: int = 0,
    known: ReadOptions = AS_FOUND,
    command: str = "",
) -> Monitoring:
    """Compare new rows with what a fitted model keeps of its training.

    Without labels: the share of rows that are flagged, the prevalence that the scores speak for
    with an interval, and how scores and columns moved. With labels: whether the guarantee of the
    threshold holds, or else precision and recall on held-out rows.

    Parameters
    ----------
    model : fitted estimator of gbimb
    data : DataFrame, str or Path
        New rows; a file or a folder of CSV or Parquet files.
    target : str, optional
        Column with the label.
    rows : int, default=20_000
        Rows to look at, drawn at random from larger tables.
    random_state : int, default=0
        Of that drawing.
    known : gbimb.tables.files.options.ReadOptions, optional
        How a file is read where its cells leave a choice; columns and labels are read as at fit.
    command : str, optional
        The command line, to reproduce the report.

    Returns
    -------
    Monitoring

    Raises
    ------
    GbimbError
        If the file, a column or the model cannot be used.

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
    probabilities. 2002. doi:10.1162/089976602753284446.

    Examples
    --------
    >>> import numpy as np, pandas as pd, gbimb
    >>> from gbimb import report
    >>> rng = np.random.default_rng(0)
    >>> def month(n, shift=0.0):
    ...     x = rng.normal(shift, 1.0, n)
    ...     return pd.DataFrame({"x": x, "fraud": x + rng.normal(size=n) > 2.5})
    >>> train = month(4000)
    >>> clf = gbimb.ImbalancedLGBMClassifier(random_state=0).fit(train[["x"]], train["fraud"])
    >>> report.monitor(clf, month(4000)).facts["alarms"]
    []
    >>> len(report.monitor(clf, month(4000, shift=1.0)).facts["alarms"]) > 0
    True
    """
    check_number("rows", rows, low=100, integer=True)
    names = [as_text(label) for label in model.classes_.tolist()]
    frame, total, file = _read(model, data, target, known, rows=rows, seed=random_state)
    table = match_columns(model, frame, file, known)
    new = NewRows.of(model, table)
    # Those of groups in training are expected here, too: of few rows drawn from many, less.
    effects = trained_effects(model.model_).of_some(len(frame) / total)
    codes, flagged = _decided(model, new.proba, effects)
    found = widened(estimate(model.model_, new), effects)
    prevalence = _prevalence(model, new.proba, found, names, effects)
    scores = _scores(model, new.proba, found)
    columns = _columns(model, new, found, table.isna().mean(), effects)
    facts: dict[str, Any] = {
        "format": FORMAT,
        "title": file,
        "model": {"class": type(model).__name__, "validation": str(model.model_.validation)},
        "data": {"file": file, "target": target},
        "rows": total,
        "rows_looked_at": len(frame),
        "positive": str(model.pos_label_) if len(names) == 2 else None,
        "threshold": float(model.threshold_) if len(names) == 2 else None,
        "flagged": flagged,
        "prevalence": prevalence,
        "scores": scores,
        "columns": columns,
        "labels": None,
        "groups": trained_effects(model.model_) != ALONE,
        "command": command,
        "versions": environment(),
    }
    if target is not None:
        labels = label_options(model, target, known).clean_labels(frame[target])
        there = labels.notna().to_numpy()
        if there.any():  # labels of the last weeks may not be there yet
            labels, codes = labels[there], codes[there]
        truth = label_codes(labels, names)
        facts["labels"] = kept_promises(model, truth, codes, effects)
        facts["labels"]["missing"] = int(np.count_nonzero(~there))
    facts["alarms"] = alarms(facts)
    facts["broken"] = bool(facts["labels"] and facts["labels"]["broken"])
    facts["verdict"] = verdict(facts)
    return Monitoring(facts, pd.DataFrame(columns))


def _read(
    model: Any,
    data: pd.DataFrame | str | Path,
    target: str | None,
    known: ReadOptions,
    *,
    rows: int,
    seed: int,
) -> tuple[pd.DataFrame, int, str]:
    """Return some rows, how many there are, and what they are called."""
    wanted = [] if target is None else [target]
    if isinstance(data, pd.DataFrame):
        frame, total, file = data, len(data), "data"
        if total > rows:
            drawn = np.random.default_rng(seed).choice(total, rows, replace=False)
            frame = data.iloc[np.sort(drawn)]
    else:
        path = Path(data)
        columns = [*map(str, getattr(model, "feature_names_in_", [])), *wanted]
        frame, total = sample_rows(
            path, "DATA", columns, rows=rows, seed=seed, text=text_columns(model), known=known
        )
        file = path.name
    require_columns(frame.columns, file, {"target": wanted})
    return frame.reset_index(drop=True), total, file


def _decided(
    model: Any, in_training: FloatArray, effects: GroupEffects
) -> tuple[IntArray, dict[str, Any]]:
    """Return the predicted class codes, and the share of rows flagged beside what it was."""
    fitted = model.model_
    columns = fitted.classes.columns(fitted.adapted(in_training))
    codes: IntArray = np.asarray(fitted.rule.decide(columns), np.intp)
    if model.classes_.size > 2:
        share = np.bincount(codes, minlength=model.classes_.size) / codes.size
        return codes, {"share": share.tolist(), "low": None, "high": None, "expected": None}
    return codes, flagged_share(fitted, codes == fitted.classes.positive_code, effects)


def _prevalence(
    model: Any,
    proba: FloatArray,
    found: PrevalenceEstimate,
    names: list[str],
    effects: GroupEffects,
) -> list[dict[str, Any]]:
    """Return a row for the positive class of two, or for each of more."""
    expected = np.atleast_1d(model.prevalence_)
    labels = [str(model.pos_label_)] if len(names) == 2 else names
    p_values = _p_values(model, proba, effects)
    level = LEVEL / p_values.size
    ends = zip(*(np.atleast_1d(v) for v in (found.prevalence, found.low, found.high)), strict=True)
    return [
        {
            "label": label,
            "expected": float(before),
            "estimate": float(value),
            "low": float(low),
            "high": float(high),
            "p_value": None if np.isnan(p) else float(p),
            "moved": bool(p < level),
        }
        for label, before, (value, low, high), p in zip(
            labels, expected, ends, p_values, strict=True
        )
    ]


def _p_values(model: Any, proba: FloatArray, effects: GroupEffects = ALONE) -> FloatArray:
    """Return for each class the p-value of a mean probability as that of held-out rows.

    The score test of the likelihood of the prevalence: no test finds a small change more often.
    Its spread is that of held-out rows, which have the old prevalence, and counts those that they
    are few of. NaN where the model kept none: what probabilities of rows that trained it say is
    not what those of new rows do.
    """
    fitted = model.model_
    own = fitted.adapted(proba).reshape(len(proba), -1)
    if fitted.held_out is None:
        return np.full(own.shape[1], np.nan)
    weight = fitted.held_out.weight.astype(np.float64)
    scores = fitted.adapted(fitted.held_out.proba.astype(np.float64))
    if fitted.adapted_to is not None:
        weight = weight * (fitted.adapted_to / fitted.trained_prevalence)[fitted.held_out.codes]
    held_out = scores.reshape(weight.size, -1)
    before = np.average(held_out, axis=0, weights=weight)
    second, third = (
        np.average((held_out - before) ** power, axis=0, weights=weight) for power in (2, 3)
    )
    n, m = len(own) / effects.score, float(weight.sum()) / trained_effects(fitted).score
    error = np.sqrt(np.maximum(second * (1 / n + 1 / m), 1e-300))
    return two_sided(own.mean(axis=0) - before, error, third * (1 / n**2 - 1 / m**2) / error**3)


def two_sided(difference: FloatArray, error: FloatArray, skewness: FloatArray) -> FloatArray:
    """Return twice the smaller tail of a sum with this standard error and skewness.

    Of a gamma distribution that is moved and mirrored to have these moments: probabilities of rare
    classes are skewed, and so is the mean of two thousand of them.

    >>> two_sided(np.array([1.96]), np.ones(1), np.zeros(1)).round(3).tolist()
    [0.05]
    """
    z = difference / error
    skewed = np.abs(skewness) > LEAST_SKEWNESS
    shape = 4.0 / np.where(skewed, skewness, 1.0) ** 2
    at = np.maximum(shape + np.sqrt(shape) * np.sign(skewness) * z, 0.0)
    tails = np.minimum(gammainc(shape, at), gammaincc(shape, at))
    p: FloatArray = np.minimum(1.0, 2.0 * np.where(skewed, tails, ndtr(-np.abs(z))))
    return p


def _scores(model: Any, proba: FloatArray, found: PrevalenceEstimate) -> dict[str, Any] | None:
    """Return how the scores of two classes moved; None where training kept none.

    Of held-out groups the shape says nothing: boosters that each trained on other groups differ
    more, so that their mean, which scores new rows, is less spread than each of them.
    """
    held_out = model.model_.held_out
    if held_out is None or proba.ndim > 1:
        return None
    weight = held_out.weight.astype(np.float64)
    codes = held_out.codes.astype(np.intp)
    spread = Marginals.of(held_out.proba.astype(np.float64)[:, None], codes, weight)
    spread = replace(spread, rows=np.bincount(codes, weight).astype(np.float64))
    counts = spread.count(proba[:, None])
    unlike = spread.unlike(counts, shares_of(found), standard_errors(found))
    return {
        "index": float(stability_index(counts, spread.share, held_out.prevalence)[0]),
        "more_than_prevalence": bool(unlike.size) and held_out.effects is None,
    }


def _columns(
    model: Any,
    new: NewRows,
    found: PrevalenceEstimate,
    missing: pd.Series[float],
    effects: GroupEffects,
) -> list[dict[str, Any]]:
    """Return a row for each column that training kept the spread of, most moved first."""
    fitted = model.model_
    marginals = fitted.schema.encoder.marginals
    if marginals is None or new.counts is None:
        return []
    share = fitted.classes.in_other_order(shares_of(found))
    alone = replace(marginals, rows=marginals.rows / trained_effects(fitted).column)
    counts = new.counts / effects.column
    unlike = set(alone.unlike(counts, share, standard_errors(found)).tolist())
    index = stability_index(new.counts, marginals.share, marginals.prevalence)
    names = fitted.schema.shown_names()
    before = np.tensordot(marginals.prevalence, marginals.share, axes=(0, 1))
    rows = [
        {
            "column": names[j],
            "index": float(index[i]),
            "moved": bool(j in unlike and index[i] >= NOTABLE),
            "importance": None if fitted.importances is None else float(fitted.importances[j]),
            "missing_before": float(before[i, -1]),
            "missing_now": float(missing.iloc[j]),
        }
        for i, j in enumerate(marginals.columns.tolist())
    ]
    return sorted(rows, key=lambda row: (not row["moved"], -row["index"]))
