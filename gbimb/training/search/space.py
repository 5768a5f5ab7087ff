"""What is searched: the first candidates, in the order that pays, and the space around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gbimb.engines.defaults import ONE_HOT, SMALL_TABLE, SMALLEST_SUBSAMPLED, Pace
from gbimb.losses import FocalLoss
from gbimb.training.search.candidate import Candidate
from gbimb.training.search.forest import Forest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import optuna

Choice = dict[str, Any]

ENGINES: Final = ("lightgbm", "xgboost")
FOREST: Final = "scikit-learn"
FEW_ROWS: Final = 5_000
DRAWN_BAGS: Final = 2
MOST_LEAVES: Final = 64
MOST_ROWS_OF_ALL: Final = 50_000
MOST_ROWS_OF_TWO: Final = 2_000_000

# What is not said is as in ``Space.base``.
PORTFOLIO: Final[tuple[Choice, ...]] = (
    {"engine": "lightgbm", "num_leaves": 31, "colsample_bytree": 1.0, "subsample": 1.0},
    {"engine": FOREST},
    {"engine": "xgboost"},
    {
        "engine": "lightgbm",
        "num_leaves": 31,
        "learning_rate": 0.15,
        "extra_trees": True,
        "ordered": True,
    },
    {"engine": "lightgbm", "pairs": True},
)
"""Of two classes; chosen with ``python -m benchmarks.portfolio``."""

PORTFOLIO_OF_LARGE: Final[tuple[Choice, ...]] = ({"engine": "lightgbm"}, {"engine": "xgboost"})
"""Of two classes and more than 50,000 rows."""

PORTFOLIO_OF_MANY: Final[tuple[Choice, ...]] = (
    {"engine": "lightgbm"},
    {"engine": "xgboost", "ordered": True},
    {"engine": FOREST},
)
"""Of more classes, each of which gets a tree a round."""

FIRST: Final[tuple[Choice, ...]] = (
    {"engine": FOREST, "max_features": 1.0},
    {"engine": "lightgbm", "num_leaves": 31, "reg_lambda": 10.0},
    {"engine": "xgboost", "max_depth": 6, "subsample": 0.6, "colsample_bytree": 0.3},
    {"engine": "lightgbm"},
    {"engine": "lightgbm", "loss": "focal", "gamma": 2.0},
    {"engine": "lightgbm", "class_weight": "root"},
    {"engine": "xgboost", "rows": "drawn", "drawn": 10.0},
    {"engine": "lightgbm", "ordered": True},
    {"engine": "lightgbm", "one_hot_up_to": 64},
    {"engine": "xgboost", "max_depth": 2},
    {"engine": "lightgbm", "rows": "drawn", "drawn": 3.0},
)


@dataclass(frozen=True)
class Space:
    """The table as far as the choice depends on it.

    Attributes
    ----------
    engines : sequence of str
        "scikit-learn" stands for forests.
    rows : int
    classes : int
    class_weights : mapping
        What "none", "root" and "balanced" are as ``scale_pos_weight``.
    has_categories : bool
    has_pairs : bool
        Whether there are two columns of numbers or more, in a table that is not sparse.
    fixed : mapping
        Constructor parameters that every candidate gets.
    make : mapping of engine to class
        The boosting estimator of each engine, whose parameters describe a candidate.
    foreign : mapping of name to classifier
        Candidates of other packages.
    most_rows_of_two : float
        Up to how many rows both engines are in the portfolio.
    """

    engines: Sequence[str]
    rows: int
    classes: int
    class_weights: Mapping[str, Any]
    has_categories: bool
    has_pairs: bool
    fixed: Mapping[str, Any]
    make: Mapping[str, Any]
    foreign: Mapping[str, Any] = field(default_factory=dict)
    most_rows_of_two: float = MOST_ROWS_OF_TWO

    def base(self, engine: str) -> Choice:
        """Return the estimators' own defaults, with log loss."""
        small = self.rows <= SMALL_TABLE
        many = self.classes > 2
        whole = many and small
        if engine == FOREST:
            fewest = 1 if self.rows <= FEW_ROWS else 3
            return {"engine": engine, "min_samples_leaf": fewest, "max_features": 0.5}
        choice: Choice = {
            "engine": engine,
            "loss": "logistic",
            "class_weight": "none",
            "rows": "all",
            "learning_rate": Pace(1.0, self.classes).of(0.1 if small else 0.2),
            "subsample": 1.0 if whole or self.rows < SMALLEST_SUBSAMPLED else 0.8,
            "colsample_bytree": 1.0 if whole else 0.5,
            "reg_lambda": 1.0,
            "one_hot_up_to": ONE_HOT if engine == "lightgbm" else 4,
            "ordered": False,
            "pairs": False,
        }
        if engine == "lightgbm":
            fewest = min(20, self.rows // 50)
            leaves = 8 if small and not many else 31
            choice |= {"num_leaves": leaves, "min_child_samples": fewest, "extra_trees": False}
        else:
            choice |= {"max_depth": 6 if whole else 4, "min_child_weight": 1.0}
        return choice

    def portfolio(self) -> list[Choice]:
        """Return the fixed members for a table of this size."""
        large = self.rows > MOST_ROWS_OF_ALL
        of_two = PORTFOLIO_OF_LARGE if large else PORTFOLIO
        members = self._complete(of_two if self.classes == 2 else PORTFOLIO_OF_MANY)
        return members[:1] if self.rows > self.most_rows_of_two else members

    def first(self) -> list[Choice]:
        """Return the candidates to begin with, those of the portfolio before others."""
        own = PORTFOLIO if self.classes == 2 else PORTFOLIO_OF_MANY
        return self._complete((*own, *PORTFOLIO, *FIRST))

    def _complete(self, choices: Sequence[Choice]) -> list[Choice]:
        """Return those that suit the table, each once, with what is not said as in ``base``."""
        found: list[Choice] = []
        for choice in choices:
            if choice["engine"] not in self.engines or (choice.get("pairs") and not self.has_pairs):
                continue
            one = {**self.base(choice["engine"]), **choice}
            if "learning_rate" in choice:
                one["learning_rate"] = Pace(1.0, self.classes).of(choice["learning_rate"])
            if not self.has_categories and one["engine"] in ENGINES:
                one |= {
                    "ordered": False,
                    "one_hot_up_to": self.base(one["engine"])["one_hot_up_to"],
                }
            if one not in found:
                found.append(one)
        return found

    def foreign_choices(self) -> list[Choice]:
        """Return a choice for each classifier of another package."""
        return [{"engine": name} for name in self.foreign]

    def suggest(self, trial: optuna.Trial) -> Choice:
        """Return the choice that the optimiser makes."""
        pick, number = trial.suggest_categorical, trial.suggest_float
        choice = self.base(pick("engine", list(self.engines)))
        if choice["engine"] == FOREST:
            choice["min_samples_leaf"] = trial.suggest_int("min_samples_leaf", 1, 16, log=True)
            choice["max_features"] = number("max_features", 0.1, 1.0)
            return choice
        choice["loss"] = pick("loss", ["logistic", "focal"])
        if choice["loss"] == "focal":
            choice["gamma"] = number("gamma", 0.5, 4.0)
        choice["class_weight"] = pick("class_weight", list(self.class_weights))
        choice["rows"] = pick("rows", ["all", "drawn"])
        if choice["rows"] == "drawn":
            choice["drawn"] = number("drawn", 1.0, 30.0, log=True)
        choice["learning_rate"] = number(
            "learning_rate", Pace(1.0, self.classes).of(0.03), 0.3, log=True
        )
        choice["subsample"] = number("subsample", 0.5, 1.0)
        choice["colsample_bytree"] = number("colsample_bytree", 0.2, 1.0)
        choice["reg_lambda"] = number("reg_lambda", 0.05, 20.0, log=True)
        if self.has_categories:
            choice["one_hot_up_to"] = pick("one_hot_up_to", [4, 16, 64])
            choice["ordered"] = pick("ordered", [False, True])
        if self.has_pairs:
            choice["pairs"] = pick("pairs", [False, True])
        if choice["engine"] == "lightgbm":
            choice["num_leaves"] = trial.suggest_int("num_leaves", 3, MOST_LEAVES, log=True)
            choice["min_child_samples"] = trial.suggest_int("min_child_samples", 1, 100, log=True)
            choice["extra_trees"] = pick("extra_trees", [False, True])
        else:
            choice["max_depth"] = trial.suggest_int("max_depth", 2, 8)
            choice["min_child_weight"] = number("min_child_weight", 0.05, 4.0, log=True)
        return choice

    def candidate(self, choice: Choice) -> Candidate:
        """Return the candidate that ``choice`` describes."""
        if choice["engine"] in self.foreign:
            name = choice["engine"]
            return Candidate(name, self.foreign[name], foreign=True)
        name = describe(choice, self.base(choice["engine"]))
        if choice["engine"] == FOREST:
            forest = Forest(choice["min_samples_leaf"], choice["max_features"])
            keeper = self.make["lightgbm"](**self.fixed)
            return Candidate(name, keeper, forest=forest)
        params = {
            name: choice[name]
            for name in ("loss", "learning_rate", "subsample", "colsample_bytree", "reg_lambda")
        }
        if choice["loss"] == "focal":
            params["gamma"] = choice["gamma"]
            params["learning_rate"] /= FocalLoss(choice["gamma"]).steepness
        engine_params: dict[str, Any] = {}
        if self.has_categories:
            engine_params["max_cat_to_onehot"] = choice["one_hot_up_to"]
        if choice["engine"] == "lightgbm":
            params |= {name: choice[name] for name in ("num_leaves", "min_child_samples")}
            # Said in any case: the bins that all candidates share have the first one's parameters.
            engine_params["extra_trees"] = choice["extra_trees"]
        else:
            params |= {name: choice[name] for name in ("max_depth", "min_child_weight")}
        estimator = self.make[choice["engine"]](
            **params,
            scale_pos_weight=self.class_weights[choice["class_weight"]],
            engine_params=engine_params or None,
            **self.fixed,
        )
        drawn = choice.get("drawn") if choice["rows"] == "drawn" else None
        bags = DRAWN_BAGS if drawn else 1
        return Candidate(
            name, estimator, drawn, bags, ordered=choice["ordered"], pairs=choice["pairs"]
        )


def describe(choice: Choice, base: Choice) -> str:
    """Return ``choice`` in words: the engine, the loss, and where it leaves ``base``."""
    if choice["engine"] == FOREST:
        return f"Forest: {choice['min_samples_leaf']} in leaf, columns {choice['max_features']:.2g}"
    words = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}[choice["engine"]]
    parts = ["log loss" if choice["loss"] == "logistic" else f"focal {choice['gamma']:.2g}"]
    if choice["class_weight"] != "none":
        parts.append({"root": "root weight", "balanced": "balanced"}[choice["class_weight"]])
    if choice["rows"] == "drawn":
        parts.append(f"1:{choice['drawn']:.2g} drawn")
    if choice.get("extra_trees"):
        parts.append("extra trees")
    if choice["ordered"]:
        parts.append("categories as numbers")
    if choice["pairs"]:
        parts.append("ratios and differences")
    for name, short in SHORT.items():
        if name in choice and choice[name] != base.get(name):
            parts.append(f"{short} {choice[name]:.2g}")
    return f"{words}: {', '.join(parts)}"


SHORT: Final = {
    "num_leaves": "leaves",
    "max_depth": "depth",
    "learning_rate": "rate",
    "subsample": "rows",
    "colsample_bytree": "columns",
    "reg_lambda": "lambda",
    "min_child_samples": "in leaf",
    "min_child_weight": "weight in leaf",
    "one_hot_up_to": "one-hot to",
}
