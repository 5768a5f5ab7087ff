"""Train on twenty million rows: ``python -m benchmarks.scale --help``."""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BYTES_PER_ROW = 160  # of the files
NUMBERS = ("fit_seconds", "fit_processor_seconds", "peak_bytes", "mcc")
PACKAGES = ("lightgbm", "numpy", "pyarrow", "scikit-learn")


@dataclass(frozen=True)
class Run:
    """One fit: its name, its kind in ``fits.FITS``, and the share that it takes."""

    name: str
    kind: str
    share: float


RUNS = {
    "focal": (Run("focal", "focal", 1.0),),
    "bags": (Run("ten bags", "bags", 1.0),),
    "weighted": (Run("weighted log loss", "weighted", 1.0),),
    "majority": tuple(
        Run(f"majority {share:.0%}", "focal", share) for share in (0.02, 0.05, 0.1, 0.2, 0.5)
    ),
    "growth": tuple(
        Run(f"growth {share:.0%}", "growth", share) for share in (0.01, 0.03, 0.1, 0.3, 1.0)
    ),
}


def main() -> None:
    """Make the data, run the fits one after the other, and draw the pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000, help="to train on (%(default)s)")
    parser.add_argument("--rounds", type=int, default=150, help="at most (%(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("build/scale"),
                        help="for the data (%(default)s)")  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="leave the data there")
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS), metavar="PART",
                        help=f"some of: {', '.join(RUNS)}")  # fmt: skip
    parser.add_argument("--out", type=Path, help="default: results/<rows> beside this file")
    options = parser.parse_args()
    if options.rows < 10_000 or options.rows % 1000:
        parser.error(f"--rows must be thousands, 10,000 at least, got {options.rows}")
    out = options.out or HERE / "results" / str(options.rows)
    folder = options.folder / str(options.rows)
    begin = time.perf_counter()
    try:
        _make_data(folder, options.rows)
        table = Results(out / "runs.csv")
        for run in (run for part in options.only for run in RUNS[part]):
            table.add(measure(run, folder, options.rounds))
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _say(f"{(time.perf_counter() - begin) / 60:.1f} minutes")
    for sentence in table.verdicts():
        _say(sentence)
    _python("pictures", str(out))


def _make_data(folder: Path, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted, free = rows * BYTES_PER_ROW, shutil.disk_usage(folder).free
    if free < wanted:
        sys.exit(f"{folder} needs {wanted / 1e9:.1f} GB, got {free / 1e9:.1f} GB. Name another.")
    begin = time.perf_counter()
    _python("data", str(folder), str(rows))
    size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    _say(f"{rows:,} rows, {size / 1e9:.2f} GB in {folder}: {time.perf_counter() - begin:.0f} s")


def measure(run: Run, folder: Path, rounds: int) -> dict[str, Any]:
    """Run one fit in a process of its own, whose peak memory the system reports at its end."""
    begin = time.perf_counter()
    task = [str(folder), run.kind, str(run.share), str(rounds)]
    command = [sys.executable, "-m", "benchmarks.scale.child", *task]
    # Processor time is then work: OpenMP's threads would spin while they wait for one another.
    env = {"OMP_WAIT_POLICY": "passive", **os.environ}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout is not None
        answer = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{run.name} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    row = {"run": run.name, "share": run.share, **json.loads(answer.splitlines()[-1])}
    row["peak_bytes"] = usage.ru_maxrss * unit
    _say(
        f"{run.name:<18} {row['train_rows']:>11,} rows {row['rounds']:>5} rounds "
        f"{row['fit_seconds']:7.1f} s (processors {row['fit_processor_seconds']:7.1f} s) "
        f"{row['peak_bytes'] / 1e9:5.2f} GB  MCC {row['mcc']:.4f} (best {row['best_mcc']:.4f}) "
        f"in all {time.perf_counter() - begin:.0f} s"
    )
    return row


class Results:
    """The table of runs as CSV; a run that is made again takes the place of the old one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, dict[str, Any]] = {}
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                self._rows = {row["run"]: row for row in csv.DictReader(file)}

    def add(self, row: dict[str, Any]) -> None:
        """Write the table with one more row."""
        short = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
        self._rows[row["run"]] = short | {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self._rows[row["run"]]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows.values())

    def verdicts(self) -> list[str]:
        """Return what is wanted of the models, and what came of it."""
        if not {"focal", "ten bags"} <= self._rows.keys():
            return []
        one, ten = (
            {k: float(v) for k, v in self._rows[name].items() if k in NUMBERS}
            for name in ("focal", "ten bags")
        )
        clock, processor = (ten[k] / one[k] for k in ("fit_seconds", "fit_processor_seconds"))
        wanted = "wanted: at most"
        return [
            f"{one['peak_bytes'] / 1e9:.2f} GB for focal ({wanted} 2.5 at 20 million rows)",
            f"{clock:.2f} of its time for ten bags, {processor:.2f} of processors ({wanted} 0.25)",
            f"{one['mcc'] - ten['mcc']:.4f} of MCC lost by ten bags ({wanted} 0.01)",
        ]


def _python(module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.scale.{module}", *arguments]
    subprocess.run(command, check=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
