"""Kernels are compiled anew when what they are made of changes, and can be kept anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import calovox

PACKAGE = Path(calovox.__file__).parent

CALL = "from calovox.outer import kernel_of_two; print(kernel_of_two(1))"
OUTER = """
from calovox.inner import FACTOR, shifted
from calovox.kernels import kernel

@kernel()
def kernel_of_two(number):
    return FACTOR * shifted(number)
"""
INNER = """
from calovox.kernels import kernel

FACTOR = {factor}

@kernel(inline="always")
def shifted(number):
    return number + {shift}
"""


@pytest.fixture
def package(tmp_path):
    """Make a package of two kernels, one of which is inlined into the other file's."""
    folder = tmp_path / "site" / "calovox"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "kernels.py").write_bytes((PACKAGE / "kernels.py").read_bytes())
    (folder / "outer.py").write_text(OUTER)
    (folder / "inner.py").write_text(INNER.format(factor=1, shift=1))
    return folder


def run(package, **environment):
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(package.parent), **environment}
    variables.setdefault("HOME", str(package.parent))
    return subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", CALL],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_change_in_an_inlined_function_of_another_file_is_seen(package):
    assert run(package).stdout == "2\n"
    assert list(package.glob("__pycache__/outer.kernel_of_two*.nbc"))
    (package / "inner.py").write_text(INNER.format(factor=1, shift=4))
    assert run(package).stdout == "5\n"


def test_a_change_in_a_constant_of_another_file_is_seen(package):
    assert run(package).stdout == "2\n"
    (package / "inner.py").write_text(INNER.format(factor=7, shift=1))
    assert run(package).stdout == "14\n"


def test_damaged_compiled_code_is_made_anew(package):
    run(package)
    for file in package.glob("__pycache__/*.nb*"):
        file.write_bytes(b"")
    assert run(package).stdout == "2\n"
    assert all(file.stat().st_size for file in package.glob("__pycache__/*.nb*"))


def block(package):
    """Let neither the package nor HOME be written, whoever the user is."""
    (package / "__pycache__").write_text("a file, so that no folder can be made")
    return "/proc/no/home"


def test_without_a_place_of_their_own_kernels_are_kept_in_a_private_folder(package, tmp_path):
    home, temporary = block(package), tmp_path / "tmp"
    temporary.mkdir()
    for _ in range(2):
        result = run(package, HOME=home, TMPDIR=str(temporary))
        assert result.stdout == "2\n"
        assert result.stderr.count("compiled kernels are kept in") == 1
        assert len(result.stderr.splitlines()) == 1
    (folder,) = temporary.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("outer.kernel_of_two*.nbc"))


@pytest.mark.parametrize("kind", ["open folder", "link"])
def test_a_folder_that_others_can_write_to_is_not_used(package, tmp_path, kind):
    home, temporary = block(package), tmp_path / "tmp"
    (temporary / "elsewhere").mkdir(parents=True, mode=0o700)
    taken = temporary / f"calovox-kernels-{os.getuid()}"
    if kind == "link":
        taken.symlink_to(temporary / "elsewhere")
    else:
        taken.mkdir()
        taken.chmod(0o777)
    assert run(package, HOME=home, TMPDIR=str(temporary)).stdout == "2\n"
    assert not list(taken.iterdir())
    assert {path.name for path in temporary.iterdir()} == {"elsewhere", taken.name}
