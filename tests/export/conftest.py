"""One thread, as everywhere with torch; and one exported model for all tests."""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from calovox.binned_shower import SubVoxelProbabilities, write_sub_voxels
from calovox.cli import app
from calovox.phi_modulation import MODULATED_LAYERS, N_BINS, PhiModulation
from calovox.phi_modulation.curve_file import write_curve
from tests.export.toy_runs import toy_grid, write_runs

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give the run folders of two small models."""
    return write_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def exported(runs: list[Path]) -> Path:
    """Give the folder that the command makes of them."""
    folder = runs[0].parent
    grid = toy_grid()
    quarters = np.full((2, grid.n_voxels, 4), 0.25)
    probabilities = SubVoxelProbabilities(grid, np.array([256.0, 65536.0]), quarters)
    write_sub_voxels(folder / "sub.root", probabilities)
    values = np.ones((1, len(MODULATED_LAYERS), N_BINS))
    write_curve(folder / "curve.h5", PhiModulation(values, np.array([0.0, 1.35])))
    side_files = ["--sub-voxels", folder / "sub.root", "--phi-modulation", folder / "curve.h5"]
    arguments = ["export", *runs, *side_files, "-o", folder / "photons"]
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    assert result.exit_code == 0, result.output
    return folder / "photons"
