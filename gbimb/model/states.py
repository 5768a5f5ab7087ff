"""Fitted estimators as a state of JSON and boosters; ``reading`` is the way back."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sklearn.base import clone

from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import write_json
from gbimb.model import attributes as _attributes
from gbimb.model import parameters as _parameters
from gbimb.model.model import BoosterModel
from gbimb.model.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gbimb.constraints import Constraints
    from gbimb.decisions.held_out import HeldOutScores
    from gbimb.model.archive import Members
    from gbimb.model.attributes import Rule as Check
    from gbimb.model.model import Model
    from gbimb.tables.encoder import TableEncoder

STATE: Final = "state.json"
PARTS: Final = ("class", "params", "fitted")
ABSENT: Final = object()


@dataclass(frozen=True)
class Saved:
    """What of a class goes into a file; each class that can be saved has one as ``saved_as``.

    Attributes
    ----------
    form : {"booster", "bags", "blend"}
        What it holds: a booster of its own, bags, or the members of a blend.
    parameters : mapping of constructor parameter to what it may be
    attributes : mapping of fitted attribute to its rule
    """

    form: str
    parameters: Constraints
    attributes: Mapping[str, Check]


LIGHTGBM: Final = Saved("booster", _parameters.LIGHTGBM, _attributes.BOOSTING)
XGBOOST: Final = Saved("booster", _parameters.XGBOOST, _attributes.XGBOOST)
BAGGING: Final = Saved("bags", _parameters.BAGGING, _attributes.BAGGING)
AUTO: Final = Saved("blend", _parameters.AUTO, _attributes.BLEND)
PORTFOLIO: Final = Saved("blend", _parameters.PORTFOLIO, _attributes.BLEND)


def with_model(parameters: Any, model: Model) -> Any:  # an estimator
    """Return an estimator with the parameters of another, fitted to ``model``."""
    fitted = clone(parameters)
    fitted.model_ = model
    fitted.n_features_in_ = model.schema.n_features
    if model.schema.names is not None:
        fitted.feature_names_in_ = model.schema.names
    return fitted


def classes_inside(estimator: Any) -> dict[str, type[Any]]:
    """Return the classes of a fitted estimator and of those that it holds, by name."""
    inside = [*getattr(estimator, "estimators_", ()), *getattr(estimator, "members_", ())]
    given = getattr(estimator, "estimator", None)
    found = [estimator, *inside, *([] if given is None else [given])]
    return {type(each).__name__: type(each) for each in found}


def dump(estimator: Any) -> tuple[Members, dict[str, object]]:
    """Return the members of the file of a fitted estimator, and what the manifest says of it."""
    saved = saved_as(type(estimator))
    members: Members = {}
    inside = [estimator]
    if saved.form == "bags":
        state, inside = _dump_bags(estimator, members), estimator.estimators_
    elif saved.form == "blend":
        inside = estimator.members_
        _refuse_foreign(inside)
        blended = [_dump_booster(member, members) for member in inside]
        state = {**_dump_parts(estimator), "members": blended}
    else:
        state = _dump_booster(estimator, members)
    engines = {each.engine_name for each in inside}
    versions = {name: get_engine(name).version() for name in engines}
    about: dict[str, object] = {"class": type(estimator).__name__, "engines": versions}
    return {STATE: write_json(state), **members}, about


def saved_as(kind: type[Any]) -> Saved:
    """Return what of a class goes into a file, or raise if it cannot be saved."""
    found: Saved | None = vars(kind).get("saved_as")  # not that of a class above
    if found is None:
        msg = (
            f"The safe format knows gbimb's own estimators, got {kind.__name__}, whose state may "
            "be anything. Use joblib.dump for it, and joblib.load for files that you trust only."
        )
        raise InvalidDataError(msg)
    return found


def _dump_parts(estimator: Any) -> dict[str, Any]:
    """Return class, constructor parameters and fitted attributes."""
    names = saved_as(type(estimator)).attributes
    return {**_dump_unfitted(estimator), "fitted": _dump_fitted(estimator, names)}


def _dump_unfitted(estimator: Any) -> dict[str, Any]:
    names = saved_as(type(estimator)).parameters
    params = {name: encode(getattr(estimator, name), name) for name in names}
    return {"class": type(estimator).__name__, "params": params}


def _dump_fitted(estimator: Any, names: Iterable[str]) -> dict[str, Any]:
    found = {
        name: HIDDEN[name](estimator) if name in HIDDEN else getattr(estimator, name, ABSENT)
        for name in names
    }
    plain = {
        name: PLAIN[name](value) if name in PLAIN else value
        for name, value in found.items()
        if value is not ABSENT
    }
    return {name: encode(value, name) for name, value in plain.items()}


def _dump_booster(estimator: Any, members: Members) -> dict[str, Any]:
    """Return the state, and put the booster among ``members``."""
    saved_as(type(estimator))
    engine = get_engine(estimator.engine_name)
    name = f"booster_{len(members)}.{engine.SUFFIX}"
    members[name] = engine.dump(estimator.booster_)
    return {**_dump_parts(estimator), "booster": name}


def _refuse_foreign(members: Sequence[Any]) -> None:
    """Raise if a member is of another package: its state may be anything."""
    foreign = [m.classifiers[0] for m in members if hasattr(m, "classifiers")]
    if foreign:
        msg = (
            f"The safe format cannot hold {type(foreign[0]).__name__}, given as estimators, whose "
            "state may be anything. Use joblib.dump, and joblib.load for files that you trust only."
        )
        raise InvalidDataError(msg)


def _dump_bags(estimator: Any, members: Members) -> dict[str, Any]:
    for bag in estimator.estimators_:
        if saved_as(type(bag)).form != "booster":
            msg = (
                "The safe format knows bags of the two boosting estimators, "
                f"got bags of {type(bag).__name__}. Use joblib.dump for them, and joblib.load for "
                "files that you trust only."
            )
            raise InvalidDataError(msg)
    given, first = estimator.estimator, estimator.estimators_[0]
    known = saved_as(type(first)).attributes
    names = [name for name in _attributes.SHARED_BY_BAGS if name in known]
    shared = {**_dump_unfitted(first), "fitted": _dump_fitted(first, names)}
    bags = [_dump_booster(bag, members) for bag in estimator.estimators_]
    return {
        **_dump_parts(estimator),
        "estimator": None if given is None else _dump_unfitted(given),
        "prototype": shared,
        "bags": [_without(bag, shared) if bag["class"] == shared["class"] else bag for bag in bags],
    }


def _without(bag: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a bag has in common with the prototype."""
    rest = {
        part: {k: v for k, v in bag[part].items() if k not in shared[part] or v != shared[part][k]}
        for part in ("params", "fitted")
    }
    return {**bag, **rest}


