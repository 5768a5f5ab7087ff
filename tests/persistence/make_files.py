"""Write the model files that later versions must load, and what they predict.

    python -m tests.persistence.make_files

Run once for a format version, into a folder of its own, and for kinds of models that come later;
what is there is never written again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gbimb.model.archive import FORMAT_VERSION
from tests.persistence.models import MAKE, MORE, table

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = Path(__file__).with_name("files")


def as_frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    """The rows in an ``expected.json``."""
    kinds = {"narrow": "float32", "size": pd.CategoricalDtype(["s", "m", "l"])}
    return pd.DataFrame(columns).astype(kinds)


def main() -> None:
    """Fit, save, predict."""
    folder = FILES / f"v{FORMAT_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    columns = json.loads(table(30, seed=9).to_json(orient="columns", double_precision=15))
    kept = folder / "expected.json"
    known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    models = known.get("models", {})
    rows = known.get("rows") or {name: list(values.values()) for name, values in columns.items()}
    for name, make in (MAKE | MORE).items():
        if name in models:
            continue
        estimator = make()
        estimator.save(folder / f"{name}.gbimb")
        X = as_frame(rows)
        models[name] = {
            "predict": estimator.predict(X).tolist(),
            "predict_proba": estimator.predict_proba(X).tolist(),
            "raw_score": estimator.raw_score(X).tolist(),
        }
    text = json.dumps({"rows": rows, "models": models}, ensure_ascii=False)
    kept.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
