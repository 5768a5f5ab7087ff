"""Fitted estimators as a state of JSON and boosters, and back."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.auto import AutoImbalancedClassifier
from gbimb.decisions.calibration import BetaCurve, Calibrator, Curve, IsotonicCurve
from gbimb.engines.registry import get_engine
from gbimb.estimators import (
    ImbalancedLGBMClassifier,
    ImbalancedXGBClassifier,
    UnderBaggingClassifier,
)
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import read_json, shown, write_json
from gbimb.model.values import check_keys, decode, encode, malformed
from gbimb.parallel import expect_engine_threads
from gbimb.persistence import _attributes, _parameters
from gbimb.tables.columns import Column
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.texts import Reading
from gbimb.tables.typical import Typical
from gbimb.training.bags import OutOfBag
from gbimb.training.tasks import Correction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gbimb.model.archive import Members
    from gbimb.persistence._attributes import Rule, Size
    from gbimb.persistence._parameters import Types

STATE: Final = "state.json"
PARTS: Final = ("class", "params", "fitted")


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


# Attributes that are no plain values: what stands for them in a file, and back.
PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": _columns,
    "_correction": list,
    "leaderboard_": lambda table: table.to_dict("list"),
    "calibrator_": lambda c: None if c is None else [_numbers(curve) for curve in c.curves],
    "readings_": lambda found: {name: [r.form, r.missing] for name, r in found.items()},
    "_oob": lambda oob: [getattr(oob, field.name) for field in fields(oob)],
}
BACK: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": _encoder,
    "_correction": lambda line: Correction(*line),
    "leaderboard_": pd.DataFrame,
    "calibrator_": lambda v: None if v is None else Calibrator(tuple(map(_curve, v))),
    "readings_": lambda pairs: {name: Reading(*pair) for name, pair in pairs.items()},
    "_oob": lambda parts: OutOfBag(*parts),
}


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
    attributes: Mapping[str, Rule]
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
    if kind.make is UnderBaggingClassifier:
        state = _dump_bags(estimator, members)
        engines = {_kind_of(bag).engine for bag in estimator.estimators_}
    elif kind.make is AutoImbalancedClassifier:
        blended = [_dump_booster(member, members) for member in estimator.members_]
        state = {**_dump_parts(estimator, kind), "members": blended}
        engines = {_kind_of(member).engine for member in estimator.members_}
    else:
        state = _dump_booster(estimator, members)
        engines = {kind.engine}
    versions = {name: get_engine(name).version() for name in engines if name is not None}
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


def _dump_parts(estimator: Any, kind: Kind) -> dict[str, Any]:  # noqa: ANN401
    """Return class, constructor parameters and fitted attributes."""
    return {
        "class": kind.make.__name__,
        "params": {name: encode(getattr(estimator, name), name) for name in kind.parameters},
        "fitted": {name: encode(value, name) for name, value in _fitted(estimator, kind).items()},
    }


def _fitted(estimator: Any, kind: Kind) -> dict[str, Any]:  # noqa: ANN401
    """Return the fitted attributes as plain values."""
    there = vars(estimator)
    return {
        name: PLAIN[name](there[name]) if name in PLAIN else there[name]
        for name in kind.attributes
        if name in there
    }


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
    if given is not None:
        kind = _kind_of(given)
        params = {name: encode(getattr(given, name), name) for name in kind.parameters}
        given = {"class": kind.make.__name__, "params": params}
    prototype = estimator._prototype  # noqa: SLF001
    shared = _dump_parts(prototype, _kind_of(prototype))
    bags = [_dump_booster(bag, members) for bag in estimator.estimators_]
    return {
        **_dump_parts(estimator, KINDS["UnderBaggingClassifier"]),
        "estimator": given,
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


def _build(
    state: dict[str, Any],
    base: Any = None,  # noqa: ANN401  an estimator
    *,
    trained: bool = True,
) -> tuple[Any, Size]:
    """Return an estimator from its class, parameters and attributes; the rest as in ``base``."""
    name = state["class"]
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise malformed("class", name)
    params, values = (_decode_all(state[part], part) for part in ("params", "fitted"))
    _parameters.check_parameters(params, kind.parameters, name)
    if base is not None and type(base) is kind.make:
        estimator = copy(base).set_params(**params)
        checked = {**_fitted(base, kind), **values}
    else:
        estimator, checked = kind.make(**params), values
    size = _attributes.check_attributes(checked, kind.attributes, name, trained=trained)
    for attribute, value in values.items():
        setattr(estimator, attribute, BACK[attribute](value) if attribute in BACK else value)
    return estimator, size


def _decode_all(part: object, name: str) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise malformed(name, part)
    return {key: decode(value, f"{name}.{key}") for key, value in part.items()}


def _build_booster(state: dict[str, Any], boosters: Members, base: Any = None) -> Any:  # noqa: ANN401
    estimator, size = _build(state, base)
    engine = _kind_of(estimator).engine
    name = state["booster"]
    if engine is None or not isinstance(name, str) or name not in boosters:
        raise malformed("booster", name)
    columns = estimator._encoder.columns  # noqa: SLF001
    counts = [len(c.categories or ()) if c.is_nominal else None for c in columns]
    estimator.booster_ = get_engine(engine).load(
        boosters.pop(name), size.outputs, counts or [None] * size.features
    )
    return estimator


def _build_bags(state: dict[str, Any], boosters: Members) -> Any:  # noqa: ANN401
    check_keys(state, STATE, *PARTS, "estimator", "prototype", "bags")
    estimator, _ = _build({part: state[part] for part in PARTS})
    if state["estimator"] is not None:
        given = check_keys(state["estimator"], "estimator", "class", "params")
        estimator.estimator = _build_unfitted(given)
    prototype, _ = _build(check_keys(state["prototype"], "prototype", *PARTS), trained=False)
    if _kind_of(prototype).engine is None or not isinstance(state["bags"], list):
        raise malformed("bags", state["bags"])
    estimator._prototype = prototype  # noqa: SLF001
    estimator.estimators_ = [
        _build_booster(check_keys(bag, "bags", *PARTS, "booster"), boosters, prototype)
        for bag in state["bags"]
    ]
    _check_bags(estimator)
    return estimator


def _build_blend(state: dict[str, Any], boosters: Members) -> Any:  # noqa: ANN401
    check_keys(state, STATE, *PARTS, "members")
    estimator, _ = _build({part: state[part] for part in PARTS})
    if not isinstance(state["members"], list):
        raise malformed("members", state["members"])
    estimator.members_ = [
        _build_booster(check_keys(member, "members", *PARTS, "booster"), boosters)
        for member in state["members"]
    ]
    _check_members(estimator, estimator.members_, estimator.weights_.size)
    return estimator


def _build_unfitted(given: dict[str, Any]) -> Any:  # noqa: ANN401
    kind = KINDS.get(given["class"]) if isinstance(given["class"], str) else None
    if kind is None or kind.engine is None:
        raise malformed("estimator", given["class"])
    params = _decode_all(given["params"], "estimator")
    _parameters.check_parameters(params, kind.parameters, given["class"])
    return kind.make(**params)


def _check_bags(estimator: Any) -> None:  # noqa: ANN401
    """Raise unless the bags and what is known of them fit together."""
    bags = estimator.estimators_
    there = {len(estimator._shares), len(estimator.estimators_samples_)}  # noqa: SLF001
    members = [estimator._prototype, *bags]  # noqa: SLF001
    _check_members(estimator, members, *(number + 1 for number in there))


def _check_members(estimator: Any, members: list[Any], *numbers: int) -> None:  # noqa: ANN401
    agree = all(
        member.n_features_in_ == estimator.n_features_in_
        and np.array_equal(member.classes_, estimator.classes_)
        and member.pos_label_ == estimator.pos_label_
        for member in members
    )
    if not members or {len(members), *numbers} != {len(members)} or not agree:
        msg = "The members must agree in number, classes and columns with their estimator."
        raise InvalidDataError(msg)
