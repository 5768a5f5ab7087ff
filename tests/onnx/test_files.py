"""What is written, what is refused, and that no file is left that predicts something else."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError, MissingDependencyError
from tests.onnx.models import KINDS, LGBM, WORDS, XGB, frame, model, numbers, quick
from tests.onnx.runs import assert_same, export, feed, run, said, session  # skips without onnx

from gbimb.onnx import categories, check, decide, ensemble  # isort: skip

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("kind", list(KINDS))


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    clf = model("frame", "lgbm")
    about = said(export(clf, tmp_path))
    assert about["class"] == "ImbalancedLGBMClassifier"
    assert about["feature_names"] == clf.feature_names_in_.tolist()
    assert about["labels"] == [0, 1]
    assert about["threshold"] == clf.threshold_
    assert about["pos_label"] == 1
    assert about["rule"] == "pos_label where its probability is >= threshold"
    assert about["opset"] == {"ai.onnx": 18, "ai.onnx.ml": 5}
    assert about["gbimb_version"] == gbimb.__version__
    assert about["smallest_onnxruntime"] == 1.23
    assert pd.Timestamp(about["written"]) <= pd.Timestamp.now() + pd.Timedelta(days=1)
    described = dict(zip(about["feature_names"], about["inputs"], strict=True))
    assert described["word"]["categories"] == sorted(WORDS)
    assert described["size"]["categories"] == ["low", "mid", "high"]
    assert "days since 1970" in described["day"]["unit"]


def test_the_decision_of_many_classes_is_said(tmp_path: Path) -> None:
    clf = model("3 classes", "xgb")
    about = said(export(clf, tmp_path))
    assert about["class_weights"] == clf.class_weights_.tolist()
    assert "threshold" not in about


def test_what_a_threshold_promises_is_said(tmp_path: Path) -> None:
    X, score = numbers(2000)
    clf = quick(LGBM, threshold="recall >= 0.5", confidence=0.9).fit(X, score > 1.5)
    assert said(export(clf, tmp_path))["guarantee"] == str(clf.guarantee_)


def test_onnx_finds_nothing_wrong_with_the_file(tmp_path: Path) -> None:
    path = export(model("bags", "xgb"), tmp_path, columns=True)
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(path, full_check=True)


@both
def test_columns_come_one_by_one_under_their_names(kind: str, tmp_path: Path) -> None:
    path = export(model("frame", kind), tmp_path, columns=True)
    names = {each.name: each.type for each in session(path).get_inputs()}
    assert set(names) >= {"größe", "word", "label_", "probability_"}
    assert names["word"] == "tensor(string)"
    assert names["whole"] == names["day"] == names["flag"] == "tensor(double)"


def test_a_text_that_is_a_category_is_not_a_missing_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = rng.choice(["", "?", "x"], 600).astype(object)
    y = ((words == "") & (rng.random(600) < 0.8)) | (rng.random(600) < 0.05)
    words[::9] = None
    X = pd.DataFrame({"word": words, "b": rng.normal(size=600)})
    clf = quick(LGBM, engine_params={"max_cat_to_onehot": 10}).fit(X, y)
    path = export(clf, tmp_path, columns=True)
    assert said(path)["inputs"][0]["missing"] == "??"
    assert_same(clf, path, X)


def test_the_table_may_have_an_empty_column_name(tmp_path: Path) -> None:
    X, score = numbers()
    clf = quick(XGB).fit(pd.DataFrame(X, columns=["", "X", "column", "label", "e"]), score > 1.5)
    path = export(clf, tmp_path, columns=True)
    assert run(path, pd.DataFrame(X, columns=clf.feature_names_in_)).label.shape == (900,)


@both
def test_the_file_is_not_larger_than_twice_the_model(kind: str, tmp_path: Path) -> None:
    clf = model("frame", kind)
    clf.save(tmp_path / "model.gbimb")
    with zipfile.ZipFile(tmp_path / "model.gbimb") as archive:
        whole = sum(entry.file_size for entry in archive.infolist())
    assert export(clf, tmp_path).stat().st_size < 2 * whole


def test_no_split_asks_for_the_place_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some processors a missing value would be one."""
    monkeypatch.setattr(categories, "MOST_COLUMNS", 0)
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(export(model("frame", "xgb"), tmp_path)).graph
    trees = next(node for node in graph.node if node.op_type == "TreeEnsemble")
    members = next(each for each in trees.attribute if each.name == "membership_values")
    values = onnx.numpy_helper.to_array(members.t)
    assert values.size > 10
    assert np.nanmin(values) == 1.0


