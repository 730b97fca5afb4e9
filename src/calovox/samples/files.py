"""The files of an evaluation, and what each is used for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from calovox.photons.photon_range import PhotonRange
from calovox.text import check_name

__all__ = [
    "REFERENCE_LABEL",
    "EvaluationFiles",
    "RefereeDepth",
    "SampleFiles",
    "check_files_once",
]

REFERENCE_LABEL: Final = "Geant4"
"""What reports and scores call the reference."""

RefereeDepth = Literal["quick", "full", "none"]
"""How much boosted trees judge."""


@dataclass(frozen=True)
class SampleFiles:
    """Files that are compared with each other.

    Attributes:
        reference: File of Geant4.
        simulated: Files of simulations by the names the report gives them.
    """

    reference: Path
    simulated: Mapping[str, Path]

    def __post_init__(self) -> None:
        _check_names(self.simulated)

    def items(self) -> Iterator[tuple[str, Path]]:
        """Give the name and the file of each sample, the reference first."""
        yield REFERENCE_LABEL, self.reference
        yield from self.simulated.items()


@dataclass(frozen=True, kw_only=True)
class EvaluationFiles:
    """All files that simulations are judged by.

    Attributes:
        reference: Datasets of Geant4, or files of the CaloChallenge; none if only slices or
            classifiers are wanted.
        simulated: Files of each simulation by its name, in the order of the report.
        binning: Where the voxels of files of the CaloChallenge lie.
        min_energy: Energy in MeV below which a voxel counts as empty, in all samples.
        photons: Photons whose showers are compared; None for all. Training showers, hits and
            curves are taken whole.
        training: Showers that the models were trained with.
        gates: Gate file: bounds that scores must keep.
        hits: Hits file that one shower is shown from.
        curve: Curves of the phi modulation.
        displaced: The same showers at new azimuths, with cells.
        slices: Datasets compared in slices of energy.
        classifier: Files that a classifier tries to tell apart.
        referee: How much boosted trees judge.
        noise: Whether observables of cells are compared with electronic noise as well.
    """

    reference: Sequence[Path] = ()
    simulated: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    binning: Path | None = None
    min_energy: float = 0.0
    photons: PhotonRange | None = None
    training: Sequence[Path] = ()
    gates: Path | None = None
    hits: Path | None = None
    curve: Path | None = None
    displaced: SampleFiles | None = None
    slices: SampleFiles | None = None
    classifier: SampleFiles | None = None
    referee: RefereeDepth = "none"
    noise: bool = False

    def __post_init__(self) -> None:
        _check_names(self.simulated)
        if self.simulated and not self.reference:
            raise ValueError("simulated: expected a reference to compare with, got none")
        if self.displaced is not None and self.curve is None:
            raise ValueError("displaced: expected the curves of the phi modulation, got none")
        for paths in (self.reference, *self.simulated.values()):
            check_files_once(paths)

    def roles(self) -> Iterator[tuple[str, Path]]:
        """Give what each file is used for, and the file."""
        yield from (("training set", path) for path in self.training)
        yield from _known(("voxels of the CaloChallenge", self.binning), ("gates", self.gates))
        for label, paths in ((REFERENCE_LABEL, self.reference), *self.simulated.items()):
            yield from ((label, path) for path in paths)
        yield from _known(("one shower", self.hits))
        for purpose, group in (("slices", self.slices), ("classifier", self.classifier)):
            yield from _group(purpose, group)
        yield from _known(("curves of the phi modulation", self.curve))
        yield from _group("phi modulation", self.displaced)


def check_files_once(paths: Sequence[Path]) -> None:
    """Refuse a file that is given twice for one sample: its events would count twice.

    Args:
        paths: The files of one sample.

    Raises:
        ValueError: If two are the same.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise ValueError(f"expected each file once, got {', '.join(map(str, paths))}")


def _check_names(simulated: Collection[str]) -> None:
    for name in simulated:
        check_name("simulated", name)
    if REFERENCE_LABEL in simulated:
        raise ValueError(f"simulated: '{REFERENCE_LABEL}' is the reference, choose another name")


def _known(*files: tuple[str, Path | None]) -> Iterator[tuple[str, Path]]:
    yield from ((role, path) for role, path in files if path is not None)


def _group(purpose: str, files: SampleFiles | None) -> Iterator[tuple[str, Path]]:
    if files is not None:
        yield from ((f"{label}, {purpose}", path) for label, path in files.items())
