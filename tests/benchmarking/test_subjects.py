from pathlib import Path

import numpy as np

from calovox.benchmarking.subjects import open_subject
from calovox.photons import Photons

ROOT = Path(__file__).resolve().parents[2]


def photons(n_photons):
    one = np.ones(n_photons)
    return Photons(65e3 * one, 0.2 * one, 0.1 * one, np.arange(n_photons))


def test_shipped_models_are_placed_by_patterns_and_others_are_not(models):
    assert models["a.onnx"].patterns is None
    ours = open_subject("calodit")
    assert ours.patterns is not None
    assert ours.probabilities is None


def test_a_dataset_gives_its_nearest_showers():
    library = open_subject(str(ROOT / "sample" / "photons_scan.h5"))
    assert library.n_parameters(0.2) is None
    assert library.path(0.2) == library.paths()[0]
    (showers,) = library.simulate(photons(2), with_hits=False)
    assert showers.placement is not None
    assert showers.cells.total_energy.sum() > 2 * 50e3


def test_a_parametrisation_draws_hits():
    (showers,) = open_subject("fastcalosimv2").simulate(photons(2), with_hits=True)
    assert showers.hits.n_hits > 0
