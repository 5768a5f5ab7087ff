"""Whether rows, or their groups, are those that the model was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gbimb.report._checks import Check, known_groups, repeated
from gbimb.report._rows import (
    EvaluatedRows,
    EvaluationRequest,
    fingerprints,
    label_codes,
)
from gbimb.report.models.opening import text_to_read
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.read import require_columns
from gbimb.tables.keys import MISSING, group_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.report.models.judged import JudgedClassifier


def compare_with_training(
    model: JudgedClassifier,
    rows: EvaluatedRows,
    train: str | Path | None,
    request: EvaluationRequest,
) -> list[Check]:
    """Return the checks that need the training file; it is read piece by piece."""
    if train is None:
        return [repeated(rows.prints, None, "")]
    train = Path(train)
    prints, groups = _read(model, train, request)
    found = [repeated(rows.prints, prints, train.name)]
    if groups is not None and rows.group_keys is not None:
        own = np.unique(rows.group_keys)
        found.append(known_groups(own[own != MISSING], groups, train.name))
    return found


def _read(
    model: JudgedClassifier, train: Path, request: EvaluationRequest
) -> tuple[NDArray[np.uint64], NDArray[np.uint64] | None]:
    """Return hashes of the rows, and the keys of their groups."""
    known, group = request.known, request.group
    needed = {"target": [request.target], **({} if group is None else {"group": [group]})}
    prints, groups = [], []
    for frame in chunks(train, "train", text_to_read(model, request), known=known):
        require_columns(frame.columns, train.name, needed)
        codes = label_codes(known.clean_labels(frame[request.target]), model.names)
        prints.append(fingerprints(model.rows(frame, train.name, known), codes))
        if group is not None:
            groups.append(np.unique(group_keys(frame[group])))
    return np.unique(np.concatenate(prints)), np.unique(np.concatenate(groups)) if groups else None
