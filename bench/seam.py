"""How far apart the files of a model are where their ranges of |eta| meet.

Run from the repository: ``python -m bench.seam [MODEL] [--showers N]``; it takes minutes. Photons
lie at the border of two files, in three ranges of energy. Each file draws showers for them, with
noise of its own. Boosted trees compare the voxels of both; two draws of the lower file are the
floor. Last come the means of E_tot / E_kin of both files. Geant4 has no step there.
"""

import argparse
import itertools
from collections.abc import Iterator

import numpy as np

from bench.drawn_voxels import draw
from bench.timing import count, run
from calovox.runtime import ModelSet, OnnxModel, load_models
from calovox.scores.referee import classify_by_trees

RANGES = ((256.0, 16384.0), (16384.0, 131072.0), (131072.0, 2097152.0))
"""Kinetic energies in MeV."""


def compare(lower: OnnxModel, upper: OnnxModel, n_showers: int) -> Iterator[str]:
    """Give a row of the table for each range of energy."""
    border = lower.eta_range[1]
    rng = np.random.default_rng(1)
    for low, high in RANGES:
        energy = np.exp(rng.uniform(np.log(low), np.log(high), n_showers))
        eta = np.full(n_showers, border)
        below, above, again = (
            draw(model, energy, eta, seed)
            for seed, model in enumerate((lower, upper, lower), start=1)
        )
        across, floor = (
            classify_by_trees(below.inputs(), other.inputs(), n_seeds=1)
            for other in (above, again)
        )
        response = " | ".join(f"{sample.response.mean():.4f}" for sample in (below, above))
        error = np.hypot(below.response.std(), above.response.std()) / np.sqrt(n_showers)
        yield (
            f"| {border:g} | {low / 1e3:.3g} to {high / 1e3:.4g} GeV "
            f"| {across.mean:.3f} +- {across.error:.3f} | {floor.mean:.3f} +- {floor.error:.3f} "
            f"| {response} | {error:.4f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="calodit")
    parser.add_argument("--showers", type=int, default=3000, help="of each range of energy")
    arguments = parser.parse_args()
    models = load_models(arguments.model)
    assert isinstance(models, ModelSet)  # of ONNX files
    print("| border | energies | AUC | same file | response below | above | +- |")
    for lower, upper in itertools.pairwise(models.models):
        for row in compare(lower, upper, count(arguments.showers)):
            print(row, flush=True)


if __name__ == "__main__":
    run(main)
