"""Mutate boosters and states of model files and load them; run as a program, in a process apart.

    python fuzz.py FILE SEED MUTANTS [unchecked]

Whatever a mutant is, it must be refused with a GbimbError or predict; checksums are right. With
``unchecked`` the engine gets it without our checks, which shows what they are for. Prints
``refused`` and ``accepted`` counts; dies where the process would.
"""

from __future__ import annotations

import json
import random
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gbimb.engines.lightgbm import model_file as lightgbm_file
from gbimb.engines.xgboost import model_file as xgboost_file
from gbimb.estimators.loading import CLASSES
from gbimb.exceptions import GbimbError
from gbimb.model.archive import unpack
from gbimb.model.reading import build
from gbimb.model.states import dump

WORDS = (
    *("-1", "0", "1", "2", "3", "7", "-2", "-7", "255", "65536", "2147483647", "2147483648"),
    *("-2147483648", "4294967296", "99999999999999999999", "1e308", "-1e308", "1e999", "nan"),
    *("inf", "-inf", "", " ", "0.5", "1e-320", "x", "=", "\n", "\n\n\n", "Tree=0", "[]", "-", "+1"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 2**31 - 1, 2**31, -(2**31), 2**63, 2**64, 10**30),
    *(0.5, -0.5, 1e308, -1e308, 3.5e38, float("nan"), float("inf"), 1e-320, "", "x", "0", "1"),
    *("-1", "nan", "[]", "[0.5]", "2147483648", "gbtree", "dart", [], [0], [[]], {}, {"type": "x"}),
    *({"type": "float", "value": "nan"}, {"type": "tuple", "items": []}, "\ud800", "\0"),
)


def mutate_text(data: bytes, rng: random.Random) -> bytes:
    """Change a number, a line or some bytes of a text."""
    text = data.decode("utf-8")
    # The parameters at the end are long and do little: most mutants leave them alone.
    end = text.find("\nparameters:") if rng.random() < 0.9 else len(text)
    kind = rng.random()
    if kind < 0.6:
        spans = [m.span() for m in re.finditer(r"-?[0-9][-+.e0-9]*", text[:end])]
        a, b = rng.choice(spans)
        return (text[:a] + rng.choice(WORDS) + text[b:]).encode()
    lines = text.split("\n")
    i = rng.randrange(text[:end].count("\n") + 1)
    if kind < 0.7:
        del lines[i]
    elif kind < 0.8:
        lines.insert(rng.randrange(len(lines)), lines[i])
    elif kind < 0.9:
        j = rng.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
    elif kind < 0.95:
        words = lines[i].split(" ")
        words = words[:-1] if rng.random() < 0.5 else [*words, words[-1]]
        lines[i] = " ".join(words)
    else:
        return mutate_bytes(data, rng)
    return "\n".join(lines).encode()


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Overwrite, cut or repeat some bytes."""
    at = rng.randrange(len(data))
    kind = rng.random()
    if kind < 0.5:
        return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    if kind < 0.75:
        return data[:at]
    return data[:at] + data[at // 2 : at] + data[at:]


def mutate_json(data: bytes, rng: random.Random) -> bytes:
    """Change, remove or repeat something in a JSON document."""
    if rng.random() < 0.1:
        return mutate_bytes(data, rng)
    whole = json.loads(data)
    spots: list[tuple[Any, Any]] = []
    groups = [whole]
    while groups:
        group = groups.pop()
        keys = list(group) if isinstance(group, dict) else range(len(group))
        # Of a long list a few are like the rest.
        keys = rng.sample(list(keys), min(len(keys), 12)) if isinstance(group, list) else keys
        spots += [(group, key) for key in keys]
        groups += [group[key] for key in keys if isinstance(group[key], dict | list)]
    for _ in range(rng.choice((1, 1, 1, 2))):
        group, key = rng.choice(spots)
        kind = rng.random()
        if isinstance(group, list) and key >= len(group):
            continue
        if kind < 0.75 or (isinstance(group, dict) and key not in group):
            value = rng.choice(VALUES)
            old = group.get(key) if isinstance(group, dict) else group[key]
            if type(old) in (int, float) and rng.random() < 0.3:
                value = old + rng.choice((-1, 1, 0.5))
            group[key] = value
        elif kind < 0.85:
            del group[key]
        elif isinstance(group, list):
            group.insert(key, group[key])
        else:
            group[rng.choice(("extra", "type", "x" * 99))] = group[key]
    indent = 1 if b"\n" in data else None
    separators = None if indent else (",", ":")
    return json.dumps(whole, indent=indent, separators=separators).encode()


def rows(n_features: int, names: list[str] | None) -> Any:  # an array or a frame
    """Rows with all that can be in a table."""
    X = np.random.default_rng(0).normal(size=(40, n_features))
    X[::7] = np.nan
    X[1::7] *= 1e30
    if names is None:
        return X
    frame = pd.DataFrame(X, columns=names)
    return frame.assign(c=pd.Series(list("xyzw") * 10)) if "c" in names else frame


def try_one(members: dict[str, bytes], *, unchecked: bool) -> bool:
    """Load and predict; False if the mutant was refused."""
    try:
        estimator = build(members, CLASSES)
    except GbimbError:
        return False
    except Exception:
        if unchecked:
            return False
        raise
    try:
        names = getattr(estimator, "feature_names_in_", None)
        estimator.set_params(n_jobs=1)
        X = rows(int(estimator.n_features_in_), None if names is None else list(names))
        with np.errstate(all="ignore"):
            estimator.predict(X)
            estimator.decision_function(X)
        dump(estimator)
    except (ValueError, TypeError, OverflowError) as error:  # a column not there, for example
        sys.stdout.write(f"{error!r}\n")
        return True
    return True


def main(path: str, seed: str, mutants: str, unchecked: str = "") -> None:
    """Try mutants of a file."""
    if unchecked:
        lightgbm_file.check_lightgbm = lambda *_: None  # type: ignore[assignment]
        xgboost_file.check_xgboost = lambda *_: None  # type: ignore[assignment]
    warnings.simplefilter("ignore")
    with Path(path).open("rb") as file:
        _, members = unpack(file, "")
    # A booster, or the state, each with its own way to change it.
    boosters = [name for name in members if name != "state.json"]
    counts = [0, 0]
    for i in range(int(mutants)):
        rng = random.Random(f"{seed} {i}")
        name = rng.choice(boosters) if unchecked or rng.random() < 0.7 else "state.json"
        change = mutate_text if name.endswith(".txt") else mutate_json
        mutant = change(members[name], rng)
        sys.stderr.write(f"mutant {i} of {name}\n")
        counts[try_one({**members, name: mutant}, unchecked=bool(unchecked))] += 1
    sys.stdout.write(f"refused {counts[0]} accepted {counts[1]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
