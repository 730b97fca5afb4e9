"""Exported models that draw their layer energies with another CaloINN afterwards."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from calovox.export.pairs import ModelPair
from calovox.export.parity import measure_parity
from calovox.export.renewal.energies import replace_energies
from calovox.runtime import OnnxModel
from calovox.training.runs.model import read_run
from calovox.training.runs.record import read_record, write_record
from calovox.training.sizes.kinds import InnSizes, StudentSizes
from calovox.training.sizes.shapes import CfmSizes, DitSizes
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import fail, succeed
from tests.export.test_onnx_file import assert_finite, assert_same_in_any_batch
from tests.export.toy_runs import toy_dit, toy_student, write_runs

NAME = "photon_eta_000_070.onnx"
SHIPPED = (
    Path(__file__).parents[3]
    / "src"
    / "calovox"
    / "shipped"
    / "calodit"
    / "photon_eta_000_070.onnx"
)
NAME = "photon_eta_000_070.onnx"
OTHER = InnSizes(n_blocks=5, width=8)
KINDS = {
    "cfm": CfmSizes(width=32, path="line", solver="euler", solver_steps=2),
    "dit": toy_dit(),
    "student": toy_student(toy_dit(), evaluations=1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_showers_are_those_of_the_pair_with_the_other_energies(kind: str, tmp_path: Path) -> None:
    """The graph agrees with the two models as they were trained, joined."""
    shapes: CfmSizes | DitSizes | StudentSizes = KINDS[kind]
    for name, inn in (("old", None), ("new", OTHER)):
        (tmp_path / name).mkdir()
        write_runs(tmp_path / name, inn=inn, shapes=shapes)
    old = [tmp_path / "old" / name for name in ("inn", kind)]
    succeed("export", *old, "-o", tmp_path / "photons")
    succeed(
        "export",
        tmp_path / "photons",
        *("--energies", tmp_path / "new" / "inn", "-o", tmp_path / "exchanged"),
    )
    new = [tmp_path / "new" / "inn", old[1]]
    succeed("export", *new, "-o", tmp_path / "direct")
    pair = ModelPair(*map(read_run, new))
    model = OnnxModel(tmp_path / "exchanged" / NAME)
    direct = OnnxModel(tmp_path / "direct" / NAME)
    parity, expected = (measure_parity(m, pair.sampler(), 500, seed=3) for m in (model, direct))
    assert parity == expected
    assert_finite(model, 2000)
    assert_same_in_any_batch(model, 50)
    energies = json.loads((tmp_path / "exchanged" / "model.json").read_text())["models"][0][
        "energies"
    ]
    assert energies["parity"]["mean"] < 1e-5  # tiny voxels are 0
    assert model.card["energies"]["model"] == energies["model"] == repr(pair.energies.model)
    assert "They were exchanged" in (tmp_path / "exchanged" / "MODEL_CARD.md").read_text()


def test_shipped_models_take_other_energies(tmp_path: Path) -> None:
    write_runs(tmp_path, grid=VoxelGrid.optimal(), inn=OTHER)
    path = Path(shutil.copy(SHIPPED, tmp_path / "photons.onnx"))
    before = set(names_of_weights(path))
    described = replace_energies(path, read_run(tmp_path / "inn"))
    assert described["parity"]["mean"] < 1e-4
    kept = {name for name in before if name.startswith("shapes.")}
    assert kept <= set(names_of_weights(path))


def names_of_weights(path: Path) -> list[str]:
    return [tensor.name.removesuffix(".narrow") for tensor in onnx.load(path).graph.initializer]


def test_runs_that_do_not_fit_are_refused(
    runs: list[Path], exported: Path, tmp_path: Path
) -> None:
    inn, shapes = runs
    output = ("-o", tmp_path / "copy")
    fail("export", *runs, "--energies", inn, *output, match="got run folders of models")
    fail("export", exported, "--energies", shapes, *output, match="one run of an INN .* got 0")
    fail("export", "calofast", "--energies", inn, *output, match="with a CaloINN, got photon_eta_")
    fail("export", "calodit", "--energies", inn, *output, match="to 2.09715e.06 MeV.*got one")
    other = shutil.copytree(inn, tmp_path / "other")
    write_record(other, replace(read_record(other), particle="electron"))
    fail("export", exported, "--energies", other, *output, match="got .* and electron")
    assert not (tmp_path / "copy").exists()
