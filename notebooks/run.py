"""Run the notebooks, and keep what they show: ``make notebooks ARGS="01 05"``, or all.

A notebook fails if a cell raises or writes a warning. It is to take less than three minutes on two
idle cores; a busy machine is slow without being wrong, and gets ten.
What cells with the tag "unsteady" show, such as seconds and the words of other processes, differs
from run to run; it is not kept.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from time import perf_counter

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
LONGEST = 600
LARGEST = 400_000
ADDRESS = re.compile(r"x[0-9a-f]{12}\b")  # of an object in memory, in its text


def run(path: Path) -> float:
    """Run one notebook in place; return the seconds that it took."""
    notebook = nbformat.read(path, as_version=4)
    started = perf_counter()
    NotebookClient(
        notebook, timeout=LONGEST, kernel_name="python3", resources={"metadata": {"path": HERE}}
    ).execute()
    seconds = perf_counter() - started
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "unsteady" in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.get("outputs", []):
            for kind, text in output.get("data", {}).items():
                if kind.startswith("text/"):
                    output.data[kind] = ADDRESS.sub("x0", text)
            if output.get("name") == "stderr":
                sys.exit(f"{path.name}: a cell wrote to stderr: {output.text}")
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    if path.stat().st_size > LARGEST:
        size = path.stat().st_size
        sys.exit(
            f"{path.name} must have {LARGEST:,} bytes at most, has {size:,}: smaller pictures?"
        )
    return seconds


def main(names: list[str]) -> None:
    """Run the notebooks whose names begin with one of ``names``; all of them without."""
    paths = [p for p in sorted(HERE.glob("*.ipynb")) if p.name.startswith(tuple(names or [""]))]
    if not paths:
        sys.exit(f"No notebook begins with {names}.")
    for path in paths:
        print(f"{path.name}: {run(path):.0f} s", flush=True)
    print(f"{len(paths)} passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1:])