# --- attributes that are no plain values ---


def _given(value: Any) -> Any:
    return ABSENT if value is None else value


def _limits(estimator: Any) -> list[float]:
    return [m.limit for m in estimator.model_.members if not isinstance(m, BoosterModel)]


HIDDEN: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": attrgetter("model_.schema.encoder"),
    "_zero_is_missing": attrgetter("model_.zero_is_missing"),
    "_pairs": lambda fitted: _given(fitted.model_.pairs or None),
    "_correction": attrgetter("model_.correction"),
    "_share": attrgetter("model_.natural_share"),
    "_digest": attrgetter("bags_.digest"),
    "_shares": attrgetter("bags_.shares"),
    "_oob": attrgetter("bags_.oob"),
    "_judged_by": attrgetter("model_.validation"),
    "_effects": attrgetter("effects_"),
    "_seed": attrgetter("seed_"),
    "_held_out": lambda fitted: _given(fitted.model_.held_out),
    "_adapted_to": lambda fitted: _given(fitted.model_.adapted_to),
    "_limits": _limits,
}
"""Where the private attributes of version 0.1 are found in a model."""


def _numbers(curve: Any) -> list[Any]:
    return [getattr(curve, field.name) for field in fields(curve)]


def _held_out(rows: HeldOutScores) -> list[Any]:
    *arrays, effects = _numbers(rows)
    return arrays if effects is None else [*arrays, list(effects)]


def _columns(encoder: TableEncoder) -> Any:
    columns = [[c.name, c.categories] + ([c.kind] if c.kind else []) for c in encoder.columns]
    if encoder.typical is None:
        return columns
    state = {"columns": columns, **vars(encoder.typical)}
    if encoder.marginals is not None:
        places, cuts, share, *rest = _numbers(encoder.marginals)
        state["marginals"] = [places, cuts, share.reshape(-1, share.shape[2]), *rest]
    return state


PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": _columns,
    "readings_": lambda found: {name: [r.form, r.missing] for name, r in found.items()},
    "_correction": list,
    "_pairs": lambda pairs: [list(pair) for pair in pairs],
    "leaderboard_": lambda table: table.to_dict("list"),
    "guarantee_": lambda g: None if g is None else list(astuple(g)),
    "calibrator_": lambda c: None if c is None else [_numbers(curve) for curve in c.curves],
    "_oob": _numbers,
    "_held_out": _held_out,
    "evals_result_": dict,
    "best_iterations_": dict,
    "blend_": dict,
}
