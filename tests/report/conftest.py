from pathlib import Path

import numpy as np
import pytest

from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.phi_modulation import PERIOD, PhiModulation, apply_phi_modulation
from calovox.phi_modulation.average_shower import average_profile
from calovox.phi_modulation.curve_file import write_curve
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import replay_profiles
from calovox.reconstruction import hits_to_cells
from calovox.report.page import render_page
from calovox.report.report import Report, write_report
from calovox.report.topics.inputs import measure as inputs
from calovox.samples.files import EvaluationFiles, SampleFiles
from calovox.samples.samples import read_samples
from calovox.scores.table import Scores
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_datasets import datasets, region_hits
from tests.toy_report import toy_parts, toy_pictures, toy_samples
from tests.toy_showers import toy_showers

__all__ = ["datasets", "region_hits"]

GATES = """
[[gate]]
metric = "chi2_ndf"
at_most = 1e9
[[gate]]
metric = "chi2_ndf"
at_least = 1e9
"""


@pytest.fixture(scope="session", autouse=True)
def few_draws():
    """Draw few photons and radii for the figures of what the simulation draws from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_N_SPECTRUM", 10_000)
        patch.setattr(inputs, "_N_RADII", 10_000)
        yield


@pytest.fixture(scope="session")
def written(
    datasets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, Path]:
    """A report on two simulations, and its folder."""
    output = tmp_path_factory.mktemp("report") / "report"
    gates = tmp_path_factory.mktemp("gates") / "gates.toml"
    gates.write_text(GATES)
    files = EvaluationFiles(
        reference=[datasets["reference"]],
        simulated={name: [datasets[name]] for name in ("optimal", "regular")},
        hits=datasets["hits"],
        gates=gates,
    )
    settings = {"reference": "reference.h5", "hits": None}
    report = write_report(files, output, settings=settings)
    return report, output


@pytest.fixture(scope="session")
def phi_modulation_files(tmp_path_factory: pytest.TempPathFactory) -> EvaluationFiles:
    """Curves fitted to toy showers of 500 GeV, these, and others without the modulation."""

    def truth(layer, phi):
        return 1.0 + 0.1 * np.cos(2.0 * np.pi * phi / PERIOD)

    folder = tmp_path_factory.mktemp("phi")
    curves = PhiModulation.from_function(truth)
    bare = toy_showers(40, n_hits=400, energy=500e3)
    hits = apply_phi_modulation(bare, curves)
    settings = FitSettings(eta_edges=(0.0, 1.4), steps=30, n_bootstrap=2)
    write_curve(
        folder / "curve.h5",
        fit_phi_modulation(replay_profiles(hits, truth, copies=20, seed=1), settings),
        truth=curves,
        average=average_profile(hits, truth, copies=5, seed=1),
    )
    grid = VoxelGrid.optimal()
    for name, showers in (("reference", hits), ("other", bare)):
        path = folder / f"{name}.h5"
        with DatasetWriter(path, grid, provenance={}, cell_table="barrel") as writer:
            writer.append(hits_to_voxels(showers, grid), hits_to_cells(showers, barrel_cells()))
    displaced = SampleFiles(folder / "reference.h5", {"other": folder / "other.h5"})
    return EvaluationFiles(curve=folder / "curve.h5", displaced=displaced)


@pytest.fixture(scope="session")
def full_report(written: tuple[Report, Path], phi_modulation_files: EvaluationFiles) -> Report:
    """A report with every section, six simulations, and gates that some of them fail."""
    samples = toy_samples(written[0].samples, read_samples(phi_modulation_files))
    return Report(samples, tuple(toy_parts(samples)), Scores(), ())


@pytest.fixture(scope="session")
def full_page(full_report: Report) -> str:
    """The page of the report with every section."""
    parts = full_report.parts
    return render_page(parts, full_report.simulations, toy_pictures(parts))
