"""Layers by their voxels: of any detector, with cells and without."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from calovox.dataset import DatasetWriter
from calovox.report.report import write_report
from calovox.report.topic import NotShown
from calovox.report.topics.layers.draw import layers_figure, plot_layer_shifts
from calovox.report.topics.layers.measure import QUANTITIES, measure_layers
from calovox.report.topics.layers.page import page_layers
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples, read_samples
from calovox.voxelization import Ring, VoxelGrid, Voxels
from tests.drawn import y_errors_of

N_EVENTS = 60
NUMBERS = (4, 7, 9)


@pytest.fixture(scope="module")
def grid():
    """Three layers, of which the last is not divided in alpha."""
    whole, divided = (Ring(0.0, 20.0, 10.0, n_alpha) for n_alpha in (1, 4))
    return VoxelGrid({4: (divided,), 7: (divided,), 9: (whole,)}, "planes")


@pytest.fixture(scope="module")
def files(grid, tmp_path_factory):
    """Datasets of voxels alone; the simulation has half of the energy in the first layer."""
    folder = tmp_path_factory.mktemp("layers")
    rng = np.random.default_rng(3)
    energy = rng.uniform(0.0, 0.1, (N_EVENTS, grid.n_voxels)).astype(np.float32)
    energy[: N_EVENTS // 2, :8] = 0.0
    incident, eta = np.full(N_EVENTS, 1e4), rng.uniform(0.1, 0.3, N_EVENTS)
    half = energy.copy()
    half[:, :8] *= 0.5
    for name, values in (("reference", energy), ("half", half)):
        with DatasetWriter(folder / f"{name}.h5", grid, provenance={}) as writer:
            writer.append(Voxels(grid, values, incident, eta, index=np.arange(N_EVENTS)))
    return folder, energy


@pytest.fixture(scope="module")
def result(files):
    folder, _ = files
    simulated = {"half": [folder / "half.h5"]}
    samples = EvaluationFiles(reference=[folder / "reference.h5"], simulated=simulated)
    return measure_layers(read_samples(samples))


def test_layers_have_means_of_their_voxels(result, files):
    _, energy = files
    reference, simulated = result.samples
    assert (result.numbers, reference.n_events) == (NUMBERS, N_EVENTS)
    energies = np.stack([energy[:, :8], energy[:, 8:16], np.zeros_like(energy[:, :8])], axis=1)
    energies[:, 2, :2] = energy[:, 16:]
    share = energies.sum(axis=2) / energy.sum(axis=1)[:, None]
    moments = reference.quantities["e_layer"]
    assert_allclose(moments.mean, share.mean(axis=0), rtol=1e-5)
    assert_allclose(moments.rms, share.std(axis=0, ddof=1), rtol=1e-5)
    assert_allclose(moments.error, moments.rms / N_EVENTS**0.5)
    above = (energies * 1e4 > 1.0).sum(axis=2).mean(axis=0)
    assert_allclose(reference.quantities["n_above_1mev"].mean, above)
    assert simulated.quantities["e_layer"].mean[0] < 0.7 * moments.mean[0]


def test_centres_and_widths_are_of_showers_with_energy_in_the_layer(result):
    for name in ("center_eta", "center_phi", "width_eta", "width_phi"):
        moments = result.samples[0].quantities[name]
        assert moments.n_events.tolist() == [N_EVENTS // 2, N_EVENTS, 0]
        assert np.isfinite(moments.mean[:2]).all()
        assert np.isnan(moments.mean[2])


def test_figure_has_a_panel_and_shifts_for_each_quantity(result):
    assert len(layers_figure(result).axes) == 2 * len(QUANTITIES)
    _, _, drawn = plot_layer_shifts(result, QUANTITIES[0], Figure().subplots())
    reference, simulated = (sample.quantities["e_layer"] for sample in result.samples)
    _, y, _, _ = y_errors_of(drawn)
    assert_allclose(y, 100.0 * (simulated.mean - reference.mean) / reference.rms)


def test_voxels_are_not_counted_across_grids(files, grid, tmp_path):
    """Finer voxels are more, whatever the showers; shares and widths do not depend on them."""
    folder, _ = files
    fine = VoxelGrid({**grid.layers, 4: (Ring(0.0, 20.0, 10.0, 8),)}, "fine")
    energy = np.full((N_EVENTS, fine.n_voxels), 0.02, dtype=np.float32)
    eta = np.full(N_EVENTS, 0.2)
    with DatasetWriter(tmp_path / "fine.h5", fine, provenance={}) as writer:
        writer.append(Voxels(fine, energy, np.full(N_EVENTS, 1e4), eta))
    simulated = {"half": [folder / "half.h5"], "fine": [tmp_path / "fine.h5"]}
    samples = EvaluationFiles(reference=[folder / "reference.h5"], simulated=simulated)
    result = measure_layers(read_samples(samples))
    _, half, other = result.samples
    assert set(half.quantities) - set(other.quantities) == {"n_above_1mev"}
    (line,) = result.missing
    assert line.startswith("Layers: voxels above 1 MeV of fine: its voxels are not those")
    panels = [plot_layer_shifts(result, entry, Figure().subplots()) for entry in QUANTITIES[:2]]
    assert [len(drawn) for drawn in panels] == [4, 3]
    assert len(layers_figure(result).axes) == 2 * len(QUANTITIES)


def test_page_has_a_row_for_each_layer(result):
    page = page_layers(result)
    assert [row["name"] for row in page["layers"]] == list(result.names)
    assert [cell is None for cell in page["layers"][2]["cells"]] == [False] * 2 + [True] * 4


def test_without_a_reference_nothing_is_shown():
    assert isinstance(measure_layers(Samples(files=EvaluationFiles())), NotShown)


@pytest.mark.usefixtures("blank_pictures")
def test_a_reference_alone_without_cells_has_a_report(files, tmp_path: Path):
    folder, _ = files
    alone = EvaluationFiles(reference=[folder / "reference.h5"], referee="none")
    report = write_report(alone, tmp_path / "report")
    (sample,) = report.numbers["layers"].samples
    assert sample.label == "Geant4"
    assert [entry.n_events for entry in report.numbers["samples"]] == [N_EVENTS]
    assert 'id="figure-layers"' in (tmp_path / "report" / "index.html").read_text()
