"""Parity of FPD and KPD with JetNet, in an environment that has both: `make parity`.

Toy features with correlations, a scale of their own each, and one that is constant. Exits with 1
if a value differs by more than rounding. JetNet is installed without its dependencies: those that
calovox does not have play no part in FPD and KPD, and are replaced by empty modules.
"""

import sys
import warnings
from unittest.mock import MagicMock

import numpy as np

from bench.timing import run
from calovox.scores.challenge import frechet_physics_distance, kernel_physics_distance

ABSENT = (
    *("coffea", "coffea.nanoevents", "coffea.nanoevents.methods"),
    *("energyflow", "energyflow.emd", "requests"),
)
TOLERANCE = 1e-7


def toy(n_events: int, seed: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(12, 12))
    values = rng.normal(shift, 1.0, size=(n_events, 12)) @ mixing * np.logspace(-2, 2, 12)
    values[:, 5] = 3.0
    return values


def main() -> None:
    warnings.simplefilter("ignore", RuntimeWarning)
    sys.modules.update({name: MagicMock() for name in ABSENT})
    from jetnet.evaluation import gen_metrics

    failed = False
    for shift in (0.0, 0.1):
        pair = toy(4000, 1), toy(5000, 2, shift)
        theirs = [
            *gen_metrics.fpd(*pair, min_samples=1000, max_samples=4000),
            *gen_metrics.kpd(*pair, batch_size=500),
        ]
        fpd = frechet_physics_distance(*pair, smallest=1000, largest=4000)
        kpd = kernel_physics_distance(*pair, size=500)
        ours = [fpd.value, fpd.error, kpd.value, kpd.error]
        for name, mine, other in zip(("fpd", "+-", "kpd", "+-"), ours, theirs, strict=True):
            agrees = abs(mine - other) <= TOLERANCE
            failed |= not agrees
            print(
                f"shift {shift}: {name:3} {mine:.9f}  JetNet {other:.9f}  "
                f"difference {mine - other:+.1e}  {agrees}"
            )
    sys.exit(failed)


if __name__ == "__main__":
    run(main)
