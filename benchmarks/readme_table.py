"""Write the results table of the README from ``benchmarks/results/default/results.json``.

Run ``make benchmark ARGS="--out benchmarks/results/default"`` first, then this script.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
RESULTS = HERE / "results" / "default" / "results.json"
ENGINES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
NAMES = {
    "logloss": "log loss, threshold 0.5",
    "weighted-logloss": "**weighted log loss, threshold 0.5 (the line)**",
    "logloss-tuned": "gbimb, log loss",
    "focal": "gbimb, focal (the default)",
    "holdout": "gbimb, focal, one hold-out instead of five folds",
    "bagging": "gbimb, focal, ten undersampled bags",
    "focal-weighted": 'gbimb, focal, `scale_pos_weight="balanced"`',
}
METRICS = ("mcc", "f1", "average_precision", "log_loss")


def main() -> None:
    """Replace what stands between the markers of the README."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = [
        "| engine | method | MCC | F1 | PR-AUC | log loss | MCC against the line (95 % interval) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(results, e, m) for e in results["engines"] for m in results["methods"]]
    tables = ", ".join(
        f"{t['name']} ({t['positives']:,} of {t['rows']:,})" for t in results["tables"]
    )
    lines.append(
        f"\nMeans over {len(results['tables'])} tables that ship with gbimb, {results['folds']} "
        f"folds each: {tables} ([all numbers](benchmarks/README.md)).{led(results)}"
    )
    text = README.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- results: start.*?-->\n).*?(<!-- results: end -->)", re.DOTALL)
    body = "\n".join(lines)
    README.write_text(marked.sub(lambda m: f"{m[1]}{body}\n{m[2]}", text), encoding="utf-8")


def led(results: dict[str, Any]) -> str:
    """Say where one table makes most of the default's lead."""
    return "".join(
        f" Without {c['leader']}, where the engine's weighted log loss fails, the lead of the "
        f"default on {ENGINES[c['engine']]} is {c['mean_without_leader']:+.3f}."
        for c in results["comparisons"]
        if (c["method"], c["baseline"], c["measure"]) == ("focal", "weighted-logloss", "mcc")
        and c["leader"]
        and abs(c["mean_without_leader"]) < abs(c["mean"]) / 2
    )


def row(results: dict[str, Any], engine: str, method: str) -> str:
    """Return the row of one method."""
    cells = [s for s in results["summary"] if (s["engine"], s["method"]) == (engine, method)]
    means = [sum(s["measures"][metric]["mean"] for s in cells) / len(cells) for metric in METRICS]
    wanted = (engine, method, "weighted-logloss", "mcc")
    found = [
        c
        for c in results["comparisons"]
        if (c["engine"], c["method"], c["baseline"], c["measure"]) == wanted
    ]
    gain = (
        f"{found[0]['mean']:+.3f} ({found[0]['low']:+.3f} to {found[0]['high']:+.3f})"
        if found
        else ""
    )
    numbers = " | ".join(f"{mean:.3f}" for mean in means)
    return f"| {ENGINES[engine]} | {NAMES[method]} | {numbers} | {gain} |"


if __name__ == "__main__":
    main()
