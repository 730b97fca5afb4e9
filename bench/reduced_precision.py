"""What reduced precision of a shipped model costs and gives, and whether the referee notices.

Run from the repository: ``python -m bench.reduced_precision [MODEL]``; it takes half an hour. Each
variant of the model's first file draws showers of the photons of ``sample/photons_scan.h5`` in its
range of eta. Boosted trees compare its voxels with those of the shipped file, drawn with other
noise: two draws of the shipped file are the floor. They also compare both with Geant4. E_tot is
compared by chi2 in bins of equal numbers. A variant is accepted if neither the trees nor chi2 see
it, within two standard deviations, and if it is smaller or faster. Times are ratios to the shipped
file, in turns on one thread.

With ``--accelerator cuda``, the shipped file and its variants run on a GPU, and are compared with
what the shipped file draws on the CPU. There, large layers in float16 take the place of int8.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import get_args

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from bench.drawn_voxels import Sample, draw
from bench.precision_variants import variants
from bench.timing import count, rounds, run
from calovox.dataset import DatasetReader
from calovox.models.base import Conditions
from calovox.runtime import ModelSet, OnnxModel, load_models
from calovox.runtime.accelerators import Accelerator
from calovox.scores.referee import classify_by_trees

BINS = 40


def measure_chi2(first: Sample, second: Sample) -> tuple[float, float]:
    """Compare E_tot / E in bins of equal numbers; give chi2 over its number, and the p-value."""
    shares = [sample.response for sample in (first, second)]
    edges = np.quantile(np.concatenate(shares), np.linspace(0.0, 1.0, BINS + 1)[1:-1])
    a, b = (np.bincount(edges.searchsorted(x), minlength=BINS) for x in shares)
    chi2 = float(((a - b) ** 2 / (a + b)).sum())
    return chi2 / (BINS - 1), float(chi2_distribution.sf(chi2, BINS - 1))


def time_in_turns(models: list[OnnxModel], n_showers: int, n_rounds: int) -> list[str]:
    """Give the ratio to the first model: the median of the rounds, with its 16 and 84 %."""
    (n_noise,) = models[0].noise_shape
    noise = np.random.default_rng(1).normal(size=(n_showers, n_noise)).astype(np.float32)
    photons = Conditions(np.full(n_showers, 65536.0), np.full(n_showers, 0.2))
    calls = 20 if n_showers == 1 else 1
    times = np.empty((n_rounds, len(models)))
    for row in times:
        for position, model in enumerate(models):
            spent = []
            for _ in range(calls + 1):
                start = time.perf_counter()
                model.sample(photons, noise)
                spent.append(time.perf_counter() - start)
            row[position] = np.median(spent[1:])
    found = np.percentile(times / times[:, :1], [50, 16, 84], axis=0).T
    return [f"{median:.2f} ({low:.2f} to {high:.2f})" for median, low, high in found]


def judge(
    shipped: Sample, sample: Sample, geant4: Sample, n_seeds: int
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """Give AUC and error against the shipped file and against Geant4, and chi2 with p-value."""
    of_sample = sample.inputs()
    found = [
        classify_by_trees(other.inputs(), of_sample, n_seeds=n_seeds)
        for other in (shipped, geant4)
    ]
    (near, far) = ((areas.mean, areas.error) for areas in found)
    return near, far, measure_chi2(shipped, sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="calodit")
    parser.add_argument("--sample", type=Path, default=Path("sample/photons_scan.h5"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--accelerator", choices=get_args(Accelerator), default="cpu")
    arguments = parser.parse_args()
    accelerator: Accelerator = arguments.accelerator
    models = load_models(arguments.model)
    assert isinstance(models, ModelSet)  # of ONNX files
    shipped = models.models[0]
    showers = DatasetReader(arguments.sample).read()
    inside = np.flatnonzero(np.abs(showers.eta_center) < shipped.eta_range[1])
    energy, eta = (
        x[inside].astype(np.float64) for x in (showers.incident_energy, showers.eta_center)
    )
    voxels = showers.energy[inside] * energy[:, None].astype(np.float32)
    geant4 = Sample(voxels, energy, np.abs(eta))
    n_rounds = rounds(5)
    reference = draw(shipped, energy, eta, 1)
    with tempfile.TemporaryDirectory() as name:
        files = [("as shipped", shipped.path), *variants(shipped, Path(name), accelerator)]
        drawn = [OnnxModel(path, accelerator=accelerator) for _, path in files]
        single = time_in_turns(drawn, 1, n_rounds)
        batch = time_in_turns(drawn, count(1000), n_rounds)
        floor = at_geant4 = (0.0, 0.0)
        size = shipped.path.stat().st_size
        print(f"{len(energy)} photons, {arguments.seeds} seeds")
        for (title, path), model, one, many in zip(files, drawn, single, batch, strict=True):
            sample = draw(model, energy, eta, 2)
            near, far, (chi2, p_value) = judge(reference, sample, geant4, arguments.seeds)
            if path == shipped.path:
                floor, at_geant4 = near, far
            seen = [
                found[0] - base[0] > 2.0 * np.hypot(found[1], base[1])
                for found, base in ((near, floor), (far, at_geant4))
            ]
            verdict = "refused" if any(seen) or p_value < 0.0455 else "not seen"
            print(
                f"| {title} | {path.stat().st_size / size:.2f} | {one} | {many} "
                f"| {near[0]:.3f} +- {near[1]:.3f} | {far[0]:.3f} +- {far[1]:.3f} "
                f"| {chi2:.2f} ({p_value:.2f}) | {verdict} |",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
