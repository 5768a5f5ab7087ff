"""Fitted estimators as a state of JSON and boosters, and back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.auto import AutoImbalancedClassifier
from gbimb.auto._objective import make_objective
from gbimb.decisions.calibration import BetaCurve, Calibrator, Correction, Curve, IsotonicCurve
from gbimb.decisions.rules import Costs, Rule
from gbimb.engines.registry import get_engine
from gbimb.estimators import (
    ImbalancedLGBMClassifier,
    ImbalancedXGBClassifier,
    UnderBaggingClassifier,
)
from gbimb.estimators._bag_checks import make_prototype
from gbimb.estimators._base import with_model
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import read_json, shown, write_json
from gbimb.model.model import AveragedModel, BoosterModel, make_rule
from gbimb.model.values import check_keys, decode, encode, malformed
from gbimb.parallel import expect_engine_threads
from gbimb.persistence import _attributes, _parameters
from gbimb.tables.classes import Classes
from gbimb.tables.columns import Column
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.schema import Schema
from gbimb.tables.texts import Reading
from gbimb.tables.typical import Typical
from gbimb.training.bag_average import Bags
from gbimb.training.bags import OutOfBag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gbimb.model.archive import Members
    from gbimb.persistence._attributes import Rule as Check
    from gbimb.persistence._attributes import Size
    from gbimb.persistence._parameters import Types

STATE: Final = "state.json"
PARTS: Final = ("class", "params", "fitted")
ABSENT: Final = object()
DISAGREE: Final = "The members must agree in number, classes and columns with their estimator."


@dataclass(frozen=True)
class Kind:
    """A class that can be saved: all that is ever looked up by a name in a file.

    Attributes
    ----------
    make : type
    parameters : mapping of constructor parameter to types
    attributes : mapping of fitted attribute to its rule
    engine : str or None
        Its name in the registry; None for a class that holds others.
    """

    make: Any
    parameters: Mapping[str, Types]
    attributes: Mapping[str, Check]
    engine: str | None


KINDS: Final = {
    kind.make.__name__: kind
    for kind in (
        Kind(
            ImbalancedLGBMClassifier, _parameters.LIGHTGBM, _attributes.BOOSTING, engine="lightgbm"
        ),
        Kind(ImbalancedXGBClassifier, _parameters.XGBOOST, _attributes.XGBOOST, engine="xgboost"),
        Kind(UnderBaggingClassifier, _parameters.BAGGING, _attributes.BAGGING, engine=None),
        Kind(AutoImbalancedClassifier, _parameters.AUTO, _attributes.AUTO, engine=None),
    )
}


def dump(estimator: Any) -> tuple[Members, dict[str, object]]:  # noqa: ANN401
    """Return the members of the file of a fitted estimator, and what the manifest says of it."""
    kind = _kind_of(estimator)
    members: Members = {}
    inside = [estimator]
    if kind.make is UnderBaggingClassifier:
        state, inside = _dump_bags(estimator, members), estimator.estimators_
    elif kind.make is AutoImbalancedClassifier:
        inside = estimator.members_
        blended = [_dump_booster(member, members) for member in inside]
        state = {**_dump_parts(estimator, kind), "members": blended}
    else:
        state = _dump_booster(estimator, members)
    engines = {each.engine_name for each in inside}
    versions = {name: get_engine(name).version() for name in engines}
    about: dict[str, object] = {"class": kind.make.__name__, "engines": versions}
    return {STATE: write_json(state), **members}, about


def build(members: Members) -> Any:  # noqa: ANN401
    """Return the estimator of which ``members`` are the file."""
    expect_engine_threads()
    state = read_json(members[STATE], STATE) if STATE in members else None
    boosters = {name: data for name, data in members.items() if name != STATE}
    name = state.get("class") if isinstance(state, dict) else None
    if not isinstance(state, dict) or not isinstance(name, str) or name not in KINDS:
        msg = f"{STATE} must name one of the classes {sorted(KINDS)}, got {shown(name)}."
        raise InvalidDataError(msg)
    if KINDS[name].make is UnderBaggingClassifier:
        estimator = _build_bags(state, boosters)
    elif KINDS[name].make is AutoImbalancedClassifier:
        estimator = _build_blend(state, boosters)
    else:
        estimator = _build_booster(check_keys(state, STATE, *PARTS, "booster"), boosters)
    if boosters:
        msg = f"{STATE} must refer to every booster once, got {shown(sorted(boosters))} left over."
        raise InvalidDataError(msg)
    return estimator


def _kind_of(estimator: object) -> Kind:
    name = type(estimator).__name__
    if name not in KINDS or KINDS[name].make is not type(estimator):
        msg = (
            f"The safe format knows {sorted(KINDS)}, got {name}, whose state may be anything. Use "
            "joblib.dump for it, and joblib.load for files that you trust only."
        )
        raise InvalidDataError(msg)
    return KINDS[name]


# --- writing ---


def _dump_parts(estimator: Any, kind: Kind) -> dict[str, Any]:  # noqa: ANN401
    """Return class, constructor parameters and fitted attributes."""
    return {**_dump_unfitted(estimator, kind), "fitted": _dump_fitted(estimator, kind.attributes)}


def _dump_unfitted(estimator: Any, kind: Kind) -> dict[str, Any]:  # noqa: ANN401
    params = {name: encode(getattr(estimator, name), name) for name in kind.parameters}
    return {"class": kind.make.__name__, "params": params}


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
    kind = _kind_of(estimator)
    assert kind.engine is not None
    engine = get_engine(kind.engine)
    name = f"booster_{len(members)}.{engine.SUFFIX}"
    members[name] = engine.dump(estimator.booster_)
    return {**_dump_parts(estimator, kind), "booster": name}


def _dump_bags(estimator: Any, members: Members) -> dict[str, Any]:  # noqa: ANN401
    for bag in estimator.estimators_:
        if _kind_of(bag).engine is None:
            msg = (
                "The safe format knows bags of the two boosting estimators, "
                f"got bags of {type(bag).__name__}. Use joblib.dump for them, and joblib.load for "
                "files that you trust only."
            )
            raise InvalidDataError(msg)
    given = estimator.estimator
    unfitted = None if given is None else _dump_unfitted(given, _kind_of(given))
    prototype = make_prototype(given)
    kind = _kind_of(prototype)
    first = next((b for b in estimator.estimators_ if type(b) is kind.make), None)
    shared = {**_dump_unfitted(prototype, kind), "fitted": {}}
    if first is not None:
        names = {name: None for name in kind.attributes if name in _attributes.UNTRAINED}
        shared["fitted"] = _dump_fitted(first, {**names, "feature_names_in_": None})
    bags = [_dump_booster(bag, members) for bag in estimator.estimators_]
    return {
        **_dump_parts(estimator, KINDS["UnderBaggingClassifier"]),
        "estimator": unfitted,
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


# --- reading ---


def _read_parts(
    state: dict[str, Any], base: Mapping[str, Any] | None = None
) -> tuple[Kind, dict[str, Any], dict[str, Any], Size]:
    """Return class, parameters and fitted values, checked; what is absent is as in ``base``."""
    name = state["class"]
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise malformed("class", name)
    params, values = (_decode_all(state[part], part) for part in ("params", "fitted"))
    if base is not None and base["class"] == name:
        params, values = {**base["params"], **params}, {**base["fitted"], **values}
    _parameters.check_parameters(params, kind.parameters, name)
    size = _attributes.check_attributes(values, kind.attributes, name)
    made = {key: MADE[key](value) if key in MADE else value for key, value in values.items()}
    return kind, params, made, size


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


def _build_booster(
    state: dict[str, Any], boosters: Members, base: Mapping[str, Any] | None = None
) -> Any:  # noqa: ANN401
    kind, params, values, size = _read_parts(state, base)
    name = state["booster"]
    if kind.engine is None or not isinstance(name, str) or name not in boosters:
        raise malformed("booster", name)
    columns = values["_encoder"].columns
    counts = [len(c.categories or ()) if c.is_nominal else None for c in columns]
    booster = get_engine(kind.engine).load(
        boosters.pop(name), size.outputs, counts or [None] * size.features
    )
    model = BoosterModel(
        **_shared(values),
        validation=values["validation_"],
        score=values["best_score_"],
        engine=kind.engine,
        booster=booster,
        n_rounds=values["best_iteration_"],
        rounds=values.get("best_iterations_", {}),
        history=values["evals_result_"],
        blend=values.get("blend_", {}),
        zero_is_missing=values.get("_zero_is_missing", False),
    )
    return _with_readings(with_model(kind.make(**params), model), values)


def _build_bags(state: dict[str, Any], boosters: Members) -> Any:  # noqa: ANN401
    check_keys(state, STATE, *PARTS, "estimator", "prototype", "bags")
    prototype = check_keys(state["prototype"], "prototype", *PARTS)
    base = {"class": prototype["class"]} | {
        part: _decode_all(prototype[part], part) for part in ("params", "fitted")
    }
    shared = KINDS.get(base["class"]) if isinstance(base["class"], str) else None
    if shared is None:
        raise malformed("class", base["class"])
    _parameters.check_parameters(base["params"], shared.parameters, base["class"])
    if shared.engine is None or not isinstance(state["bags"], list):
        raise malformed("bags", state["bags"])
    estimators = [
        _build_booster(check_keys(bag, "bags", *PARTS, "booster"), boosters, base)
        for bag in state["bags"]
    ]
    _, params, values, _ = _read_parts({part: state[part] for part in PARTS})
    if not estimators:
        raise InvalidDataError(DISAGREE)
    values["_encoder"] = estimators[0].model_.schema.encoder
    if state["estimator"] is not None:
        params["estimator"] = _build_unfitted(
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
    fitted = with_model(UnderBaggingClassifier(**params), model)
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
    numbers = (len(values["_shares"]), len(values["estimators_samples_"]))
    _check_members(model, *numbers)
    return _with_readings(fitted, values)


def _build_blend(state: dict[str, Any], boosters: Members) -> Any:  # noqa: ANN401
    check_keys(state, STATE, *PARTS, "members")
    _, params, values, _ = _read_parts({part: state[part] for part in PARTS})
    if not isinstance(state["members"], list):
        raise malformed("members", state["members"])
    members = [
        _build_booster(check_keys(member, "members", *PARTS, "booster"), boosters)
        for member in state["members"]
    ]
    shared = _shared(values)
    shared["rule"] = _rule_of_costs(params.get("metric", "mcc"), shared)
    model = AveragedModel(
        **shared,
        validation=values["validation_"],
        score=values["best_score_"],
        members=tuple(member.model_ for member in members),
        weights=values["weights_"],
        correction=values["_correction"],
    )
    _check_members(model, values["weights_"].size)
    fitted = with_model(AutoImbalancedClassifier(**params), model)
    fitted.members_, fitted.leaderboard_ = members, values["leaderboard_"]
    fitted.seed_, fitted.effects_ = values["_seed"], values["_effects"]
    return _with_readings(fitted, values)


def _with_readings(fitted: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the estimator with how texts of files are read, where that is known."""
    if "readings_" in values:
        fitted.readings_ = values["readings_"]
    return fitted


def _rule_of_costs(metric: Any, shared: Mapping[str, Any]) -> Rule:  # noqa: ANN401
    """Return the rule of more than two classes with costs, otherwise the one in the state."""
    rule: Rule = shared["rule"]
    classes: Classes = shared["classes"]
    if isinstance(metric, str) or classes.size == 2:
        return rule
    return Costs(make_objective(metric, classes.size).costs)  # type: ignore[attr-defined]


def _build_unfitted(given: dict[str, Any]) -> Any:  # noqa: ANN401
    kind = KINDS.get(given["class"]) if isinstance(given["class"], str) else None
    if kind is None or kind.engine is None:
        raise malformed("estimator", given["class"])
    params = _decode_all(given["params"], "estimator")
    _parameters.check_parameters(params, kind.parameters, given["class"])
    return kind.make(**params)


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