STRANGE = ["👩\u200d👧", "'q\"", "a\nb", "\t", " lead", "lead", "trail ", "é", "e\u0301", "ﬁ", "fi"]
STRANGE += ["x" * 10_000, "", "\u202ertl", "\ufeffbom", "NaN", "None", "<NA>", "?", "\r\n"]


@both
@pytest.mark.parametrize("columns", [False, True])
def test_texts_of_every_kind_stay_apart(kind: str, columns: bool, tmp_path: Path) -> None:
    X, score = numbers()
    words = np.random.default_rng(0).choice(np.array(STRANGE, object), 900)
    table = pd.DataFrame({"a": X[:, 1], "word": words})
    score += 2 * np.isin(words, STRANGE[::3])
    clf = quick(KINDS[kind], engine_params={"max_cat_to_onehot": 100}).fit(table, score > 2.0)
    assert_same(clf, export(clf, tmp_path, columns=columns), table)


@both
@pytest.mark.parametrize("text", ["a\0", "a\0b"])
def test_texts_that_runtimes_cut_off_are_refused(kind: str, text: str, tmp_path: Path) -> None:
    X, score = numbers()
    table = pd.DataFrame({"a": X[:, 1], "word": np.array(["b", text], object)[1 * (X[:, 2] > 0)]})
    clf = quick(KINDS[kind], n_estimators=3).fit(table, score > 1.5)
    with pytest.raises(InvalidDataError, match=r"Column 'word' must hold no text with .* NUL"):
        export(clf, tmp_path, columns=True)
    assert said(export(clf, tmp_path))["inputs"][1]["categories"] == sorted(["b", text])


@pytest.mark.parametrize("label", ["a\0", "\0b"])
def test_labels_that_runtimes_cut_off_are_refused(label: str, tmp_path: Path) -> None:
    X, score = numbers()
    clf = quick(LGBM, n_estimators=3).fit(X, np.array(["a", label], object)[1 * (score > 1.5)])
    with pytest.raises(InvalidDataError, match="Labels must hold no text with the character NUL"):
        export(clf, tmp_path)


def test_labels_beyond_64_bits_are_refused(tmp_path: Path) -> None:
    X, score = numbers()
    y = np.array([0, 2**63], np.uint64)[(score > 1.5).astype(int)]
    with pytest.raises(InvalidDataError, match=r"numbers below 2\*\*63, booleans or strings"):
        export(quick(LGBM, n_estimators=3).fit(X, y), tmp_path)


@both
@pytest.mark.parametrize("columns", [False, True])
def test_categories_that_doubles_do_not_tell_apart_come_as_texts(
    kind: str, columns: bool, tmp_path: Path
) -> None:
    X, score = numbers()
    codes = np.random.default_rng(0).integers(0, 8, 900)
    table = pd.DataFrame({"a": X[:, 1], "id": pd.Categorical(2**53 + codes)})
    clf = quick(KINDS[kind]).fit(table, score + 3 * (codes % 2) > 3.0)
    path = export(clf, tmp_path, columns=columns)
    assert_same(clf, path, table)
    if columns:
        assert said(path)["inputs"][1]["type"] == "text"


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    X, score = numbers()
    names = ["constant_0", "x\0y", 'a b/"c"\n', "🏙", "label_"]
    clf = quick(XGB).fit(pd.DataFrame(X, columns=names), score > 1.5)
    path = export(clf, tmp_path, columns=True)
    assert_same(clf, path, pd.DataFrame(X, columns=names))
    assert [each.name for each in session(path).get_inputs()][1] == "x_y"


