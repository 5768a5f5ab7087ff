"""``gbimb.load``, and the classes that a model file may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gbimb.estimators.bagging import UnderBaggingClassifier
from gbimb.estimators.blends.auto import AutoImbalancedClassifier
from gbimb.estimators.blends.portfolio import ImbalancedClassifier
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.estimators.xgb import ImbalancedXGBClassifier
from gbimb.model import files

if TYPE_CHECKING:
    import os

CLASSES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        ImbalancedLGBMClassifier,
        ImbalancedXGBClassifier,
        UnderBaggingClassifier,
        AutoImbalancedClassifier,
        ImbalancedClassifier,
    )
}


def load(path: str | os.PathLike[str]) -> Any:  # the class that was saved
    """Return the estimator that ``save`` wrote to ``path``; runs no code from the file.

    Its predictions are those of the estimator saved, bit for bit. A bagging classifier comes
    back without ``oob_proba_``.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    GbimbError
        If the file is not there or not a model file, was truncated or altered, is of a newer
        format, or holds anything that the format does not allow.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import gbimb
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = X[:, 0] > 1
    >>> clf = gbimb.ImbalancedLGBMClassifier(n_estimators=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.gbimb"
    ...     clf.save(path)
    ...     loaded = gbimb.load(path)
    >>> bool((loaded.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    return files.load(path, CLASSES)
