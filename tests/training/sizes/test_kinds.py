"""Sizes of models as run folders keep them."""

from dataclasses import asdict

import pytest

from calovox.training.sizes.kinds import CorrectionSizes, read_sizes
from calovox.training.sizes.options import CorrectionOptions, FastCriticOptions
from calovox.training.sizes.shapes import CfmSizes


def test_sizes_that_came_later_have_their_defaults_in_older_runs() -> None:
    older = asdict(CfmSizes(width=8))
    del older["preconditioned"]
    assert read_sizes("cfm", older) == CfmSizes(width=8)


def test_unknown_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sizes of cfm: expected \['path'.*got \['depth'\]"):
        read_sizes("cfm", {"depth": 3})
    with pytest.raises(ValueError, match="kind: expected one of inn, cfm"):
        read_sizes("vae", {})


def test_corrections_are_read_as_they_were_written() -> None:
    written = {"penalty": 0.5, "critic_steps": 150, "pace": 0.015, "file": "a.onnx", "sha256": "0"}
    read = read_sizes("correction", written)
    assert isinstance(read, CorrectionSizes)
    assert asdict(read) == written | {"graph_sha256": ""}


def test_both_commands_with_a_critic_have_the_same_options_and_defaults_of_their_own() -> None:
    correction, fast = asdict(CorrectionOptions()), asdict(FastCriticOptions())
    assert correction == {"critic_steps": 60, "penalty": 1.0, "pace": 0.03}
    assert fast == {"critic_steps": 0, "penalty": 0.05, "pace": 0.03}
    with pytest.raises(ValueError, match="expected `critic_steps` of 1 or more, got 0"):
        CorrectionOptions(critic_steps=0)
