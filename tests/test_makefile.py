"""Each target of the Makefile names only files that a clone has, or that it makes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MADE = {".git", ".venv", "build", "demo", "site", "__pycache__"}
TEXT = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
(PHONY,) = re.findall(r"^\.PHONY:(.*)$", TEXT, re.MULTILINE)
FOLDERS = "bench|configs|docs|fuzz|gates|grids|sample|src|tests"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that looks like a fresh clone: nothing of it is made yet."""
    folder = tmp_path_factory.mktemp("clone")
    for path in ROOT.iterdir():
        if path.name not in MADE:
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("target", PHONY.split())
def test_target_names_files_that_are_there(target: str, clone: Path) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*\w", done.stdout):
        assert (ROOT / name).exists(), name
    for module in re.findall(r"python -m ((?:bench|docs|fuzz)[\w.]*)", done.stdout):
        place = ROOT.joinpath(*module.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module


def test_help_names_every_target() -> None:
    (text,) = re.findall(r"^help:\n((?:\t.*\n)+)", TEXT, re.MULTILINE)
    assert {f"make {target} " for target in PHONY.split()} - {"make help ", "make lint "} == {
        f"make {target} " for target in re.findall(r'echo "make ([\w-]+) ', text)
    }
