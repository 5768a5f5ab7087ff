from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.persistence.archives import members_of, refuse_booster
from tests.persistence.models import saved

if TYPE_CHECKING:
    from pathlib import Path


def resized(text: str) -> str:
    """The text with sizes that agree with its trees."""
    trees = text.partition("\n\n")[2].partition("end of trees")[0].split("\n\n\n")[:-1]
    sizes = " ".join(str(len(tree) + 3) for tree in trees)
    return re.sub("tree_sizes=.*", f"tree_sizes={sizes}", text)


TEXT: list[tuple[str, str, str, str]] = [
    ("lightgbm", "^tree\n", "trees\n", "another header"),
    ("lightgbm", "version=v4", "version=v9", "another header"),
    ("lightgbm", "num_class=1", "num_class=2", "2 classes, 1 expected"),
    ("lightgbm_many", "num_class=3", "num_class=1", "1 classes, 3 expected"),
    ("lightgbm_many", "per_iteration=3", "per_iteration=0", "classes, 3 expected"),
    ("lightgbm", "max_feature_idx=3", "max_feature_idx=999999", "max_feature_idx=999999 for 4"),
    ("lightgbm", "max_feature_idx=3", "max_feature_idx=-1", "another header"),
    ("lightgbm", "(feature_names=.*)", r"\1 more", "another number of features"),
    ("lightgbm", "(feature_infos=.*)", r"\1 none", "another number of features"),
    ("lightgbm", r"feature_infos=\S+", "feature_infos=[", "another number of features"),
    ("lightgbm", "(feature_names=.*\n)", r"\1monotone_constraints=0 0\n", "whole numbers"),
    ("lightgbm", "(label_index=0)", r"\1\nobjective=binary sigmoid:1", "another header"),
    ("lightgbm", "(label_index=0)", r"\1\naverage_output", "another header"),
    ("lightgbm", "tree_sizes=.*", "tree_sizes=5", "tree_sizes that disagree"),
    ("lightgbm", "tree_sizes=.*\n", "", "another header"),
    ("lightgbm", "Tree=1\n", "Tree=7\n", "another form of tree"),
    ("lightgbm", "num_leaves=.*", "num_leaves=2000000000", "no 2000000000 numbers|no 1999999999"),
    ("lightgbm", "num_leaves=.*", "num_leaves=0", "0 leaves"),
    ("lightgbm", "num_leaves=.*", "num_leaves=-5", "-5 leaves"),
    ("lightgbm", "num_leaves=.*\n", "", "another form of tree"),
    ("lightgbm", r"num_cat=\d+", "num_cat=0", "another form of tree"),
    ("lightgbm", r"split_feature=\d+", "split_feature=4", "a feature that is not there"),
    ("lightgbm", r"split_feature=\d+", "split_feature=-1", "a feature that is not there"),
    ("lightgbm", r"split_feature=\d+", "split_feature=2147483648", "out of range"),
    ("lightgbm", r"split_feature=\d+", "split_feature=1.5", "whole numbers"),
    ("lightgbm", r"split_feature=\d+ ", "split_feature=", "whole numbers"),
    ("lightgbm", r"\nthreshold=\S+", "\nthreshold=nan", "numbers in"),
    ("lightgbm", r"\nthreshold=\S+", "\nthreshold=1e999", "out of range"),
    ("lightgbm", r"decision_type=\d+", "decision_type=1", "without their categories"),
    ("lightgbm", r"decision_type=\d+", "decision_type=14", "unknown decision_type"),
    ("lightgbm", r"left_child=\S+", "left_child=0", "no tree|before their parents"),
    ("lightgbm", r"left_child=\S+", "left_child=-99", "no tree"),
    ("lightgbm", r"left_child=\S+", "left_child=99", "no tree"),
    ("lightgbm", r"right_child=(\S+) (\S+)", r"right_child=\2 \1", "no tree|before their parents"),
    ("lightgbm", r"leaf_value=\S+", "leaf_value=inf", "numbers in"),
    ("lightgbm", r"leaf_value=\S+", "leaf_value=nan", "numbers in"),
    ("lightgbm", r"leaf_value=\S+", "leaf_value=1e400", "out of range"),
    ("lightgbm", r"leaf_value=\S+", "leaf_value=0x10", "numbers in"),
    ("lightgbm", r"leaf_value=\S+", "leaf_value=1_0", "numbers in"),
    ("lightgbm", r"leaf_value=\S+", "leaf_value=\u0661", "disagree|numbers in"),
    ("lightgbm", r"leaf_value=\S+ ", "leaf_value=", "numbers in"),
    ("lightgbm", r"leaf_count=\S+", "leaf_count=99999999999", "whole numbers"),
    ("lightgbm", "is_linear=0", "is_linear=1", "another form of tree"),
    ("lightgbm", "is_linear=0", "is_linear=2", "another form of tree"),
    ("lightgbm", "shrinkage=.*", "shrinkage=", "numbers in"),
    ("lightgbm", "shrinkage=.*\n", "", "another form of tree"),
    ("lightgbm", "shrinkage=(.*)", "shrinkage=\\1\nmore=1", "another form of tree"),
    (
        "lightgbm",
        r"cat_boundaries=0 \d+",
        "cat_boundaries=0 1000",
        "cat_threshold|whole numbers|rise",
    ),
    ("lightgbm", "cat_boundaries=0", "cat_boundaries=5", "do not rise"),
    ("lightgbm", r"cat_threshold=\d+", "cat_threshold=4294967296", "out of range"),
    ("lightgbm", r"cat_threshold=\d+", "cat_threshold=-1", "another length"),
    ("lightgbm", "end of trees\n", "", "another end"),
    ("lightgbm", "(end of trees\n)", r"\1end of trees\n", "another end"),
    (
        "lightgbm",
        r"(?s)tree_sizes.*?\n\n.*end of trees",
        "tree_sizes=\n\nend of trees",
        "another header",
    ),
    ("lightgbm_many", r"(?s)Tree=17.*end of trees", "end of trees", "whole number|disagree"),
    ("lightgbm", r"\[boosting: gbdt\]", "[boosting gbdt]", "another end"),
    ("lightgbm", r"\[boosting: gbdt\]", "[boosting: gb:dt]", "another end"),
    ("lightgbm", r"\[boosting: gbdt\]", "", "another end"),
    ("lightgbm", r"\[boosting: gbdt\]", '[boosting: "]', "another end"),
    ("lightgbm", "end of parameters\n", "", "another end"),
    ("lightgbm", "pandas_categorical:null", "pandas_categorical:[[", "another end"),
    ("lightgbm", "pandas_categorical:null\n", "", "another end"),
    (
        "lightgbm",
        "pandas_categorical",
        "parser:\nx\nend of parser\npandas_categorical",
        "another end",
    ),
    ("lightgbm", "version=v4", "version=v4\0", "control characters"),
    ("lightgbm", "version=v4", "version=v4\r", "control characters"),
    ("linear", r"num_features=\d+", "num_features=-1", "negative|numbers in"),
    ("linear", r"num_features=\d+", "num_features=9999999", "numbers in"),
    ("linear", r"leaf_features=(.*)\d", r"leaf_features=\g<1>7", "a feature that is not there"),
    ("linear", r"leaf_coeff=(.*)\d", r"leaf_coeff=\1 1 ", "numbers in"),
    ("linear", r"leaf_const=\S+", "leaf_const=nan", "numbers in"),
]


