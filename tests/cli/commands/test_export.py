"""`calovox export`, with toys."""

import json

import pytest

torch = pytest.importorskip("torch")

from tests.cli.commands.test_chain import fail, succeed  # noqa: E402
from tests.export.toy_runs import write_runs  # noqa: E402


def test_a_flow_is_exported_with_other_steps_than_it_was_trained_with(tmp_path):
    energies, shapes = write_runs(tmp_path)
    sizes = []
    for steps in (1, 2):
        folder = tmp_path / f"steps_{steps}"
        succeed(
            *("export", energies, shapes, "--path", "arc", "--solver", "midpoint"),
            *("--solver-steps", steps, "--no-fastcalosim", "-o", folder),
        )
        (model,) = json.loads((folder / "model.json").read_text())["models"]
        assert f"arc, midpoint, {steps} steps" in model["shapes"]["model"]
        sizes.append((folder / model["file"]).stat().st_size)
    assert sizes[0] < sizes[1]


def test_steps_of_runs_without_a_solver_are_refused(tmp_path):
    energies, _ = write_runs(tmp_path)
    words = ("export", energies, "--solver-steps", 2, "-o", tmp_path / "out")
    fail(*words, match="expected a CaloCFM or CaloDiT-2")
