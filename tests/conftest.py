"""Checks of array shapes and types while testing, and fixtures used by several rooms."""

import inspect
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jaxtyping
import numba
import pytest
from jaxtyping import _import_hook


def _compiles_what_was_written(njit: Callable[..., Any]) -> Callable[..., Any]:
    """Hand numba the function itself, without the checks that the import hook puts around it."""

    def unwrapped(*args: Any, **options: Any) -> Any:
        if args and callable(args[0]):
            return njit(inspect.unwrap(args[0]), *args[1:], **options)
        decorate = njit(*args, **options)
        return lambda function: decorate(inspect.unwrap(function))

    return unwrapped


def _code_of_checked_module(loader: Any, name: str) -> Any:
    """Read the code of a module with checks, whose bytecode has a name of its own."""
    named = partial(_import_hook._optimized_cache_from_source, loader._typechecker.get_hash())
    with patch("importlib._bootstrap_external.cache_from_source", named):
        return SourceFileLoader.get_code(loader, name)


# As it comes, the hook uses this name for all libraries that the module imports, too: torch and
# others would be compiled from their sources in every process.
_import_hook._JaxtypingLoader.get_code = _code_of_checked_module
_import_hook._JaxtypingLoader.exec_module = SourceFileLoader.exec_module

# The hook enforces every annotation of the package, shapes of arrays included; it must be
# installed before the first import of calovox.
numba.njit = _compiles_what_was_written(numba.njit)
jaxtyping.install_import_hook("calovox", "beartype.beartype")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Give torch and browsers a temporary folder that goes with the session.

    Tests run side by side already: what they test does not.
    """
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix="calovox-tests-")
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of reference data beside the repository, or skip the test."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared, which is not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def toy_hits() -> Any:
    """Eight toy showers, for tests that need any showers at all."""
    from tests.toy_showers import toy_showers

    return toy_showers(8)


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write blank pictures into reports, for tests that do not look at them.

    Figures are made all the same; only rendering them, which takes most of the time of a report
    on few showers, is left out.
    """
    from calovox.report import report
    from tests.toy_report import blank_picture

    monkeypatch.setattr(report, "save_figure", blank_picture)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add a way to write anew what others script against."""
    parser.addoption(
        "--write-interface", action="store_true", help="Write tests/interface instead of testing."
    )


@pytest.fixture
def check_interface(request: pytest.FixtureRequest) -> Callable[[str, list[str]], None]:
    """Compare lines with a committed file of tests/interface, or write it with the option."""

    def check(name: str, lines: list[str]) -> None:
        path = Path(__file__).parent / "interface" / name
        if request.config.getoption("--write-interface"):
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        held = path.read_text(encoding="utf-8").splitlines()
        assert lines == held, "others script against this: see CONTRIBUTING.md"

    return check
