"""LightGBM's boosters as text in a model file, checked before LightGBM reads it.

Its parser trusts what it is given: a wrong length or index reads beyond an array. So a text
that is not, line by line, as ``model_to_string`` writes it does not get there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

import lightgbm as lgb
import numpy as np

from gbimb.engines.trees import check_depth
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SUFFIX: Final = "txt"


def version() -> str:
    """Return the version of LightGBM."""
    return str(lgb.__version__)


def dump(booster: lgb.Booster) -> bytes:
    """Return the text of all trees."""
    text: str = booster.model_to_string(num_iteration=-1)
    return text.encode("utf-8")


def load(data: bytes, n_outputs: int, categories: Sequence[int | None]) -> lgb.Booster:
    """Return the booster in the text ``data``.

    Parameters
    ----------
    data : bytes
    n_outputs : int
        Raw scores a row.
    categories : sequence of int or None
        Number of categories of each column; None for a number.

    Raises
    ------
    InvalidDataError
        If the text is not a model of this form.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"The LightGBM model must be UTF-8 text, got another byte at {error.start}."
        raise InvalidDataError(msg) from None
    check_lightgbm(text, n_outputs, categories)
    try:
        return lgb.Booster(model_str=text)
    except (lgb.basic.LightGBMError, ValueError, RecursionError) as error:
        msg = f"LightGBM refuses the model: {shown(str(error))}."
        raise InvalidDataError(msg) from None


CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
ONE_WHOLE: Final = "-?[0-9]{1,10}"
ONE_DECIMAL: Final = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,3})?"
WHOLE, DECIMAL, UNBOUNDED = (
    re.compile(f"{one}(?: {one})*") for one in (ONE_WHOLE, ONE_DECIMAL, f"(?:-?inf|{ONE_DECIMAL})")
)
HEADER: Final = re.compile(
    r"tree\nversion=v4\nnum_class=(?P<num_class>\d{1,9})\n"
    r"num_tree_per_iteration=(?P<per_round>\d{1,9})\nlabel_index=0\n"
    r"max_feature_idx=(?P<last_feature>\d{1,9})\nfeature_names=(?P<names>[^\n]+)\n"
    r"(?:monotone_constraints=(?P<monotone>[-01 ]+)\n)?"
    r"feature_infos=(?P<infos>[^\n]+)\ntree_sizes=(?P<sizes>[0-9 ]+)\n\n",
    re.ASCII,
)
INFO: Final = re.compile(r"none|\[[-+0-9.einf]+:[-+0-9.einf]+\]|-?\d{1,10}(:-?\d{1,10})*", re.ASCII)
TAIL: Final = re.compile(
    r"end of trees\n\nfeature_importances:\n(?:[^\n ]+=\d{1,12}\n)*"
    r"(?:\nparameters:\n(?:\[[a-z0-9_]{1,60}: [^\n:\"\\]*\]\n)+\nend of parameters\n)?"
    r"\npandas_categorical:null\n",
    re.ASCII,
)

# Each line of a tree: its name, whether it holds whole numbers, and how many of what.
NODES, LEAVES = "nodes", "leaves"
LINES: Final = (
    ("split_feature", True, NODES),
    ("split_gain", False, NODES),
    ("threshold", False, NODES),
    ("decision_type", True, NODES),
    ("left_child", True, NODES),
    ("right_child", True, NODES),
    ("leaf_value", False, LEAVES),
    ("leaf_weight", False, LEAVES),
    ("leaf_count", True, LEAVES),
    ("internal_value", False, NODES),
    ("internal_weight", False, NODES),
    ("internal_count", True, NODES),
)
LINEAR: Final = ("leaf_const", "num_features", "leaf_features", "leaf_coeff")
LARGEST_INTEGER: Final = (1 << 31) - 1


def check_lightgbm(text: str, n_outputs: int, categories: Sequence[int | None]) -> None:
    """Raise unless ``text`` is a sound model.

    Parameters
    ----------
    text : str
    n_outputs : int
        Raw scores a row.
    categories : sequence, one a feature
        Number of categories, None for numbers.
    """
    if CONTROL.search(text):
        _refuse("control characters")
    head = HEADER.match(text)
    if head is None:
        _refuse("another header")
    if int(head["num_class"]) != n_outputs or int(head["per_round"]) != n_outputs:
        _refuse(f"{head['num_class']} classes, {n_outputs} expected")
    if int(head["last_feature"]) != len(categories) - 1:
        _refuse(f"max_feature_idx={head['last_feature']} for {len(categories)} features")
    infos = head["infos"].split(" ")
    counts = [len(head["names"].split(" ")), len(infos)]
    if head["monotone"] is not None:
        counts.append(_numbers(head["monotone"], len(categories), whole=True).size)
    if set(counts) != {len(categories)} or not all(map(INFO.fullmatch, infos)):
        _refuse("names or ranges of another number of features")
    end = text.find("end of trees\n", head.end())
    if end < 0 or TAIL.fullmatch(text, end) is None:
        _refuse("another end")
    _check_trees(text[head.end() : end], head["sizes"], n_outputs, categories)


def _check_trees(body: str, sizes: str, n_outputs: int, categories: Sequence[int | None]) -> None:
    trees = body.split("\n\n\n")
    if trees.pop() or not trees or len(trees) % n_outputs:
        _refuse("no whole number of rounds")
    expected = " ".join(str(len(tree) + 3) for tree in trees)
    if sizes != expected or not body.isascii():
        _refuse("tree_sizes that disagree with the trees")
    for i, tree in enumerate(trees):
        _check_tree(tree.split("\n"), i, categories)


