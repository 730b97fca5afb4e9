"""Sizes of models as run folders keep them."""

from dataclasses import asdict

import pytest

from calovox.training.sizes.kinds import read_sizes
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
