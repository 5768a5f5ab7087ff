from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import gbimb
from tests.persistence.archives import members_of, refuse_booster, with_members
from tests.persistence.models import saved, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def tree(**values: object) -> Callable[[dict[str, Any]], Any]:
    """Set something of the first tree."""
    return lambda model: model["trees"][0].update(values)


def at(name: str, place: int, value: object) -> Callable[[dict[str, Any]], Any]:
    """Set one number of the first tree."""

    def change(model: dict[str, Any]) -> None:
        model["trees"][0][name][place] = value

    return change


def leaf(value: object) -> Callable[[dict[str, Any]], Any]:
    """Set the value of a leaf."""
    return lambda m: at("split_conditions", m["trees"][0]["left_children"].index(-1), value)(m)


MODEL: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda m: m.update(extra=1), "another form of 'model'"),
    (lambda m: m.update(trees=[]), "no trees"),
    (lambda m: m.update(trees={}), "no trees"),
    (lambda m: m["trees"].pop(), "another number of trees"),
    (lambda m: m["trees"].insert(0, None), "another number of trees"),
    (lambda m: m.update(cats={"enc": [1], "feature_segments": [], "sorted_idx": []}), "of its own"),
    (lambda m: m["gbtree_model_param"].update(num_trees="1000000"), "another number of trees"),
    (lambda m: m["gbtree_model_param"].update(num_parallel_tree="0"), "another number of trees"),
    (lambda m: m["gbtree_model_param"].update(num_parallel_tree="-1"), "another number of trees"),
    (lambda m: m["gbtree_model_param"].update(num_parallel_tree="5"), "another length"),
    (lambda m: m["tree_info"].pop(), "tree_info of another length"),
    (lambda m: m.update(tree_info=[9] * len(m["trees"])), "not whole"),
    (lambda m: m.update(tree_info=[-1] * len(m["trees"])), "not whole"),
    (lambda m: m["iteration_indptr"].append(99), "iteration_indptr of another length"),
    (lambda m: m["iteration_indptr"].__setitem__(1, 5), "not whole"),
    (tree(id=3), "tree 3 at place 0"),
    (tree(id=True), "tree True at place 0"),
    (tree(extra=[]), "another form of 'tree'"),
    (lambda m: m["trees"][0].pop("parents"), "another form of 'tree'"),
    (lambda m: m["trees"][0]["tree_param"].update(num_nodes="999"), "another number of nodes"),
    (lambda m: m["trees"][0]["tree_param"].update(num_feature="9"), "another number of nodes"),
    (lambda m: m["trees"][0]["tree_param"].update(num_deleted="1"), "another number of nodes"),
    (lambda m: m["trees"][0]["tree_param"].update(size_leaf_vector="3"), "several values"),
    (at("left_children", 0, 0), "no tree"),
    (at("left_children", 0, 99), "no tree"),
    (at("left_children", 0, -2), "no tree"),
    (at("left_children", 0, -1), "no tree"),
    (at("left_children", 0, 2**31), "out of range"),
    (at("left_children", 0, 1.0), "no whole numbers"),
    (at("left_children", 0, True), "no whole numbers"),
    (at("left_children", 0, "1"), "no whole numbers"),
    (at("left_children", 0, [1]), "no whole numbers"),
    (at("right_children", 0, 1), "no tree"),
    (at("parents", 0, 0), "parents that disagree"),
    (at("parents", 1, 1), "parents that disagree"),
    (at("split_indices", 0, 4), "a feature that is not there"),
    (at("split_indices", 0, -1), "a feature that is not there"),
    (at("split_type", 0, 7), "an unknown kind of split"),
    (at("default_left", 0, 2), "an unknown kind of split"),
    (lambda m: m["trees"][0]["left_children"].append(-1), "another number of nodes"),
    (lambda m: m["trees"][0]["base_weights"].append(0.5), "base_weights of another length"),
    (lambda m: m["trees"][0].update(split_conditions={}), "split_conditions of another length"),
    (lambda m: m["trees"][0]["categories"].append(0), "another length"),
    (lambda m: m["trees"][0]["categories_nodes"].append(0), "without their categories"),
    (leaf(float("nan")), "not finite"),
    (leaf(float("inf")), "not finite"),
    (leaf(1e39), "not finite"),
    (leaf("x"), "holds no numbers"),
    (leaf(None), "holds no numbers"),
    (leaf(10**30), "out of range"),
]

