from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.binned_shower import voxels_to_hits
from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.hits import Hits, HitsWriter
from calovox.phi_modulation import PERIOD, PhiModulation, apply_phi_modulation
from calovox.phi_modulation.average_shower import average_profile
from calovox.phi_modulation.curve_file import write_curve
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import replay_profiles
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.report import collection
from calovox.report.collection import Report
from calovox.report.report import render_page, write_report
from calovox.report.topics.phi_modulation.measure import (
    PhiModulationFiles,
    evaluate_phi_modulation,
)
from calovox.scores.gates.gates import Gate, check_gates
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_report import toy_pictures, toy_report, toy_scores
from tests.toy_showers import toy_showers

@pytest.fixture(scope="session")
def written(
    datasets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, Path]:
    """A report on two simulations, and its folder."""
    output = tmp_path_factory.mktemp("report") / "report"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "_N_SPECTRUM", 10_000)
        patch.setattr(collection, "_N_RADII", 10_000)
        gates = output.parent / "gates.toml"
        gates.write_text("".join(f'[[gate]]\nmetric = "chi2_ndf"\n{b} = 1e9\n' for b in BOUNDS))
        files = EvaluationFiles(
            reference=[datasets["reference"]],
            simulated={name: [datasets[name]] for name in ("optimal", "regular")},
            hits=datasets["hits"],
            gates=gates,
        )
        settings = {"reference": "reference.h5", "hits": None}
        report = write_report(files, output, settings=settings)
        gates.unlink()
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
def full_page(written: tuple[Report, Path], phi_modulation_files: EvaluationFiles) -> str:
    """A page with every section, six simulations, and gates that some of them fail."""
    displaced = read_samples(phi_modulation_files).displaced
    assert phi_modulation_files.curve is not None
    phi_modulation = evaluate_phi_modulation(phi_modulation_files.curve, displaced)
    report = toy_report(written[0], phi_modulation)
    scores = toy_scores()
    gates = (Gate(metric="ks", above_floor=0.01), Gate(metric="frechet", p_value=0.01))
    report = replace(report, outcomes=check_gates(gates, scores))
    return render_page(report, scores, toy_pictures(report))
