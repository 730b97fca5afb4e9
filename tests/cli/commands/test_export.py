"""`calovox export`, with toys."""

import json

import pytest

torch = pytest.importorskip("torch")

from calovox.export.pairs import pair_runs  # noqa: E402
from calovox.export.parity import measure_parity  # noqa: E402
from calovox.export.runs import read_runs  # noqa: E402
from calovox.runtime import OnnxModel  # noqa: E402
from tests.cli.commands.test_chain import fail, succeed  # noqa: E402
from tests.export.toy_runs import write_runs  # noqa: E402


def test_a_flow_is_exported_with_other_steps_than_it_was_trained_with(tmp_path):
    runs = write_runs(tmp_path)
    succeed(
        *("export", *runs, "--path", "arc", "--solver", "midpoint", "--solver-steps", 1),
        *("--no-fastcalosim", "-o", tmp_path / "out"),
    )
    (model,) = json.loads((tmp_path / "out" / "model.json").read_text())["models"]
    assert "arc, midpoint, 1 steps" in model["shapes"]["model"]
    exported = OnnxModel(tmp_path / "out" / model["file"])
    (pair,) = pair_runs(read_runs(runs, path="arc", solver="midpoint", solver_steps=1))
    assert measure_parity(exported, pair.sampler(), 100, seed=1).largest < 1e-4
    (trained,) = pair_runs(read_runs(runs))
    assert measure_parity(exported, trained.sampler(), 100, seed=1).largest > 1e-2


def test_steps_of_runs_without_a_solver_are_refused(tmp_path):
    energies, _ = write_runs(tmp_path)
    words = ("export", energies, "--solver-steps", 2, "-o", tmp_path / "out")
    fail(*words, match="expected a CaloCFM or CaloDiT-2")
