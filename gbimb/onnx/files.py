"""``to_onnx``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.exceptions import MissingDependencyError
from gbimb.model.disk import as_path, replace_file

if TYPE_CHECKING:
    import os
    from pathlib import Path


def export(estimator: Any, path: str | os.PathLike[str], *, columns: bool) -> None:
    """Write a fitted estimator as an ONNX file; the method ``to_onnx`` of every estimator.

    Raises
    ------
    GbimbError
        If it has no form in ONNX, if the file would predict anything else, or if it cannot be
        written. What was at ``path`` is then as before.
    """
    target = as_path(path)
    try:
        import onnx  # noqa: F401  asked for before any work
    except ImportError:
        msg = "onnx is not installed. Install it with: pip install onnx"
        raise MissingDependencyError(msg) from None
    from gbimb.onnx.build import build
    from gbimb.onnx.check import check
    from gbimb.onnx.columns import inputs_of
    from gbimb.onnx.scores import grown

    model = estimator.model_
    members = grown(model)
    proto = build(model, members, type(estimator).__name__, columns=columns)

    def compare(new: Path) -> None:
        check(new, estimator, members, inputs_of(model.schema), columns=columns)

    replace_file(target, proto.SerializeToString(deterministic=True), compare)
