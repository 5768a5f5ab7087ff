"""``save`` and ``load``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb import __version__
from gbimb.estimators._fitted import check_is_fitted
from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.json_text import shown
from gbimb.model.archive import pack, unpack
from gbimb.model.disk import as_path, check_readable, replace_file, unreadable
from gbimb.persistence._models import build, dump

if TYPE_CHECKING:
    import os
    from pathlib import Path

DEEP = "It nests too deep."


def save(estimator: Any, path: str | os.PathLike[str]) -> None:  # noqa: ANN401  one of ours
    """Write a fitted estimator to a file; the method ``save`` of every estimator.

    Parameters
    ----------
    estimator : a fitted estimator of gbimb
    path : str or path-like
        Replaced if it exists, once the new file is complete and has been read back.

    Raises
    ------
    GbimbError
        If the estimator holds what cannot be saved without code, or the file cannot be written.
        What was at ``path`` is then as before.
    """
    target = as_path(path)
    check_is_fitted(estimator)
    try:
        members, about = dump(estimator)
        data = pack(members, {**about, "gbimb_version": __version__})
    except RecursionError:
        msg = f"The parameters of {type(estimator).__name__} cannot be saved: they nest too deep."
        raise InvalidDataError(msg) from None

    def check(new: Path) -> None:
        try:
            again, _ = dump(_read(new))
        except GbimbError as error:
            msg = f"The model cannot be saved, since it could not be loaded: {error}"
            raise InvalidDataError(msg) from error
        if again != members:
            changed = sorted(name for name in members if again.get(name) != members[name])
            msg = f"The model cannot be saved, since {changed} would not be the same after load."
            raise InvalidDataError(msg)

    replace_file(target, data, check)


def load(path: str | os.PathLike[str]) -> Any:  # noqa: ANN401  the class that was saved
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
    source = as_path(path)
    check_readable(source)
    try:
        return _read(source)
    except GbimbError as error:
        msg = f"{str(source)!r} cannot be loaded: {error}"
        raise InvalidDataError(msg) from None
    except OSError as error:
        raise unreadable(source, error) from None


def _read(path: Path) -> Any:  # noqa: ANN401
    try:
        with path.open("rb") as file:
            manifest, members = unpack(file, __version__)
        estimator = build(members)
    except RecursionError:
        raise InvalidDataError(DEEP) from None
    if manifest.get("class") != type(estimator).__name__:
        msg = f"The manifest names the class {shown(manifest.get('class'))}, the state another."
        raise InvalidDataError(msg)
    return estimator
