"""ROOT files that uproot does not come to an end with."""

from pathlib import Path

import pytest
import uproot

from calovox.files.gate import file_problem
from calovox.files.root import open_root

ENDLESS = Path(__file__).with_name("endless.root")
"""Sub-voxel probabilities with a byte cut and a bit turned, which the fuzzer found."""


class ToyError(ValueError):
    """The error of a format."""


def test_a_whole_file_is_opened(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file["name"] = "text"
    with open_root(tmp_path / "a.root", ToyError) as file:
        assert file.keys(cycle=False) == ["name"]


def test_a_file_without_end_is_refused_in_one_line() -> None:
    problem = file_problem(ENDLESS, limit_s=0.3, fault="is no readable ROOT file")
    assert problem == (
        f"{ENDLESS} is no readable ROOT file: its library did not come to its end in 0.3 s"
    )


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file["name"] = "text"
    content = (tmp_path / "a.root").read_bytes()
    (tmp_path / "a.root").write_bytes(content[: len(content) // 2])
    with (
        pytest.raises(ToyError, match=r"a\.root is truncated or damaged: ") as error,
        open_root(tmp_path / "a.root", ToyError),
    ):
        pass
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match="no such file"),
        open_root(tmp_path / "b", ToyError),
    ):
        pass
