"""The page says what the CSV file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.quality import report
from benchmarks.quality.defaults import report as report_defaults
from benchmarks.quality.defaults import variations
from benchmarks.quality.methods import BASELINE
from benchmarks.quality.pages import write_between_markers
from benchmarks.quality.records import FAILED, QualityRecord, read_records, write_records
from benchmarks.quality.statistics import complete_methods, difference, mean_ranks, read_results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARKED = "before\n<!-- comparison: start (x) -->\nold\n<!-- comparison: end -->\nafter\n"


@pytest.fixture
def results(tmp_path: Path, row: Callable[..., QualityRecord]) -> Path:
    """Three tables of two folds: smote leads by 0.1, 0.2 and 0.3, but lacks the last fold."""
    rows = []
    for i, table in enumerate(("a", "b", "c")):
        for fold in (0, 1):
            at = {"table": table, "fold": fold}
            rows.append(row(method=BASELINE, mcc=0.4 + 0.1 * fold, **at))
            lead = 0.1 * (i + 1)
            if (table, fold) != ("c", 1):
                rows.append(row(method="smote", mcc=0.4 + 0.1 * fold + lead, **at))
            rows.append(row(method="lightgbm", mcc=0.3, log_loss=0.2, **at))
    rows.append(row(table="a", fold=0, method="easy_ensemble", status=FAILED, error="a|b", mcc=0.0))
    path = tmp_path / "cells.csv"
    write_records(path, rows)
    return path


def test_rows_survive_the_csv_file(results: Path, tmp_path: Path) -> None:
    rows = read_records(results)
    write_records(tmp_path / "again.csv", rows)
    assert read_records(tmp_path / "again.csv") == rows
    assert rows[-1].error == "a|b"
    assert rows[0].threshold is None


def test_differences_are_of_common_cells_and_tables_count_the_same(results: Path) -> None:
    found = difference(read_results(results), "smote", BASELINE, "mcc")
    assert found is not None
    assert found.mean == pytest.approx(0.2)  # of all cells together it would be 0.18
    assert found.low < 0.2 < found.high
    assert (found.units, found.higher) == (3, 3)
    assert found.p_value == pytest.approx(0.25)


def test_a_method_that_was_not_run_has_no_difference(results: Path) -> None:
    assert difference(read_results(results), "autogluon_good", BASELINE, "mcc") is None


def test_only_methods_with_every_cell_are_ranked(results: Path) -> None:
    frame = read_results(results)
    assert sorted(complete_methods(frame)) == ["lightgbm", BASELINE]
    assert mean_ranks(frame, [BASELINE, "lightgbm"], "mcc").to_dict() == {
        BASELINE: 1.0,
        "lightgbm": 2.0,
    }
    assert mean_ranks(frame, [BASELINE, "lightgbm"], "log_loss")["lightgbm"] == 1.0


def test_methods_that_lack_cells_are_compared_on_those_they_have(
    tmp_path: Path, row: Callable[..., QualityRecord]
) -> None:
    rows = [row(method="flaml_mcc", table="a", fold=0, mcc=0.1)]
    for name, lead in ((BASELINE, 0.0), *zip(report.OURS, (0.2, 0.1), strict=True)):
        rows += [row(method=name, table=t, fold=0, mcc=0.4 + lead) for t in ("a", "b")]
    write_records(tmp_path / "cells.csv", rows)
    text = report.some_cells(read_results(tmp_path / "cells.csv"))
    cells = text.splitlines()[-1].strip("| ").split(" | ")
    assert cells == [
        "FLAML, MCC, 60 s",
        "1",
        "0.1000",
        "0.4000",
        "0.6000",
        "0.5000",
        "+0.5000",
        "1 of 1",
    ]


def test_hindsight_takes_the_best_method_of_each_table(
    tmp_path: Path, row: Callable[..., QualityRecord]
) -> None:
    scores = {BASELINE: (0.4, 0.4), "smote": (0.2, 0.5), "lightgbm": (0.3, 0.3)}
    rows = [
        row(method=name, table=table, fold=0, mcc=score)
        for name, both in scores.items()
        for table, score in zip("ab", both, strict=True)
    ]
    write_records(tmp_path / "cells.csv", rows)
    assert "0.4500, +0.0500 over the baseline" in report.hindsight(
        read_results(tmp_path / "cells.csv")
    )


def test_the_page_is_made_from_the_csv_file(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKED, encoding="utf-8")
    report.main(["--results", str(results), "--page", str(page)])
    text = page.read_text(encoding="utf-8")
    first_table = text.partition("## F1")[0].splitlines()
    lines = {line.split(" | ")[0].strip("|* "): line for line in first_table}
    assert "+0.2000" in lines["SMOTE, LightGBM"]
    assert "3 of 3" in lines["SMOTE, LightGBM"]
    assert "0.4500" in lines["LightGBM, weighted (baseline)"]
    assert "EasyEnsemble | a | 1 | a/b" in text
    assert text.startswith("before\n<!-- comparison: start (x) -->\n")
    assert text.endswith("<!-- comparison: end -->\nafter\n")
    assert "old" not in text
    report.main(["--results", str(results), "--page", str(page)])
    assert page.read_text(encoding="utf-8") == text


def test_probabilities_are_set_against_plain_lightgbm(results: Path) -> None:
    text = report.other_measures(read_results(results))
    line = next(x for x in text.splitlines() if x.startswith("| LightGBM, weighted"))
    assert "+0.1000 (+0.1000 to +0.1000)" in line  # log loss 0.3 where LightGBM has 0.2


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="comparison: start"):
        write_between_markers(page, "comparison", "body")


def test_whole_tables_are_kept_out_of_the_means(
    results: Path, tmp_path: Path, row: Callable[..., QualityRecord]
) -> None:
    rows = [*read_records(results), row(table="a:whole", method=BASELINE, rows=99_999, mcc=0.9)]
    write_records(results, rows)
    page = tmp_path / "page.md"
    page.write_text(MARKED, encoding="utf-8")
    report.main(["--results", str(results), "--page", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "a, 99,999 rows" in text
    assert "3 tables" in text


def test_the_picture_is_drawn_where_there_are_tables_enough(
    tmp_path: Path, row: Callable[..., QualityRecord]
) -> None:
    rng = np.random.default_rng(0)
    rows = [
        row(table=f"t{i}", method=method, mcc=base + 0.1 * rng.normal())
        for i in range(8)
        for method, base in ((BASELINE, 0.2), ("smote", 0.9), ("lightgbm", 0.2))
    ]
    write_records(tmp_path / "cells.csv", rows)
    text = report.drawn(read_results(tmp_path / "cells.csv"), tmp_path / "picture.png")
    assert "picture.png" in text
    assert (tmp_path / "picture.png").stat().st_size > 1_000


def test_every_variation_of_the_defaults_is_taken_by_its_estimator() -> None:
    import gbimb

    for name, method in variations().items():
        params = dict(method.params)
        if method.function == "estimator":
            getattr(gbimb, params.pop("name"))(**params)
        else:
            getattr(gbimb, params["inner"])(**params["params"])
        assert name.split(":", maxsplit=1)[0] in ("lgbm", "xgb", "bagging")


def test_variations_are_set_against_their_own_default(
    tmp_path: Path, row: Callable[..., QualityRecord]
) -> None:
    leads = {"lgbm": 0.0, "lgbm:gamma=1.0": 0.05, "xgb": 0.3, "xgb:gamma=1.0": 0.2}
    rows = [
        row(table=f"t{i}", method=method, mcc=0.3 + 0.01 * i + lead)
        for i in range(6)
        for method, lead in leads.items()
    ]
    write_records(tmp_path / "cells.csv", rows)
    page = tmp_path / "page.md"
    page.write_text(MARKED.replace("comparison", "defaults"), encoding="utf-8")
    report_defaults(tmp_path / "cells.csv", page)
    text = page.read_text(encoding="utf-8")
    assert "+0.0500" in text
    assert "-0.1000" in text
    assert "**the defaults**" in text
