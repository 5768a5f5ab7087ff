"""With one engine installed what needs that alone works, and the rest says what to install."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import gbimb
from gbimb.engines import registry

FIT = """
import sys
sys.modules[{missing!r}] = None  # an import of it fails as if it were not installed
import numpy as np
import gbimb
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 3))
y = X[:, 0] + rng.normal(size=300) > 1.5
"""
OTHERS = {"lightgbm": "xgboost", "xgboost": "lightgbm"}
CLASSES = {"lightgbm": "ImbalancedLGBMClassifier", "xgboost": "ImbalancedXGBClassifier"}
NAMES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}

each = pytest.mark.parametrize("missing", list(OTHERS))


def run(missing: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own in which an engine cannot be imported."""
    whole = FIT.format(missing=missing) + code
    return subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, check=False, timeout=300
    )


@each
def test_one_engine_alone_fits_saves_and_loads(missing: str, tmp_path: Path) -> None:
    kind, path = CLASSES[OTHERS[missing]], tmp_path / "model.gbimb"
    code = f"""
clf = gbimb.{kind}(n_estimators=5, cv=2, random_state=0, n_jobs=1).fit(X, y)
clf.save({str(path)!r})
assert (gbimb.load({str(path)!r}).predict(X) == clf.predict(X)).all()
bags = gbimb.UnderBaggingClassifier(clf.set_params(cv="auto"), n_estimators=2, random_state=0)
bags.fit(X, y)
assert bags.predict(X).shape == (300,)
import gbimb.{OTHERS[missing]}
"""
    done = run(missing, code)
    assert done.returncode == 0, done.stderr


@each
@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("ImbalancedClassifier()", "LightGBM and XGBoost"),
        ("AutoImbalancedClassifier()", "LightGBM and XGBoost"),
        ("AutoImbalancedClassifier(engine={missing!r})", "{name}"),
        ("{alone}()", None),
    ],
)
def test_what_needs_the_other_engine_says_what_to_install(
    kind: str, needed: str | None, missing: str
) -> None:
    alone, name = CLASSES[missing], NAMES[missing]
    call = kind.format(missing=missing, alone=alone)
    code = f"""
try:
    gbimb.{call}.fit(X, y)
except gbimb.exceptions.MissingDependencyError as error:
    print(error)
"""
    done = run(missing, code)
    assert done.returncode == 0, done.stderr
    assert f"{name} is not installed. Install it with: pip install {missing}" in done.stdout
    if needed is not None:
        assert f"needs {needed.format(name=name)}: {name}" in done.stdout
        assert f"or use {CLASSES[OTHERS[missing]]}, which does without." in done.stdout


@each
def test_the_functions_for_own_training_code_say_what_to_install(missing: str) -> None:
    done = run(missing, f"import gbimb.{missing}")
    assert done.returncode == 1
    assert f"MissingDependencyError: {NAMES[missing]} is not installed" in done.stderr


def test_the_command_line_says_what_to_install(tmp_path: Path) -> None:
    table, out = str(tmp_path / "table.csv"), str(tmp_path / "model.gbimb")
    rows = "\n".join(f"{i},{i % 9 == 0}" for i in range(300))
    Path(table).write_text(f"a,y\n{rows}")
    code = f"""
from gbimb.cli import main
sys.argv = ["gbimb", "fit", {table!r}, "--target", "y", "--out", {out!r}]
main()
"""
    done = run("xgboost", code)
    assert done.returncode == 2, done.stderr
    assert "XGBoost is not installed. Install it with: pip install xgboost" in done.stderr
    assert "Traceback" not in done.stderr


@each
def test_the_benchmark_says_what_to_install_and_what_goes_without(
    missing: str, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,y\n" + "\n".join(f"{i},{i % 9 == 0}" for i in range(300)))
    words = ["gbimb", "benchmark", "--quick", "--data", str(table), "--target", "y"]
    code = f"""
from gbimb.cli import main
sys.argv = {[*words, "--out", str(tmp_path / "out")]!r}
main()
"""
    done = run(missing, code)
    assert done.returncode == 2, done.stderr
    assert f"needs LightGBM and XGBoost: {NAMES[missing]} is not installed" in done.stderr
    said = " ".join(done.stderr.split())
    assert f"or run --engines {OTHERS[missing]} --methods weighted-logloss,focal." in said


def test_the_version_of_a_library_is_that_of_the_package_it_came_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_cpu(name: str) -> str:
        if name != "xgboost-cpu":
            raise metadata.PackageNotFoundError(name)
        return "3.2.0"

    monkeypatch.setattr(registry, "version", only_cpu)
    assert registry.installed_version("xgboost") == "3.2.0"
    assert registry.installed_version("lightgbm") is None
    assert registry.versions.__wrapped__("lightgbm", "xgboost") == {
        "gbimb": gbimb.__version__,
        "xgboost": "3.2.0",
    }
