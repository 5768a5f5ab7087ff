"""Change the code of losses and metrics here and there: a test must notice each change.

::

    make mutation
    make mutation ARGS="--per-module 20 --seed 1"
    make mutation ARGS="--modules losses/_focal.py --per-module 1000"

Cosmic Ray makes the mutants, in a copy of the code; each is one file that is not as it was, so
that what Numba compiles from it is the mutant, too. There are thousands, and a test run for each:
a sample of so many a module is drawn, by a seed. What came of each is a row of the table: killed,
or survived, with the line before and after.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mutation.csv"
PARTS = ("losses", "metrics")
# Of each operator the replacements that a person could write by mistake. Those of "|" are left
# out: in this code it stands in annotations, which nothing evaluates.
WORTHWHILE = re.compile(
    r"core/(ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Div|BitAnd_BitOr)"
    r"|ReplaceComparisonOperator_(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq|Lt_Gt|Gt_Lt|LtE_Gt"
    r"|GtE_Lt|Is_IsNot|IsNot_Is)"
    r"|ReplaceUnaryOperator_Delete_(USub|Not)|ReplaceAndWithOr|ReplaceOrWithAnd|AddNot"
    r"|NumberReplacer|ReplaceTrueWithFalse|ReplaceFalseWithTrue|ZeroIterationForLoop)$"
)
SECONDS = 400  # a mutant that takes longer is killed


def copy_code(folder: Path) -> None:
    """Copy what a test run needs."""
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("gbimb", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)


def configure(folder: Path, part: str) -> None:
    """Write Cosmic Ray's settings."""
    options = "-x -q -n 0 -p no:randomly -p no:cacheprovider"
    command = f"{sys.executable} -m pytest {options} tests/{part}"
    lines = (
        "[cosmic-ray]",
        f'module-path = "gbimb/{part}"',
        f"timeout = {SECONDS}.0",
        "excluded-modules = []",
        f"test-command = {json.dumps(command)}",
        "[cosmic-ray.distributor]",
        'name = "local"',
    )
    (folder / "mutation.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(db: WorkDB, per_module: int, seed: int, modules: list[str]) -> int:
    """Keep a sample of the mutants; return how many these are."""
    by_module = defaultdict(list)
    for item in db.work_items:
        by_module[item.mutations[0].module_path.as_posix()].append(item)
    kept = []
    for module, items in sorted(by_module.items()):
        wanted = not modules or any(module.endswith(name) for name in modules)
        pool = [i for i in items if wanted and WORTHWHILE.match(i.mutations[0].operator_name)]
        pool.sort(key=lambda item: (item.mutations[0].start_pos, item.mutations[0].operator_name))
        kept += random.Random(f"{seed} {module}").sample(pool, min(per_module, len(pool)))
    db.clear()
    db.add_work_items(kept)
    return len(kept)


def outcomes(db: WorkDB) -> list[list[str]]:
    """Return a row for each mutant that was tried."""
    results = dict(db.results)
    rows = []
    for item in db.work_items:
        result, mutation = results.get(item.job_id), item.mutations[0]
        if result is None or result.test_outcome is None:
            continue
        diff = (result.diff or "").splitlines()
        old = [line[1:].strip() for line in diff if re.match(r"-(?!--)", line)]
        new = [line[1:].strip() for line in diff if re.match(r"\+(?!\+\+)", line)]
        where = f"{mutation.module_path.as_posix()}:{mutation.start_pos[0]}"
        outcome = result.test_outcome.value
        rows.append([outcome, where, " ".join(old), " ".join(new)])
    return sorted(rows, key=lambda row: (row[1].partition(":")[0], int(row[1].rpartition(":")[2])))


def try_part(part: str, given: argparse.Namespace) -> list[list[str]]:
    """Try the mutants of one folder."""
    modules = [name for name in given.modules if name.startswith(part)]
    if given.modules and not modules:
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_code(folder)
        configure(folder, part)
        ray = [sys.executable, "-m", "cosmic_ray.cli"]
        subprocess.run([*ray, "init", "mutation.toml", "session.sqlite"], cwd=folder, check=True)
        # Without a change all tests must pass; this also compiles once what is not mutated.
        subprocess.run([*ray, "baseline", "mutation.toml"], cwd=folder, check=True)
        session = str(folder / "session.sqlite")
        with use_db(session, mode=WorkDB.Mode.open) as db:
            count = draw(db, given.per_module, given.seed, modules)
        print(f"{part}: {count} mutants", flush=True)
        subprocess.run([*ray, "exec", "mutation.toml", "session.sqlite"], cwd=folder, check=True)
        with use_db(session, mode=WorkDB.Mode.open) as db:
            return outcomes(db)


def main() -> int:
    """Run what the command line asks for; 1 if a mutant survived that is not known to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--per-module", type=int, default=4, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--modules", nargs="*", default=[], help="such as losses/_focal.py")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    with ThreadPoolExecutor(len(PARTS)) as pool:
        rows = [row for rows in pool.map(lambda part: try_part(part, given), PARTS) for row in rows]
    with given.out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["outcome", "line", "before", "after"], *rows]
        )
    survived = [row for row in rows if row[0] != "killed"]
    for row in survived:
        print(" | ".join(row))
    print(f"{len(rows)} mutants, {len(rows) - len(survived)} killed")
    return int(bool(survived))


if __name__ == "__main__":
    sys.exit(main())
