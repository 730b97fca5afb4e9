"""Showers of other detectors than the built-in barrel go the whole way."""

from pathlib import Path

import numpy as np
import pytest
import torch

from calovox.binned_shower import average_sub_voxels, voxels_to_hits
from calovox.binned_shower.sub_voxel_files import read_sub_voxels, write_sub_voxels
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.export.fastcalosim import why_not_fastcalosim
from calovox.export.onnx_file import export_fused
from calovox.export.parity import measure_parity
from calovox.geometry import Detector
from calovox.hits import HitsReader, HitsWriter, concatenate_hits
from calovox.hits.merging import MergingRadii, merge_hits
from calovox.models.two_stage import TwoStageSampler
from calovox.reconstruction import cells_to_shapes, hits_to_cells
from calovox.reconstruction.shapes_file import read_shapes, write_shapes
from calovox.runtime import OnnxModel
from calovox.runtime.metadata import ModelMetadata
from calovox.simulation.simulate import simulate_voxels
from calovox.training.data.showers import ShowerFiles
from calovox.training.runs.record import grid_to_json, json_to_grid
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import DitSizes
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_detector import disks, many_layers, showers_in, small_grid, three_layers

DETECTORS = [three_layers(), many_layers(), disks()]
MODELLED = DETECTORS[:2]
DIT = DitSizes(
    tokens="rings",
    width=16,
    heads=2,
    blocks=1,
    conditions="maxima",
    voxels="note",
    path="karras",
    solver="heun",
    solver_steps=2,
)


def write(path: Path, detector: Detector, n_events: int) -> DatasetReader:
    grid = small_grid(detector)
    voxels = hits_to_voxels(showers_in(detector, n_events, n_hits=180), grid, detector=detector)
    with DatasetWriter(path, grid, provenance={}) as writer:
        writer.append(voxels)
    return DatasetReader(path)


@pytest.mark.parametrize("detector", DETECTORS, ids=repr)
def test_hits_keep_their_layer_energies_to_the_cells(tmp_path: Path, detector: Detector) -> None:
    hits = showers_in(detector, 5)
    with HitsWriter(tmp_path / "hits.h5", provenance={}) as writer:
        writer.append(hits)
    hits = HitsReader(tmp_path / "hits.h5").read()
    grid = small_grid(detector)
    voxels = hits_to_voxels(hits, grid, detector=detector)
    cells = hits_to_cells(hits, detector.cells)
    sums = cells.total_energy + cells.outside
    np.testing.assert_allclose(
        sums, np.add.reduceat(hits.energy, hits.event_offsets[:-1]), rtol=1e-5
    )
    event = np.repeat(np.arange(5), np.diff(hits.event_offsets))
    for position, layer in enumerate(detector.numbers):
        rows = hits.layer == layer
        expected = np.bincount(event[rows], weights=hits.energy[rows], minlength=5)
        np.testing.assert_allclose(
            voxels.layer_energy[:, position] * hits.photons.energy, expected, rtol=1e-5
        )


@pytest.mark.parametrize("detector", DETECTORS, ids=repr)
def test_a_dataset_keeps_voxels_numbers_and_grid(tmp_path: Path, detector: Detector) -> None:
    reader = write(tmp_path / "a.h5", detector, 4)
    assert reader.grid == small_grid(detector)
    assert reader.grid.numbers == detector.numbers
    expected = hits_to_voxels(
        showers_in(detector, 4, n_hits=180), small_grid(detector), detector=detector
    )
    np.testing.assert_array_equal(reader.read().energy, expected.energy)


@pytest.mark.parametrize("detector", DETECTORS, ids=repr)
def test_placed_hits_give_the_same_voxels(detector: Detector) -> None:
    grid = small_grid(detector)
    hits = showers_in(detector, 30)
    probabilities = average_sub_voxels([hits], grid, min_showers=2, detector=detector)
    voxels = hits_to_voxels(hits, grid, detector=detector)
    (shower,) = simulate_voxels(
        [voxels], probabilities, seed=1, table=detector.cells, detector=detector
    )
    assert shower.cells is not None
    assert len(shower.cells.energy)
    placed = voxels_to_hits(voxels, probabilities, seed=1, detector=detector)
    np.testing.assert_array_equal(placed.eta, shower.hits.eta)
    placed.photons.eta[:] = voxels.eta_center
    placed.photons.phi[:] = voxels.phi_center
    again = hits_to_voxels(placed, grid, center="photon", detector=detector)
    np.testing.assert_allclose(again.energy, voxels.energy, rtol=1e-5, atol=1e-7)


def test_only_the_middle_layer_has_a_linear_density() -> None:
    detector = three_layers()
    assert detector.has_role(detector.numbers, "middle") == (False, True, False)