@pytest.mark.parametrize(("name", "pattern", "by", "reason"), TEXT, ids=range(len(TEXT)))
def test_lightgbm_text_that_would_crash_or_lie_is_refused(
    name: str, pattern: str, by: str, reason: str, tmp_path: Path
) -> None:
    text = members_of(saved(name))[1]["booster_0.txt"].decode()
    # The last match: in the tree with the most of everything.
    *_, last = re.finditer(pattern, text, re.MULTILINE)
    changed = text[: last.start()] + last.expand(by) + text[last.end() :]
    assert changed != text
    if "sizes" not in pattern + reason and changed.isascii() == text.isascii():
        changed = resized(changed)
    refuse_booster(name, changed.encode(), tmp_path / "x", reason)


def test_what_an_engine_itself_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in ("lightgbm", "xgboost"):
        monkeypatch.setattr(f"gbimb.engines.{engine}.model_file.check_{engine}", lambda *_: None)
    refuse_booster("lightgbm", b"tree\nversion=v4\n", tmp_path / "x", "LightGBM refuses the model")
    refuse_booster("lightgbm", b"\xff", tmp_path / "x", "must be UTF-8 text")
    refuse_booster("xgboost", b'{"learner":{}}', tmp_path / "x", "XGBoost refuses the model")


def test_a_model_of_the_other_engine_is_refused(tmp_path: Path) -> None:
    text = members_of(saved("lightgbm"))[1]["booster_0.txt"]
    refuse_booster("xgboost", text, tmp_path / "x", "XGBoost's own JSON")
    text = members_of(saved("xgboost"))[1]["booster_0.json"]
    refuse_booster("lightgbm", text, tmp_path / "x", "LightGBM's own text")


def test_a_model_of_other_columns_or_classes_is_refused(tmp_path: Path) -> None:
    for engine, name in (("lightgbm", "booster_0.txt"), ("xgboost", "booster_0.json")):
        many = members_of(saved(f"{engine}_many"))[1][name]
        refuse_booster(engine, many, tmp_path / "x", "classes")
    narrow = members_of(saved("linear"))[1]["booster_0.txt"]
    refuse_booster("lightgbm", narrow, tmp_path / "x", "max_feature_idx=1 for 4")
