"""Fitted estimators from a state of JSON and boosters, checked before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.decisions.calibration import BetaCurve, Calibrator, Correction, Curve, IsotonicCurve
from gbimb.decisions.guarantees import Guarantee
from gbimb.decisions.held_out import GroupEffects, HeldOutScores
from gbimb.decisions.marginals import Marginals
from gbimb.decisions.rules import Costs, read_costs
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import read_json, shown
from gbimb.model import attributes as _attributes
from gbimb.model import parameters as _parameters
from gbimb.model.bags import OUT_OF_BAGS, Bags, OutOfBag
from gbimb.model.model import AveragedModel, BoosterModel, make_rule
from gbimb.model.states import PARTS, STATE, saved_as, with_model
from gbimb.model.values import check_keys, decode, malformed
from gbimb.parallel import expect_engine_threads
from gbimb.tables.columns import Column
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.schema import Classes, Schema
from gbimb.tables.texts import Reading
from gbimb.tables.typical import Typical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gbimb.model.archive import Members
    from gbimb.model.attributes import Size

DISAGREE: Final = "The members must agree in number, classes and columns with their estimator."


def build(members: Members, classes: Mapping[str, type[Any]]) -> Any:
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
    form = saved_as(classes[name]).form
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

    def booster(self, state: dict[str, Any], base: Mapping[str, Any] | None = None) -> Any:
        """Return a boosting estimator; what is absent from its state is as in ``base``."""
        kind, params, values, size = self._parts(state, base)
        name = state["booster"]
        if saved_as(kind).form != "booster" or not isinstance(name, str):
            raise malformed("booster", name)
        if name not in self.boosters:
            raise malformed("booster", name)
        columns = values["_encoder"].columns
        counts = [len(c.categories or ()) if c.is_nominal else None for c in columns]
        pairs = values.get("_pairs", ())
        counts = (counts or [None] * size.features) + [None] * (2 * len(pairs))
        booster = get_engine(kind.engine_name).load(self.boosters.pop(name), size.outputs, counts)
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
            pairs=pairs,
        )
        return _with_readings(with_model(kind(**params), model), values)

    def bags(self, state: dict[str, Any]) -> Any:
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
            validation=values.get("_judged_by", OUT_OF_BAGS),
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
        saved = saved_as(kind)
        _parameters.check_saved(base["params"], saved.parameters, kind.__name__)
        if saved.form != "booster" or not isinstance(state["bags"], list):
            raise malformed("bags", state["bags"])
        return [
            self.booster(check_keys(bag, "bags", *PARTS, "booster"), base) for bag in state["bags"]
        ]

    def blend(self, state: dict[str, Any]) -> Any:
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
        saved = saved_as(kind)
        params, values = (_decode_all(state[part], part) for part in ("params", "fitted"))
        if base is not None and base["class"] == name:
            params, values = {**base["params"], **params}, {**base["fitted"], **values}
        _parameters.check_saved(params, saved.parameters, name)
        size = _attributes.check_attributes(values, saved.attributes, name)
        made = {key: MADE[key](value) if key in MADE else value for key, value in values.items()}
        return kind, params, made, size

    def _unfitted(self, given: dict[str, Any]) -> Any:
        kind = self._class_of(given["class"], "estimator")
        saved = saved_as(kind)
        if saved.form != "booster":
            raise malformed("estimator", given["class"])
        params = _decode_all(given["params"], "estimator")
        _parameters.check_saved(params, saved.parameters, given["class"])
        return kind(**params)

    def _class_of(self, name: object, where: str) -> Any:
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
    promise = values.get("guarantee_")
    if promise is not None and promise.threshold != rule:
        msg = f"guarantee_ must be of the threshold_ {shown(rule)}, got {shown(promise.threshold)}."
        raise InvalidDataError(msg)
    names = values.get("feature_names_in_")
    return {
        "schema": Schema(values["_encoder"], int(values["n_features_in_"]), names),
        "classes": classes,
        "link": values["loss_"],
        "calibrator": values.get("calibrator_"),
        "rule": make_rule(rule if promise is None else promise, classes),
        "importances": values.get("feature_importances_"),
        "held_out": values.get("_held_out"),
        "adapted_to": values.get("_adapted_to"),
    }


def _with_readings(fitted: Any, values: Mapping[str, Any]) -> Any:
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


def _curve(numbers: list[Any]) -> Curve:
    return IsotonicCurve(*numbers) if len(numbers) == 2 else BetaCurve(*numbers)


def _encoder(state: Any) -> TableEncoder:
    """Return the columns, of a file of version 0.1 without typical values."""
    columns = state if isinstance(state, list) else state["columns"]
    typical = None if isinstance(state, list) else Typical(state["values"], state["complete"])
    spread = None
    if isinstance(state, dict) and "marginals" in state:
        places, cuts, share, rows, prevalence = state["marginals"]
        share = share.reshape(len(places), rows.size, -1)
        spread = Marginals(places, cuts, share, rows, prevalence)
    return TableEncoder(tuple(Column(*parts) for parts in columns), typical, spread)


def _held_out(parts: list[Any]) -> HeldOutScores:
    proba, codes, weight, *effects = parts
    return HeldOutScores(proba, codes, weight, GroupEffects(*effects[0]) if effects else None)


MADE: Final[dict[str, Callable[[Any], Any]]] = {
    "_encoder": _encoder,
    "readings_": lambda pairs: {name: Reading(*pair) for name, pair in pairs.items()},
    "_correction": lambda line: Correction(*line),
    "_pairs": lambda pairs: tuple(tuple(pair) for pair in pairs),
    "leaderboard_": pd.DataFrame,
    "guarantee_": lambda v: None if v is None else Guarantee(*v),
    "calibrator_": lambda v: None if v is None else Calibrator(tuple(map(_curve, v))),
    "_oob": lambda parts: OutOfBag(*parts),
    "_held_out": _held_out,
}
