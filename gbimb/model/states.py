"""Fitted estimators as a state of JSON and boosters, and back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.base import clone

from gbimb.decisions.calibration import BetaCurve, Calibrator, Correction, Curve, IsotonicCurve
from gbimb.decisions.rules import Costs, read_costs
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import read_json, shown, write_json
from gbimb.model import attributes as _attributes
from gbimb.model import parameters as _parameters
from gbimb.model.bags import Bags, OutOfBag
from gbimb.model.model import AveragedModel, BoosterModel, make_rule
from gbimb.model.values import check_keys, decode, encode, malformed
from gbimb.parallel import expect_engine_threads
from gbimb.tables.classes import Classes
from gbimb.tables.columns import Column
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.schema import Schema
from gbimb.tables.texts import Reading
from gbimb.tables.typical import Typical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gbimb.model.archive import Members
    from gbimb.model.attributes import Rule as Check
    from gbimb.model.attributes import Size
    from gbimb.model.model import Model
    from gbimb.model.parameters import Types

STATE: Final = "state.json"
PARTS: Final = ("class", "params", "fitted")
ABSENT: Final = object()
DISAGREE: Final = "The members must agree in number, classes and columns with their estimator."


@dataclass(frozen=True)
class Saved:
    """What of a class goes into a file; each class that can be saved has one as ``saved_as``.

    Attributes
    ----------
    form : {"booster", "bags", "blend"}
        What it holds: a booster of its own, bags, or the members of a blend.
    parameters : mapping of constructor parameter to types
    attributes : mapping of fitted attribute to its rule
    """

    form: str
    parameters: Mapping[str, Types]
    attributes: Mapping[str, Check]


LIGHTGBM: Final = Saved("booster", _parameters.LIGHTGBM, _attributes.BOOSTING)
XGBOOST: Final = Saved("booster", _parameters.XGBOOST, _attributes.XGBOOST)
BAGGING: Final = Saved("bags", _parameters.BAGGING, _attributes.BAGGING)
AUTO: Final = Saved("blend", _parameters.AUTO, _attributes.AUTO)


def with_model(parameters: Any, model: Model) -> Any:  # noqa: ANN401  an estimator
    """Return an estimator with the parameters of another, fitted to ``model``."""
    fitted = clone(parameters)
    fitted.model_ = model
    fitted.n_features_in_ = model.schema.n_features
    if model.schema.names is not None:
        fitted.feature_names_in_ = model.schema.names
    return fitted


def classes_inside(estimator: Any) -> dict[str, type[Any]]:  # noqa: ANN401
    """Return the classes of a fitted estimator and of those that it holds, by name."""
    inside = [*getattr(estimator, "estimators_", ()), *getattr(estimator, "members_", ())]
    given = getattr(estimator, "estimator", None)
    found = [estimator, *inside, *([] if given is None else [given])]
    return {type(each).__name__: type(each) for each in found}


def dump(estimator: Any) -> tuple[Members, dict[str, object]]:  # noqa: ANN401
    """Return the members of the file of a fitted estimator, and what the manifest says of it."""
    saved = _saved_as(type(estimator))
    members: Members = {}
    inside = [estimator]
    if saved.form == "bags":
        state, inside = _dump_bags(estimator, members), estimator.estimators_
    elif saved.form == "blend":
        inside = estimator.members_
        blended = [_dump_booster(member, members) for member in inside]
        state = {**_dump_parts(estimator), "members": blended}
    else:
        state = _dump_booster(estimator, members)
    engines = {each.engine_name for each in inside}
    versions = {name: get_engine(name).version() for name in engines}
    about: dict[str, object] = {"class": type(estimator).__name__, "engines": versions}
    return {STATE: write_json(state), **members}, about


def build(members: Members, classes: Mapping[str, type[Any]]) -> Any:  # noqa: ANN401
    """Return the estimator of which ``members`` are the file.

    ``classes`` are all that is ever looked up by a name in it.
    """
    expect_engine_threads()
    state = read_json(members[STATE], STATE) if STATE in members else None
    boosters = {name: data for name, data in members.items() if name != STATE}
    name = state.get("class") if isinstance(state, dict) else None
    if not isinstance(state, dict) or not isinstance(name, str) or name not in classes:
        msg = f"{STATE} must name one of the classes {sorted(classes)}, got {shown(name)}."
        raise InvalidDataError(msg)
    reader = Reader(classes, boosters)
    form = _saved_as(classes[name]).form
    if form == "bags":
        estimator = reader.bags(state)
    elif form == "blend":
        estimator = reader.blend(state)
    else:
        estimator = reader.booster(check_keys(state, STATE, *PARTS, "booster"))
    if boosters:
        msg = f"{STATE} must refer to every booster once, got {shown(sorted(boosters))} left over."
        raise InvalidDataError(msg)
    return estimator


def _saved_as(kind: type[Any]) -> Saved:
    found: Saved | None = vars(kind).get("saved_as")  # not that of a class above
    if found is None:
        msg = (
            f"The safe format does not know {kind.__name__}, whose state may be anything. Use "
            "joblib.dump for it, and joblib.load for files that you trust only."
        )
        raise InvalidDataError(msg)
    return found


# --- writing ---


def _dump_parts(estimator: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return class, constructor parameters and fitted attributes."""
    names = _saved_as(type(estimator)).attributes
    return {**_dump_unfitted(estimator), "fitted": _dump_fitted(estimator, names)}


