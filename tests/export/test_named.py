"""An export of what a user names."""

from pathlib import Path
from typing import Any

import pytest

from calovox.export.named import describe_export, export_named
from calovox.runtime.model_set import MODEL_FILE

MODEL = {"parity": {"largest": 2e-5}}
CONTENT: dict[str, Any] = {"grid": {"voxels": 30}, "models": [MODEL, MODEL]}


def test_summary_counts_models_and_files_for_fastcalosim() -> None:
    content = CONTENT | {"models": [MODEL, MODEL | {"fastcalosim_file": "a_fcs.onnx"}]}
    assert describe_export(content) == (
        "2 models of 30 voxels, as trained up to 2.0e-05, 1 files for FastCaloSim"
    )


def test_summary_tells_the_parity_of_exchanged_energies() -> None:
    energies = {"parity": {"largest": 3e-4}}
    content = CONTENT | {"models": [MODEL | {"energies": energies}, MODEL | {"energies": {}}]}
    assert describe_export(content).startswith(
        "2 models of 30 voxels, as trained up to 2.0e-05, exchanged layer energies up to 3.0e-04, "
    )


def test_summary_says_why_fastcalosim_cannot_run_models() -> None:
    text = describe_export(CONTENT | {"no_fastcalosim": "too many voxels"})
    assert text.endswith("0 files for FastCaloSim; FastCaloSim cannot run them: too many voxels")


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"path": "line"}, "path"),
        ({"solver_steps": 2}, "solver-steps"),
        ({"plain": True}, "plain"),
        ({"half_weights": True}, "half-weights"),
        ({"sub_voxels": Path("a.root")}, "sub-voxels"),
    ],
)
def test_an_exported_model_cannot_be_changed(
    changes: dict[str, Any], option: str, tmp_path: Path
) -> None:
    exported = tmp_path / "photons"
    exported.mkdir()
    (exported / MODEL_FILE).write_text("{}")
    with pytest.raises(ValueError, match=f"--{option}: expected run folders, got the exported"):
        export_named([str(exported)], tmp_path / "new", **changes)
    assert not (tmp_path / "new").exists()
