"""Weights of datasets: scaled by strata across all files of hits, where these say how."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.dataset.make import make_dataset
from calovox.dataset.parts import make_part
from calovox.dataset.strata import scale_weights
from calovox.dataset.voxelizing import Voxelizer
from calovox.geant4 import DetectorModel, StartRadius, survival_probability
from calovox.geometry import atlas_barrel
from calovox.hits import HitsWriter
from calovox.hits.files import HitsFiles
from calovox.phi_modulation.bare_hits import BareHits
from calovox.photons import concatenate_photons
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import succeed
from tests.toy_showers import toy_showers

OF_DETECTOR = {"detector": asdict(DetectorModel())}


def write(path, first, start=None, n=40, weight=None):
    """Toy hits that say they first interact before, at and beyond 1350 and 1500 mm."""
    hits = toy_showers(n, n_hits=20)
    rng = np.random.default_rng(first)
    if weight is None and start is not None:
        weight = rng.uniform(0.2, 4.0, n)
    radius = rng.choice([1200.0, 1350.0, 1400.0, 1500.0, np.inf], n)
    photons = replace(
        hits.photons,
        index=first + np.arange(n),
        weight=weight,
        interaction_radius=radius,
    )
    said = {} if start is None else {**OF_DETECTOR, "start": asdict(start)}
    with HitsWriter(path, provenance=said) as writer:
        writer.append(replace(hits, photons=photons))
    return path


@pytest.fixture
def mixed(tmp_path):
    """Ordinary showers, such of two start radii, and late ones alone."""
    return [
        write(tmp_path / "plain.h5", 0),
        write(tmp_path / "a.h5", 100, StartRadius(1500.0, 0.75)),
        write(tmp_path / "late.h5", 200, StartRadius(1600.0)),
        write(tmp_path / "b.h5", 300, StartRadius(1350.0, 0.4)),
    ]


def test_files_where_some_photons_start_inside_are_scaled_together(mixed):
    files = HitsFiles(mixed, takes_weights=True)
    scaled = scale_weights(files)
    assert scaled.radii == (1350.0, 1500.0)
    plain, first, late, second = np.split(scaled.values, 4)
    stored = [photons.weight for photons in files.photons()]
    np.testing.assert_array_equal(plain, np.ones(40))
    np.testing.assert_array_equal(late, stored[2])
    taking = concatenate_photons([files.photons()[number] for number in (1, 3)])
    weight = np.concatenate([first, second])
    reached = [1.0, *(survival_probability(taking, r).sum() for r in scaled.radii), 0.0]
    edges = [0.0, *scaled.radii, np.inf]  # 80 showers are one cell
    sums, _ = np.histogram(taking.interaction_radius, edges, weights=weight)
    np.testing.assert_allclose(sums, -np.diff([80.0, *reached[1:]]), rtol=1e-12)
    factors = weight / np.concatenate([stored[1], stored[3]])
    assert scaled.factors == (factors.min(), factors.max())


def test_other_weights_are_kept(tmp_path):
    """Those of late showers alone, and those of files that do not say where photons start."""
    late = write(tmp_path / "late.h5", 0, StartRadius(1500.0))
    own = write(tmp_path / "own.h5", 100, weight=np.full(40, 0.5))
    assert scale_weights(HitsFiles([late, own], takes_weights=True)) is None


def test_impossible_provenance_is_refused(tmp_path):
    path = write(tmp_path / "a.h5", 0, StartRadius(1500.0, 0.5))
    hits = toy_showers(5, n_hits=20)
    hits = replace(hits, photons=replace(hits.photons, weight=np.ones(5)))
    for said in ({"start": 3, **OF_DETECTOR}, {"start": {"radius": 1500.0, "share": 0.5}}):
        with HitsWriter(path, provenance=said, overwrite=True) as writer:
            writer.append(hits)
        with pytest.raises(ValueError, match=r"a\.h5: expected the start radius and the detector"):
            scale_weights(HitsFiles([path], takes_weights=True))


def test_voxelize_writes_and_says_the_scaled_weights(mixed, tmp_path):
    said = succeed("voxelize", *map(str, mixed), "--no-cells", "-o", str(tmp_path / "all.h5"))
    scaled = scale_weights(HitsFiles(mixed, takes_weights=True))
    low, high = scaled.factors
    assert f"; weights scaled by strata, by {low:.3g} to {high:.3g}" in said.stdout
    reader = DatasetReader(tmp_path / "all.h5", takes_weights=True)
    np.testing.assert_array_equal(reader.weights(), scaled.values)
    assert reader.provenance["weight_strata"] == {
        "radii": [1350.0, 1500.0],
        "showers_of_a_cell": 80,
    }


def test_parts_have_the_weights_of_all(mixed, tmp_path):
    hits, grid = BareHits(mixed, takes_weights=True), VoxelGrid.optimal()
    made = [tmp_path / "1.part", tmp_path / "2.part"]
    for rows, path in zip((slice(0, 130), slice(130, 160)), made, strict=True):
        make_part(Voxelizer(hits, grid, "hits", None, atlas_barrel(), False), rows, path)
    parts = make_dataset(hits, tmp_path / "parts.h5", grid, parts=made)
    whole = make_dataset(hits, tmp_path / "whole.h5", grid)
    assert str(parts) == str(whole)
    assert (tmp_path / "parts.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