def test_merged_hits_keep_their_cells() -> None:
    detector = three_layers()
    hits = showers_in(detector, 3)
    merged = merge_hits(concatenate_hits([hits]), detector, MergingRadii.coarse(detector.layers))
    assert 0 < merged.n_hits < hits.n_hits
    before, after = (hits_to_cells(part, detector.cells) for part in (hits, merged))
    np.testing.assert_array_equal(before.cell, after.cell)
    with pytest.raises(ValueError, match="expected sizes for 3 layers, got 5"):
        merge_hits(hits, detector, MergingRadii.fine())


@pytest.mark.parametrize("detector", DETECTORS, ids=repr)
def test_side_files_and_metadata_keep_the_layers(tmp_path: Path, detector: Detector) -> None:
    grid = small_grid(detector)
    texts = ModelMetadata(grid, (256.0, 1e5), (0.0, 1.3)).to_texts()
    (tmp_path / "grid.toml").write_text(grid.to_toml(), encoding="utf-8")
    back = [
        json_to_grid(grid_to_json(grid)),
        ModelMetadata.from_texts(texts).grid,
        VoxelGrid.from_toml(tmp_path / "grid.toml"),
    ]
    for found in back:
        assert found == grid
        assert found.layer_names == grid.layer_names
    probabilities = average_sub_voxels(
        [showers_in(detector, 30)], grid, min_showers=2, detector=detector
    )
    write_sub_voxels(tmp_path / "sub.root", probabilities)
    read = read_sub_voxels(tmp_path / "sub.root", grid)
    np.testing.assert_allclose(read.probabilities, probabilities.probabilities, atol=1e-6)


@pytest.mark.parametrize("detector", MODELLED, ids=repr)
def test_models_of_the_layers_train(tmp_path: Path, detector: Detector) -> None:
    files = ShowerFiles([write(tmp_path / "a.h5", detector, 40)])
    showers = files.read(np.arange(20))
    rng = torch.Generator().manual_seed(1)
    for sizes in (InnSizes(n_blocks=10, width=8), DIT):
        model = sizes.fitted(files, seed=1, reflect=False)
        torch.stack([*model.losses(showers, rng).values()]).sum().backward()
        gradients = [p.grad for p in model.network.parameters() if p.grad is not None]
        assert gradients
        assert all(bool(g.isfinite().all()) for g in gradients)


@pytest.mark.parametrize(
    "detector",
    [
        pytest.param(MODELLED[0], id="3"),
        pytest.param(MODELLED[1], id="45", marks=pytest.mark.slow),
    ],
)
def test_exported_models_give_the_same_showers(tmp_path: Path, detector: Detector) -> None:
    files = ShowerFiles([write(tmp_path / "a.h5", detector, 40)])
    n_blocks = 4 if len(detector.layers) < 5 else 10
    inn = InnSizes(n_blocks=n_blocks, width=8).fitted(files, seed=1, reflect=False)
    sampler = TwoStageSampler(inn, DIT.fitted(files, seed=1, reflect=False)).eval()
    metadata = ModelMetadata(files.grid, files.energy_range, (0.0, 0.9))
    export_fused(sampler, tmp_path / "model.onnx", metadata.to_texts())
    model = OnnxModel(tmp_path / "model.onnx")
    assert model.grid == files.grid
    assert measure_parity(model, sampler, 20, seed=1).quantile_999 < 1e-2


def test_fastcalosim_refuses_other_layers() -> None:
    grid = small_grid(many_layers())
    reason = why_not_fastcalosim(grid, grid.n_voxels)
    assert reason is not None
    assert reason.startswith("its layers are (0, 1, 2, 3, 12), those")


def test_shapes_need_strips_and_a_middle_layer(tmp_path: Path) -> None:
    detector, without = three_layers(), many_layers(3)
    hits = showers_in(detector, 6, n_hits=300)
    shapes = cells_to_shapes(hits_to_cells(hits, detector.cells), detector.cells)
    assert shapes.numbers == (4, 7, 9)
    assert np.all(shapes.r_eta > 0)
    np.testing.assert_allclose(shapes.f1, shapes.layer_energy[:, 0] / shapes.e_raw)
    write_shapes(tmp_path / "shapes.parquet", shapes)
    assert read_shapes(tmp_path / "shapes.parquet").numbers == (4, 7, 9)
    cells = hits_to_cells(showers_in(without, 2), without.cells)
    with pytest.raises(ValueError, match=r"no layer has the role `strips`, which .* f1, delta_e"):
        cells_to_shapes(cells, without.cells)


def test_layers_that_are_not_there_are_named() -> None:
    detector, other = three_layers(), many_layers(3)
    hits = showers_in(detector, 2)
    known = r"layers: expected numbers out of \(0, 1, 2\), got 4"
    with pytest.raises(ValueError, match=known):
        hits_to_voxels(hits, small_grid(other), detector=other)
    with pytest.raises(ValueError, match=known):
        hits_to_cells(hits, other.cells)
    with pytest.raises(ValueError, match=known):
        hits_to_voxels(hits, small_grid(detector), detector=other)
