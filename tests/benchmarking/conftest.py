"""Two toy models that are alike, and few showers."""

import pytest

from calovox.benchmarking import costs
from calovox.benchmarking.subjects import Subject, open_subject
from tests.toy_onnx import write_toy_onnx


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    """Give the models by the names of their files."""
    folder = tmp_path_factory.mktemp("models")
    paths = [write_toy_onnx(folder / f"{name}.onnx") for name in ("a", "b")]
    return {path.name: open_subject(str(path)) for path in paths}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw few showers at once: the tests look at how time is told, not at how much it is."""
    monkeypatch.setattr(costs, "BATCHES", (2, 3))