def _dump_unfitted(estimator: Any) -> dict[str, Any]:  # noqa: ANN401
    names = _saved_as(type(estimator)).parameters
    params = {name: encode(getattr(estimator, name), name) for name in names}
    return {"class": type(estimator).__name__, "params": params}


def _dump_fitted(estimator: Any, names: Mapping[str, object]) -> dict[str, Any]:  # noqa: ANN401
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


def _dump_booster(estimator: Any, members: Members) -> dict[str, Any]:  # noqa: ANN401
    """Return the state, and put the booster among ``members``."""
    _saved_as(type(estimator))
    engine = get_engine(estimator.engine_name)
    name = f"booster_{len(members)}.{engine.SUFFIX}"
    members[name] = engine.dump(estimator.booster_)
    return {**_dump_parts(estimator), "booster": name}


def _dump_bags(estimator: Any, members: Members) -> dict[str, Any]:  # noqa: ANN401
    for bag in estimator.estimators_:
        if _saved_as(type(bag)).form != "booster":
            msg = (
                "The safe format knows bags of the two boosting estimators, "
                f"got bags of {type(bag).__name__}. Use joblib.dump for them, and joblib.load for "
                "files that you trust only."
            )
            raise InvalidDataError(msg)
    given, first = estimator.estimator, estimator.estimators_[0]
    shared = {
        **_dump_unfitted(first),
        "fitted": _dump_fitted(
            first, {name: None for name in _attributes.SHARED_BY_BAGS if name in _names(first)}
        ),
    }
    bags = [_dump_booster(bag, members) for bag in estimator.estimators_]
    return {
        **_dump_parts(estimator),
        "estimator": None if given is None else _dump_unfitted(given),
        "prototype": shared,
        "bags": [_without(bag, shared) if bag["class"] == shared["class"] else bag for bag in bags],
    }


def _names(estimator: Any) -> Mapping[str, Check]:  # noqa: ANN401
    return _saved_as(type(estimator)).attributes