def test_nothing_is_computed_twice(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    nodes = onnx.load(export(model("bags", "lgbm"), tmp_path)).graph.node
    seen = [(each.op_type, *each.input, *map(str, each.attribute)) for each in nodes]
    assert len(set(seen)) == len(seen)


# --- the comparison ---


@both
@pytest.mark.parametrize("fast", [True, False], ids=["onnxruntime", "reference"])
def test_a_file_that_compares_otherwise_at_a_split_is_an_error(
    kind: str, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(check, "find_spec", lambda _: None)
    (tmp_path / "model.onnx").write_bytes(b"before")
    right = ensemble.Ensemble._at_most
    off = {"lgbm": -np.inf, "xgb": np.inf}[kind]
    monkeypatch.setattr(
        ensemble.Ensemble, "_at_most", lambda *a: np.nextafter(right(*a), right(*a).dtype.type(off))
    )
    with pytest.raises(InvalidDataError, match=r"would not predict as Imbalanced.* differ by"):
        export(model("numbers", kind), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == b"before"


def test_a_file_with_another_threshold_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "smallest_flagged", lambda _: 0.99)
    with pytest.raises(InvalidDataError, match=r"other labels of .* differ by 0 "):
        export(model("numbers", "lgbm"), tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("columns", [False, True])
def test_a_file_that_sends_the_unknown_elsewhere_is_an_error(
    columns: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ensemble.Unseen.of
    monkeypatch.setattr(
        ensemble.Unseen,
        "of",
        lambda *args: replace(whole(*args), unknown=np.zeros(12), fill=np.full(12, np.nan)),
    )
    with pytest.raises(InvalidDataError, match="would not predict"):
        export(model("frame", "lgbm"), tmp_path, columns=columns)


@both
@pytest.mark.parametrize("columns", [False, True])
def test_files_are_compared_without_onnxruntime(
    kind: str, columns: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "find_spec", lambda _: None)
    clf = model("frame", kind)
    assert_same(clf, export(clf, tmp_path, columns=columns), frame(50, seed=3)[0])


# --- refusals ---


def test_members_of_other_packages_are_refused(tmp_path: Path) -> None:
    X, score = numbers()
    bags = gbimb.UnderBaggingClassifier(LogisticRegression(), n_estimators=2, random_state=0)
    bags.fit(np.nan_to_num(X), score > 1.5)
    with pytest.raises(InvalidDataError, match="got a member of another package, LogisticRegres"):
        export(bags, tmp_path)


def test_linear_trees_are_refused(tmp_path: Path) -> None:
    X, score = numbers()
    clf = quick(LGBM, engine_params={"linear_tree": True}).fit(X[:, 1:3], score > 1.5)
    with pytest.raises(InvalidDataError, match="Fit without linear_tree"):
        export(clf, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_categories_that_are_the_same_as_texts_are_refused_as_columns(tmp_path: Path) -> None:
    X, score = numbers()
    mixed = np.array([1, "1", 2.5], object)[np.random.default_rng(0).integers(0, 3, 900)]
    table = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(mixed, categories=[1, "1", 2.5])})
    clf = quick(XGB).fit(table, score > 1.5)
    with pytest.raises(InvalidDataError, match="'b' holds categories that are the same as texts"):
        export(clf, tmp_path, columns=True)


def test_an_estimator_that_is_not_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        export(LGBM(), tmp_path)


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="must name a file, got the folder"):
        model("numbers", "lgbm").to_onnx(tmp_path)
    with pytest.raises(InvalidParameterError, match="must be in a folder that exists"):
        model("numbers", "lgbm").to_onnx(tmp_path / "none" / "model.onnx")


def test_without_onnx_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match="pip install onnx"):
        model("numbers", "lgbm").to_onnx(tmp_path / "model.onnx")


def test_a_column_that_a_feed_lacks_is_an_error_of_the_runtime(tmp_path: Path) -> None:
    path = export(model("frame", "xgb"), tmp_path, columns=True)
    given = feed(path, frame(3)[0])
    del given["word"]
    with pytest.raises(ValueError, match="word"):
        session(path).run(None, given)