def _check_tree(lines: list[str], i: int, categories: Sequence[int | None]) -> None:
    names = [line.partition("=")[0] for line in lines]
    texts = dict(zip(names, (line.partition("=")[2] for line in lines), strict=True))
    linear = texts.get("is_linear") == "1"
    by_category = texts.get("num_cat", "0") != "0"
    expected = [
        *("Tree", "num_leaves", "num_cat"),
        *(name for name, _, _ in LINES),
        *(("cat_boundaries", "cat_threshold") if by_category else ()),
        "is_linear",
        *(LINEAR if linear else ()),
        "shrinkage",
    ]
    if names != expected or texts["Tree"] != str(i) or texts["is_linear"] not in {"0", "1"}:
        _refuse(f"another form of tree {i}")
    n_leaves = int(_numbers(texts["num_leaves"], 1, whole=True)[0])
    if n_leaves < 1:
        _refuse(f"{n_leaves} leaves of tree {i}")
    _numbers(texts["shrinkage"], 1)
    values = {}
    for name, whole, what in LINES:
        size = n_leaves if what == LEAVES else n_leaves - 1
        if n_leaves == 1 and not texts[name] and name in {"leaf_weight", "leaf_count"}:
            size = 0
        values[name] = _numbers(texts[name], size, whole=whole, unbounded=name == "threshold")
    _check_shape(values["left_child"], values["right_child"], n_leaves)
    _check_splits(values, texts, categories)
    if linear:
        _check_linear(texts, n_leaves, len(categories))


def _numbers(text: str, size: int, *, whole: bool = False, unbounded: bool = False) -> NDArray[Any]:
    """Return ``size`` numbers; ``unbounded`` ones may be infinite.

    A threshold is, where missing values go one way and all others the other.
    """
    form = WHOLE if whole else UNBOUNDED if unbounded else DECIMAL
    is_sound = not text or form.fullmatch(text) is not None
    numbers = np.fromstring(text if is_sound else "", np.int64 if whole else np.float64, sep=" ")
    if not is_sound or numbers.size != size:
        _refuse(f"no {size} {'whole ' if whole else ''}numbers in {text[:40]!r}")
    if whole:
        in_range = (np.abs(numbers) <= LARGEST_INTEGER).all()
    else:
        in_range = np.count_nonzero(~np.isfinite(numbers)) == text.count("inf")
    if not in_range:
        _refuse(f"a number out of range in {text[:40]!r}")
    return numbers


def _check_shape(left: NDArray[Any], right: NDArray[Any], n_leaves: int) -> None:
    """Each node but the first, and each leaf, has one parent that stands before it."""
    children = np.concatenate([left, right])
    if n_leaves > 1 and not np.array_equal(
        np.sort(children), np.concatenate([np.arange(-n_leaves, 0), np.arange(1, n_leaves - 1)])
    ):
        _refuse("children that are no tree")
    node = np.arange(left.size)
    if ((left >= 0) & (left <= node)).any() or ((right >= 0) & (right <= node)).any():
        _refuse("children before their parents")
    check_depth(left, right)


def _check_splits(
    values: dict[str, NDArray[Any]], texts: dict[str, str], categories: Sequence[int | None]
) -> None:
    feature, kind = values["split_feature"], values["decision_type"]
    if ((feature < 0) | (feature >= len(categories))).any():
        _refuse("a split on a feature that is not there")
    if ((kind < 0) | (kind >= 12)).any():
        _refuse("an unknown decision_type")
    by_category = kind % 2 == 1
    n_sets = int(_numbers(texts["num_cat"], 1, whole=True)[0])
    of = values["threshold"][by_category]
    if n_sets != of.size or not np.array_equal(np.sort(of), np.arange(n_sets)):
        _refuse("splits by category without their categories")
    if any(categories[f] is None for f in feature[by_category]):
        _refuse("a split by category on a number")
    if not n_sets:
        return
    bounds = _numbers(texts["cat_boundaries"], n_sets + 1, whole=True)
    if bounds[0] != 0 or (np.diff(bounds) < 1).any():
        _refuse("cat_boundaries that do not rise")
    words = texts["cat_threshold"].split(" ")
    if len(words) != bounds[-1] or not all(re.fullmatch("[0-9]{1,10}", w) for w in words):
        _refuse("cat_threshold of another length")
    if any(int(word) >= 1 << 32 for word in words):
        _refuse("a number out of range in cat_threshold")


def _check_linear(texts: dict[str, str], n_leaves: int, n_features: int) -> None:
    _numbers(texts["leaf_const"], n_leaves)
    counts = _numbers(texts["num_features"], n_leaves, whole=True)
    if (counts < 0).any():
        _refuse("a negative number of features in a leaf")
    features = _numbers(" ".join(texts["leaf_features"].split()), int(counts.sum()), whole=True)
    _numbers(" ".join(texts["leaf_coeff"].split()), int(counts.sum()))
    if ((features < 0) | (features >= n_features)).any():
        _refuse("a leaf on a feature that is not there")


def _refuse(reason: str) -> NoReturn:
    msg = f"The model must be LightGBM's own text, got {reason}."
    raise InvalidDataError(msg)
