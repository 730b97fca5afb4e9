"""Which detector a command works with: the one that is given, or the one that its files name."""

from collections.abc import Mapping
from pathlib import Path

from calovox.geometry.barrel import atlas_barrel, read_barrel
from calovox.geometry.detector import Detector
from calovox.geometry.detector_files.description import DetectorFileError, parse_detector
from calovox.geometry.detector_files.mark import DetectorMark

__all__ = ["check_barrel", "choose_detector", "read_detector"]

_BARREL = "the built-in barrel"


def read_detector(path: Path) -> Detector:
    """Read a detector.

    Args:
        path: TOML, or ``CaloCells.root``: the layers of the built-in barrel with those cells.

    Returns:
        The detector.

    Raises:
        FileNotFoundError: If there is no such file, or no table of its cells.
        ValueError: If it is no detector.
    """
    with path.open("rb") as file:
        if file.read(4) == b"root":
            return read_barrel(path)
    if path.suffix != ".toml":
        raise DetectorFileError(
            f"{path}: expected a detector, as TOML or CaloCells.root, got another file"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise DetectorFileError(f"{path} is not a TOML file: {problem}") from problem
    try:
        return parse_detector(text, path.stem, folder=path.parent)
    except DetectorFileError as problem:
        raise DetectorFileError(f"{path}: {problem}") from problem


def choose_detector(
    given: Detector | None, marks: Mapping[Path, DetectorMark | None], *, cells: bool = False
) -> Detector:
    """Choose the detector of files, and refuse another one.

    Args:
        given: The detector that is given; None for the one of the files.
        marks: What each file says; None for the layers of the built-in barrel.
        cells: Whether the cells must be those of the files as well, which hold their energies.

    Returns:
        The detector; the built-in barrel if nothing says otherwise.

    Raises:
        ValueError: If files are of different detectors, or of another one than the given one, or
            if they do not say all of theirs.
    """
    barrel = atlas_barrel().layers_digest
    own = {path: barrel if mark is None else mark.layers for path, mark in marks.items()}
    for path, layers in own.items():
        first = next(iter(own))
        if layers != own[first]:
            raise ValueError(
                f"{path} is of {_name(marks[path])}, and {first} of {_name(marks[first])}: "
                "expected files of one detector"
            )
    if given is None:
        return _of_files(marks)
    for path, mark in marks.items():
        if own[path] != given.layers_digest:
            raise ValueError(
                f"--detector: expected the layers of {path}, which is of {_name(mark)}, got those "
                f"of '{given.name}'"
            )
        if cells and mark is not None and mark.cells != given.cells_digest:
            raise ValueError(
                f"--detector: expected the cells of {path}, whose energies are in those of "
                f"{_name(mark)}, got those of '{given.name}'"
            )
    return given


def check_barrel(
    what: str, given: Detector | None, marks: Mapping[Path, DetectorMark | None]
) -> None:
    """Refuse other layers than those of the built-in barrel.

    Args:
        what: What is for the barrel alone, for the message.
        given: The detector that is given; None for the one of the files.
        marks: What each file says.

    Raises:
        ValueError: If layers are others, or those of files are not those that are given.
    """
    detector = choose_detector(given, marks)
    if DetectorMark.of(detector) is not None:
        raise ValueError(
            f"{what} is for the layers of {_BARREL}, got those of the detector '{detector.name}'"
        )


def _of_files(marks: Mapping[Path, DetectorMark | None]) -> Detector:
    for path, mark in marks.items():
        if mark is None:
            continue
        try:
            detector = mark.detector()
        except ValueError as problem:
            raise DetectorFileError(f"{path}: {problem}") from problem
        if detector is None:
            raise ValueError(
                f"{path} is of {_name(mark)}, whose cells are in a table: give its file with "
                "--detector"
            )
        return detector
    return atlas_barrel()


def _name(mark: DetectorMark | None) -> str:
    return _BARREL if mark is None else f"the detector '{mark.name}'"
