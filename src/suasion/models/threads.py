"""How torch uses the processor: set before torch starts, by everything that starts it.

By default OpenMP threads spin while they wait. On a machine that others use too, spinning threads
take the processor from the ones with work: training ran six times slower without these settings.
"""

from __future__ import annotations

import os

_WAITING = {
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
    "TOKENIZERS_PARALLELISM": "false",
}


def wait_politely() -> None:
    """Make threads that wait let others work; what the user has set in the environment is kept.

    It works only before torch is imported, since OpenMP reads it when it starts.
    """
    for name, value in _WAITING.items():
        os.environ.setdefault(name, value)


def prepare(threads: int | None = None) -> None:
    """Import torch, waiting politely, and have it use a number of threads.

    Args:
        threads: how many threads torch computes with; None leaves torch's default.

    Raises:
        ValueError: fewer than one thread.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    wait_politely()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
