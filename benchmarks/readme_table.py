"""Write the results tables of ``benchmarks/README.md`` from ``benchmarks/results``.

Run the commands on that page first, then this script.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE / "README.md"
ENGINES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
NAMES = {
    "portfolio": "gbimb, `ImbalancedClassifier`",
    "logloss": "log loss, threshold 0.5",
    "weighted-logloss": "**weighted log loss, threshold 0.5 (the baseline)**",
    "logloss-tuned": "gbimb, log loss",
    "focal": "gbimb, focal (the default)",
    "holdout": "gbimb, focal, one hold-out instead of five folds",
    "bagging": "gbimb, focal, ten bags of 10 : 1",
    "focal-weighted": 'gbimb, focal, `scale_pos_weight="balanced"`',
}
METRICS = ("mcc", "f1", "average_precision", "log_loss")


def main() -> None:
    """Replace what stands between the markers of the page."""
    text = README.read_text(encoding="utf-8")
    for marker, table in (("results", two_classes), ("classes", many_classes)):
        folder = {"results": "default", "classes": "classes"}[marker]
        path = HERE / "results" / folder / "results.json"
        body = table(json.loads(path.read_text(encoding="utf-8")))
        start, end = rf"<!-- {marker}: start.*?-->\n", rf"<!-- {marker}: end -->"
        marked = re.compile(f"({start}).*?({end})", re.DOTALL)
        text = marked.sub(lambda m, body=body: f"{m[1]}{body}\n{m[2]}", text)
    README.write_text(text, encoding="utf-8")


def two_classes(results: dict[str, Any]) -> str:
    """Return a row for each engine and method, and a sentence on the tables."""
    lines = [
        "| engine | method | MCC | F1 | PR-AUC | log loss | MCC gained (95 % interval) |",
        "|---|---|---|---|---|---|---|",
    ]
    for engine in results["engines"]:
        for method in results["methods"]:
            if not ran(results, engine, method):
                continue
            numbers = " | ".join(f"{mean(results, engine, method, m):.3f}" for m in METRICS)
            gained = gain(results, engine, method)
            used = "both" if method == "portfolio" else ENGINES[engine]
            lines.append(f"| {used} | {NAMES[method]} | {numbers} | {gained} |")
    tables = ", ".join(
        f"{t['name']} ({t['positives']:,} of {t['rows']:,})" for t in results["tables"]
    )
    lines.append(
        f"\nMeans over {len(results['tables'])} tables that ship with gbimb, {results['folds']} "
        f"folds each: {tables} (all numbers in `results/default/`). The ratio of the bags was "
        f"chosen on these tables.{led(results)}"
    )
    return "\n".join(lines)


def many_classes(results: dict[str, Any]) -> str:
    """Return a row for each method, with both engines side by side."""
    shown = [(engine, metric) for engine in results["engines"] for metric in ("mcc", "f1")]
    names = {"mcc": "R_K", "f1": "macro F1"}
    lines = [
        "| more than two classes | "
        + " | ".join(f"{ENGINES[engine]} {names[metric]}" for engine, metric in shown)
        + " |",
        "|---" * (len(shown) + 1) + "|",
    ]
    for method in results["methods"]:
        numbers = " | ".join(
            f"{mean(results, e, method, m):.3f}" if ran(results, e, method) else ""
            for e, m in shown
        )
        name = NAMES[method].replace("threshold 0.5", "most probable class")
        lines.append(f"| {name} | {numbers} |")
    tables = ", ".join(f"{t['name']} ({t['rows']:,} rows)" for t in results["tables"])
    lines.append(
        f"\nMeans over {tables}, {results['folds']} folds each. Two tables are too few "
        "to tell the methods apart."
    )
    return "\n".join(lines)


def mean(results: dict[str, Any], engine: str, method: str, metric: str) -> float:
    """Return the mean over tables."""
    cells = [s for s in results["summary"] if (s["engine"], s["method"]) == (engine, method)]
    return float(sum(s["measures"][metric]["mean"] for s in cells) / len(cells))


def ran(results: dict[str, Any], engine: str, method: str) -> bool:
    """Return whether there are results: a method that chooses its engines has them once."""
    return any((s["engine"], s["method"]) == (engine, method) for s in results["summary"])


def gain(results: dict[str, Any], engine: str, method: str) -> str:
    """Return the difference to the baseline, with its interval."""
    wanted = (engine, method, "weighted-logloss", "mcc")
    return "".join(
        f"{c['mean']:+.3f} ({c['low']:+.3f} to {c['high']:+.3f})"
        for c in results["comparisons"]
        if (c["engine"], c["method"], c["baseline"], c["measure"]) == wanted
    )


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


if __name__ == "__main__":
    main()
