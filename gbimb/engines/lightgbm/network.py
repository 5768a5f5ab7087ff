"""LightGBM's connection between machines, as parameters of a booster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTES_TO_CONNECT = 120


def network_params(machines: Sequence[str], rank: int) -> dict[str, Any]:
    """Return the parameters with which a booster trains beside those on other machines.

    LightGBM connects when the booster is made, in the thread that makes it; call
    ``booster.free_network()`` there when it is done.

    Parameters
    ----------
    machines : sequence of "host:port"
        The same on every machine, in the order of the ranks.
    rank : int
    """
    return {
        "machines": ",".join(machines),
        "local_listen_port": ports_of(machines)[rank],
        "num_machines": len(machines),
        "time_out": MINUTES_TO_CONNECT,
        "tree_learner": "data",
    }


def ports_of(machines: Sequence[str]) -> list[int]:
    """Return the port of each "host:port"."""
    return [int(machine.rpartition(":")[2]) for machine in machines]


def forget_network(model: str) -> str:
    """Return the text of a model without the addresses of the machines that trained it."""
    names = "machines|local_listen_port|num_machines|time_out|tree_learner"
    return re.sub(rf"^\[(?:{names}): .*\]\n", "", model, flags=re.MULTILINE)