LEARNER: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda d: d.update(extra=1), "another form of 'the whole'"),
    (lambda d: d.update(version=[3]), "version of another length"),
    (lambda d: d.update(version="3.2.0"), "version of another length"),
    (lambda d: d["learner"].update(attributes={"a": "b"}), "another version or attributes"),
    (lambda d: d["learner"].pop("objective"), "another form of 'learner'"),
    (lambda d: d["learner"]["feature_names"].pop(), "another number of features"),
    (lambda d: d["learner"].update(feature_types=["x"] * 4), "another number of features"),
    (lambda d: d["learner"]["learner_model_param"].update(num_feature="3"), "classes or features"),
    (lambda d: d["learner"]["learner_model_param"].update(num_class="7"), "classes or features"),
    (lambda d: d["learner"]["learner_model_param"].update(num_target="2"), "classes or features"),
    (
        lambda d: d["learner"]["learner_model_param"].update(base_score="[NaN]"),
        "base_score must be",
    ),
    (
        lambda d: (
            d["learner"]["learner_model_param"].update(base_score="[2]"),
            d["learner"]["objective"].update(name="binary:logistic"),
        ),
        "no probability",
    ),
    (lambda d: d["learner"]["learner_model_param"].update(base_score="[1e39]"), "beyond single"),
    (lambda d: d["learner"]["learner_model_param"].update(base_score="[]"), "of another length"),
    (lambda d: d["learner"]["learner_model_param"].update(base_score=0.5), "that is no text"),
    (lambda d: d["learner"]["objective"].update(name="rank:ndcg"), "another objective"),
    (lambda d: d["learner"]["gradient_booster"].update(name="dart"), "a booster 'dart'"),
    (lambda d: d["learner"]["gradient_booster"].update(name="gblinear"), "a booster 'gblinear'"),
]


def within(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Change the trees' part of the whole."""
    return lambda d: change(d["learner"]["gradient_booster"]["model"])


CHANGES = [*((within(change), reason) for change, reason in MODEL), *LEARNER]


@pytest.mark.parametrize(("change", "reason"), CHANGES, ids=range(len(CHANGES)))
def test_xgboost_json_that_would_crash_or_lie_is_refused(
    change: Callable[[dict[str, Any]], Any], reason: str, tmp_path: Path
) -> None:
    whole = json.loads(members_of(saved("xgboost"))[1]["booster_0.json"])
    change(whole)
    content = json.dumps(whole, separators=(",", ":")).encode()
    refuse_booster("xgboost", content, tmp_path / "x", reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "another first byte"),
        (b"\x7bL\x00\x00\x00", "another first byte"),
        (b'{ "learner": 1}', "another first byte"),
        (b'{"learner"', "valid JSON"),
        (b'{"learner": 1, "learner": 2}', "a name twice"),
        (b'{"":' * 100_000, "nests too deep"),
        (b'{"a":"\xff"}', "invalid UTF-8"),
    ],
    ids=["empty", "UBJSON", "blank", "cut", "twice", "deep", "utf-8"],
)
def test_xgboost_never_sees_what_is_no_json(content: bytes, reason: str, tmp_path: Path) -> None:
    refuse_booster("xgboost", content, tmp_path / "x", reason)


def test_a_category_that_the_encoder_does_not_know_is_refused(tmp_path: Path) -> None:
    whole = json.loads(members_of(saved("xgboost"))[1]["booster_0.json"])
    trees = whole["learner"]["gradient_booster"]["model"]["trees"]
    found = next(tree for tree in trees if tree["categories"])
    found["categories"][0] = 2**31 - 1  # XGBoost would reserve a bit for each one below
    content = json.dumps(whole, separators=(",", ":")).encode()
    refuse_booster("xgboost", content, tmp_path / "x", "category that is not there")


def chain(length: int) -> dict[str, Any]:
    """A tree of XGBoost in which each node has one leaf."""
    size = 2 * length + 1
    inner = range(0, size - 2, 2)
    left, right, parent = [-1] * size, [-1] * size, [2**31 - 1] + [0] * (size - 1)
    for i in inner:
        left[i], right[i], parent[i + 1], parent[i + 2] = i + 1, i + 2, i, i
    zeros, numbers = [0] * size, [0.5] * size
    return {
        **dict.fromkeys(
            ("base_weights", "loss_changes", "sum_hessian", "split_conditions"), numbers
        ),
        **dict.fromkeys(("default_left", "split_indices", "split_type"), zeros),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "id": 0,
        "left_children": left,
        "right_children": right,
        "parents": parent,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": "4",
            "num_nodes": str(size),
            "size_leaf_vector": "1",
        },
    }


def test_a_tree_on_which_xgboost_overflows_its_stack_is_refused(tmp_path: Path) -> None:
    whole = json.loads(members_of(saved("xgboost"))[1]["booster_0.json"])
    part = whole["learner"]["gradient_booster"]["model"]
    part.update(tree_info=[0], iteration_indptr=[0, 1])
    part["gbtree_model_param"]["num_trees"] = "1"
    path = tmp_path / "x"
    for length, reason in ((1000, None), (5000, "at most 1,024 levels, got 5,000")):
        part["trees"] = [chain(length)]
        content = json.dumps(whole, separators=(",", ":")).encode()
        if reason is not None:
            refuse_booster("xgboost", content, path, reason)
        else:
            path.write_bytes(with_members(saved("xgboost"), {"booster_0.json": content}))
            assert gbimb.load(path).predict_proba(table(5)).shape == (5, 2)
