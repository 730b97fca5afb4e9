"""Compiled kernels that are kept between runs, and compiled anew when their sources change.

numba keeps compiled code under the hash of the file of the function alone. A kernel also holds
functions and constants of other files, as they were: it would stay as it is when they change.
Here, code is kept under the hash of the file and of all files of the package that it imports,
directly or not.

Compiled code is kept where numba would keep it: in ``NUMBA_CACHE_DIR`` if that is set, beside the
file, or below the user's cache. Where none of them can be written (a container, CVMFS), it is
kept in a folder below the temporary directory that nobody else can write to, since it is run when
it is read; the log says so once. It also says, as information, when the first kernel is
compiled. A damaged file there is made anew.

Nothing of numba is changed for others: each kernel has its own `KernelCache`. This class is put
into a private attribute of numba's dispatcher, as ``cache=True`` does.
"""

import atexit
import hashlib
import logging
import multiprocessing
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba.core import caching, config
from numba.misc.appdirs import AppDirs

__all__ = ["kernel", "source_stamp"]

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE: Final = Path(__file__).parent
_IMPORT: Final = re.compile(
    rf"^[ \t]*(?:from|import)[ \t]+{_PACKAGE.name}\.([\w.]+)"
    r"(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?",
    re.MULTILINE,
)


def kernel(**options: Any) -> Callable[[Function], Function]:
    """Compile a function with numba, and keep the result between runs.

    Args:
        options: Options of `numba.njit`, without `cache`.

    Returns:
        A decorator.

    Example:
        >>> @kernel()
        ... def twice(number):
        ...     return 2 * number
        >>> twice(21)
        42
    """

    def compile_function(function: Function) -> Function:
        dispatcher: Any = numba.njit(**options)(function)
        file = Path(dispatcher.py_func.__code__.co_filename)
        if file.is_file() and _folder_of(file.absolute().parent) is not None:
            dispatcher._cache = KernelCache(dispatcher.py_func)
        return cast(Function, dispatcher)

    return compile_function


@cache
def source_stamp(path: Path) -> str:
    """Hash a file and all files of the package that it imports, directly or not.

    Args:
        path: A Python file.

    Returns:
        The hash, in hexadecimal.
    """
    found = {path: path.read_bytes()}
    waiting = [path]
    while waiting:
        for other in _imported_files(found[waiting.pop()].decode("utf-8")):
            if other not in found:
                found[other] = other.read_bytes()
                waiting.append(other)
    texts = (found[file] for file in sorted(found))
    return hashlib.sha256(b"".join(hashlib.sha256(text).digest() for text in texts)).hexdigest()


def _imported_files(text: str) -> Iterator[Path]:
    """Find the files of the package that a file imports."""
    for module, names in _IMPORT.findall(text):
        folder = _PACKAGE.joinpath(*module.split("."))
        for stem in (
            folder,
            folder / "__init__",
            *(folder / n for n in re.findall(r"\w+", names)),
        ):
            if (file := stem.with_suffix(".py")).is_file():
                yield file


class _Locator(caching._CacheLocator):  # type: ignore[misc]
    """Where the compiled code of one function is kept, and under which hash."""

    def __init__(self, function: Callable[..., Any], path: str, folder: Path) -> None:
        self._line = function.__code__.co_firstlineno
        self._py_file = path  # numba names it in its warnings
        self._folder = folder

    @classmethod
    def from_function(cls, function: Callable[..., Any], path: str) -> "_Locator":
        folder = _folder_of(Path(path).absolute().parent)
        assert folder is not None  # or there is no cache
        return cls(function, path, folder)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return source_stamp(Path(self._py_file))

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Contents(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class KernelCache(caching.FunctionCache):  # type: ignore[misc]
    """Compiled code of one function; what cannot be read or written there is compiled again."""

    _impl_class = _Contents

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Read the code for arguments of these types; None if there is none."""
        try:
            found = super().load_overload(sig, target_context)
            if found is None:
                _log_compiling()
            return found
        except Exception:  # a damaged pickle raises nearly anything
            self._start_anew()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for arguments of these types, if there is room."""
        try:
            super().save_overload(sig, data)
        except OSError:
            self.disable()

    def _start_anew(self) -> None:
        try:
            self.flush()
        except OSError:
            self.disable()


@cache
def _log_compiling() -> None:
    if multiprocessing.parent_process() is None:
        logging.getLogger(__name__).info("calovox: compiling kernels, once after each change")


@cache
def _folder_of(sources: Path) -> Path | None:
    """Choose where compiled code of the files of a folder is kept; None if there is no place."""
    name = str(_Locator.get_suitable_cache_subpath(str(sources / "kernel.py")))
    if config.CACHE_DIR:
        candidates = [Path(config.CACHE_DIR) / name]
    else:
        user_cache = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
        candidates = [sources / "__pycache__", user_cache / name]
    for folder in candidates:
        if _can_be_written(folder):
            return folder
    private = _private_folder()
    return None if private is None else private / name


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def _private_folder() -> Path | None:
    """Give a folder below the temporary directory that is the user's own, and say so."""
    try:
        folder = Path(tempfile.gettempdir()) / f"calovox-kernels-{os.getuid()}"
        if not _is_private(folder):  # someone else was there before
            folder = Path(tempfile.mkdtemp(prefix="calovox-kernels-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
    except OSError:
        _say("compiled anew by every command: no folder can be written")
        return None
    _say(f"kept in {folder}: neither the package nor the user's cache can be written")
    return folder


def _is_private(folder: Path) -> bool:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    state = folder.lstat()  # a link is no folder
    return (
        stat.S_ISDIR(state.st_mode)
        and state.st_uid == os.getuid()
        and stat.S_IMODE(state.st_mode) == 0o700
    )


def _say(where: str) -> None:
    """Tell the user, on stderr if nothing else is done with the log."""
    if multiprocessing.parent_process() is None:  # its workers need not repeat it
        logging.getLogger(__name__).warning(
            "calovox: compiled kernels are %s; NUMBA_CACHE_DIR can name one", where
        )