def _without(bag: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a bag has in common with the prototype."""
    rest = {
        part: {k: v for k, v in bag[part].items() if k not in shared[part] or v != shared[part][k]}
        for part in ("params", "fitted")
    }
    return {**bag, **rest}


# --- reading ---


@dataclass(frozen=True, eq=False)
class Reader:
    """Builds estimators from states.

    Attributes
    ----------
    classes : mapping of name to class
    boosters : dict
        In their engines' form; those that were read are taken out.
    """

    classes: Mapping[str, type[Any]]
    boosters: Members

    def booster(self, state: dict[str, Any], base: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return a boosting estimator; what is absent from its state is as in ``base``."""
        kind, params, values, size = self._parts(state, base)
        name = state["booster"]
        if _saved_as(kind).form != "booster" or not isinstance(name, str):
            raise malformed("booster", name)
        if name not in self.boosters:
            raise malformed("booster", name)
        columns = values["_encoder"].columns
        counts = [len(c.categories or ()) if c.is_nominal else None for c in columns]
        booster = get_engine(kind.engine_name).load(
            self.boosters.pop(name), size.outputs, counts or [None] * size.features
        )
        model = BoosterModel(
            **_shared(values),
            validation=values["validation_"],
            score=values["best_score_"],
            engine=kind.engine_name,
            booster=booster,
            n_rounds=values["best_iteration_"],
            rounds=values.get("best_iterations_", {}),
            history=values["evals_result_"],
            blend=values.get("blend_", {}),
            zero_is_missing=values.get("_zero_is_missing", False),
        )
        return _with_readings(with_model(kind(**params), model), values)

    def bags(self, state: dict[str, Any]) -> Any:  # noqa: ANN401
        """Return a bagging classifier."""
        check_keys(state, STATE, *PARTS, "estimator", "prototype", "bags")
        estimators = self._members_of_bags(state)
        kind, params, values, _ = self._parts({part: state[part] for part in PARTS})
        if not estimators:
            raise InvalidDataError(DISAGREE)
        values["_encoder"] = estimators[0].model_.schema.encoder
        if state["estimator"] is not None:
            params["estimator"] = self._unfitted(
                check_keys(state["estimator"], "estimator", "class", "params")
            )
        model = AveragedModel(
            **_shared(values),
            validation="rows out of the bags",
            score=values["oob_score_"],
            members=tuple(bag.model_ for bag in estimators),
            weights=None,
            correction=values["_correction"],
            natural_share=values["_share"],
        )
        fitted = with_model(kind(**params), model)
        fitted.estimators_ = estimators
        fitted.estimators_samples_ = values["estimators_samples_"]
        fitted.seed_ = values["_seed"]
        fitted.bags_ = Bags(
            seed=values["_seed"],
            digest=values["_digest"],
            members=list(model.members),
            samples=values["estimators_samples_"],
            shares=values["_shares"],
            oob=values["_oob"],
        )
        _check_members(model, len(values["_shares"]), len(values["estimators_samples_"]))
        return _with_readings(fitted, values)

    def _members_of_bags(self, state: dict[str, Any]) -> list[Any]:
        prototype = check_keys(state["prototype"], "prototype", *PARTS)
        base = {"class": prototype["class"]} | {
            part: _decode_all(prototype[part], part) for part in ("params", "fitted")
        }
        kind = self._class_of(base["class"], "class")
        saved = _saved_as(kind)
        _parameters.check_parameters(base["params"], saved.parameters, kind.__name__)
        if saved.form != "booster" or not isinstance(state["bags"], list):
            raise malformed("bags", state["bags"])
        return [
            self.booster(check_keys(bag, "bags", *PARTS, "booster"), base) for bag in state["bags"]
        ]

    def blend(self, state: dict[str, Any]) -> Any:  # noqa: ANN401
        """Return an automatic choice."""
        check_keys(state, STATE, *PARTS, "members")
        kind, params, values, _ = self._parts({part: state[part] for part in PARTS})
        if not isinstance(state["members"], list):
            raise malformed("members", state["members"])
        members = [
            self.booster(check_keys(member, "members", *PARTS, "booster"))
            for member in state["members"]
        ]
        shared = _shared(values)
        metric, n_classes = params.get("metric", "mcc"), shared["classes"].size
        if not isinstance(metric, str) and n_classes > 2:
            shared["rule"] = Costs(read_costs(metric, n_classes))
        model = AveragedModel(
            **shared,
            validation=values["validation_"],
            score=values["best_score_"],
            members=tuple(member.model_ for member in members),
            weights=values["weights_"],
            correction=values["_correction"],
        )
        _check_members(model, values["weights_"].size)
        fitted = with_model(kind(**params), model)
        fitted.members_, fitted.leaderboard_ = members, values["leaderboard_"]
        fitted.seed_, fitted.effects_ = values["_seed"], values["_effects"]
        return _with_readings(fitted, values)

    def _parts(
        self, state: dict[str, Any], base: Mapping[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any], dict[str, Any], Size]:
        """Return class, parameters and fitted values, checked; what is absent is as in ``base``."""
        name = state["class"]
        kind = self._class_of(name, "class")
        saved = _saved_as(kind)
        params, values = (_decode_all(state[part], part) for part in ("params", "fitted"))
        if base is not None and base["class"] == name:
            params, values = {**base["params"], **params}, {**base["fitted"], **values}
        _parameters.check_parameters(params, saved.parameters, name)
        size = _attributes.check_attributes(values, saved.attributes, name)
        made = {key: MADE[key](value) if key in MADE else value for key, value in values.items()}
        return kind, params, made, size

    def _unfitted(self, given: dict[str, Any]) -> Any:  # noqa: ANN401
        kind = self._class_of(given["class"], "estimator")
        saved = _saved_as(kind)
        if saved.form != "booster":
            raise malformed("estimator", given["class"])
        params = _decode_all(given["params"], "estimator")
        _parameters.check_parameters(params, saved.parameters, given["class"])
        return kind(**params)

    def _class_of(self, name: object, where: str) -> Any:  # noqa: ANN401
        if not isinstance(name, str) or name not in self.classes:
            raise malformed(where, name)
        return self.classes[name]


def _decode_all(part: object, name: str) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise malformed(name, part)
    return {key: decode(value, f"{name}.{key}") for key, value in part.items()}


def _shared(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all models have."""
    classes = Classes(values["classes_"], values["pos_label_"])
    rule = values["threshold_"] if classes.size == 2 else values["class_weights_"]
    names = values.get("feature_names_in_")
    return {
        "schema": Schema(values["_encoder"], int(values["n_features_in_"]), names),
        "classes": classes,
        "link": values["loss_"],
        "calibrator": values.get("calibrator_"),
        "rule": make_rule(rule, classes),
        "importances": values.get("feature_importances_"),
    }


def _with_readings(fitted: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the estimator with how texts of files are read, where that is known."""
    if "readings_" in values:
        fitted.readings_ = values["readings_"]
    return fitted


def _check_members(model: AveragedModel, *numbers: int) -> None:
    """Raise unless the members and what is known of them fit together."""
    members = [member for member in model.members if isinstance(member, BoosterModel)]
    agree = all(
        member.schema.n_features == model.schema.n_features
        and np.array_equal(member.classes.labels, model.classes.labels)
        and member.classes.positive == model.classes.positive
        for member in members
    )
    if not members or {len(members), *numbers} != {len(members)} or not agree:
        raise InvalidDataError(DISAGREE)


# --- attributes that are no plain values ---


def _limits(estimator: Any) -> list[float]:  # noqa: ANN401
    return [m.limit for m in estimator.model_.members if not isinstance(m, BoosterModel)]


HIDDEN: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": attrgetter("model_.schema.encoder"),
    "_zero_is_missing": attrgetter("model_.zero_is_missing"),
    "_correction": attrgetter("model_.correction"),
    "_share": attrgetter("model_.natural_share"),
    "_digest": attrgetter("bags_.digest"),
    "_shares": attrgetter("bags_.shares"),
    "_oob": attrgetter("bags_.oob"),
    "_effects": attrgetter("effects_"),
    "_seed": attrgetter("seed_"),
    "_limits": _limits,
}
"""Where the private attributes of version 0.1 are found in a model."""


def _numbers(curve: Any) -> list[Any]:  # noqa: ANN401
    return [getattr(curve, field.name) for field in fields(curve)]


def _curve(numbers: list[Any]) -> Curve:
    return IsotonicCurve(*numbers) if len(numbers) == 2 else BetaCurve(*numbers)


def _columns(encoder: TableEncoder) -> Any:  # noqa: ANN401
    columns = [[c.name, c.categories] + ([c.kind] if c.kind else []) for c in encoder.columns]
    if encoder.typical is None:
        return columns
    return {"columns": columns, **vars(encoder.typical)}


def _encoder(state: Any) -> TableEncoder:  # noqa: ANN401
    """Return the columns, of a file of version 0.1 without typical values."""
    columns = state if isinstance(state, list) else state["columns"]
    typical = None if isinstance(state, list) else Typical(state["values"], state["complete"])
    return TableEncoder(tuple(Column(*parts) for parts in columns), typical)


PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": _columns,
    "readings_": lambda found: {name: [r.form, r.missing] for name, r in found.items()},
    "_correction": list,
    "leaderboard_": lambda table: table.to_dict("list"),
    "calibrator_": lambda c: None if c is None else [_numbers(curve) for curve in c.curves],
    "_oob": _numbers,
    "evals_result_": dict,
    "best_iterations_": dict,
    "blend_": dict,
}
MADE: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": _encoder,
    "readings_": lambda pairs: {name: Reading(*pair) for name, pair in pairs.items()},
    "_correction": lambda line: Correction(*line),
    "leaderboard_": pd.DataFrame,
    "calibrator_": lambda v: None if v is None else Calibrator(tuple(map(_curve, v))),
    "_oob": lambda parts: OutOfBag(*parts),
}
