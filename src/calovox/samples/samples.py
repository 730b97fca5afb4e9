"""Everything that is judged, opened and read once: what scores and report get."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.geometry.cells import CellTable
from calovox.reconstruction import Calibration
from calovox.samples.batch import ShowerSource
from calovox.samples.comparable import select_photons
from calovox.samples.files import REFERENCE_LABEL, EvaluationFiles
from calovox.samples.observables.observed import MOST_OBSERVED, ObservedShowers, read_observed
from calovox.samples.regions import REGIONS, Region, choose_regions
from calovox.samples.sample import (
    Sample,
    calibrate,
    check_common_energies,
    reconstruct,
)
from calovox.samples.showers import ShowerImage, read_image
from calovox.samples.source import SourceChain, open_sample
from calovox.samples.totals import TotalEnergies, read_totals
from calovox.tracking import Track, silently

__all__ = ["Samples", "read_samples"]

_MOST_VOXELS: Final = 20_000_000
"""Voxels of all observed showers of a sample that no trees look at."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """All samples of an evaluation.

    Attributes:
        files: What they were read from.
        judged: The reference, then simulations, by name: each a `Sample` if it is reconstructed.
        calibration: Calibration of the energy, common to all; None without reconstructed samples.
        calibration_stored: Whether the reference held it.
        left_out: Why samples are not reconstructed, one line per file.
        training: Showers that the models were trained with.
        displaced: Showers of one energy, then the same at new azimuths, calibrated alike.
        slices: E_tot of the samples compared in slices of energy, the reference first.
        classifier: Samples that a classifier tries to tell apart, the reference first.
        observed: Some showers of each judged sample, for observables and for boosted trees.
        observed_classifier: The same of the samples for a classifier, if they are others.
        image: One shower.
        regions: Where showers are compared: the note's, or those of another detector.
    """

    files: EvaluationFiles
    judged: Mapping[str, ShowerSource] = field(default_factory=dict)
    calibration: Calibration | None = None
    calibration_stored: bool = False
    left_out: tuple[str, ...] = ()
    training: ShowerSource | None = None
    displaced: tuple[Sample, ...] = ()
    slices: tuple[TotalEnergies, ...] = ()
    classifier: Mapping[str, ShowerSource] = field(default_factory=dict)
    observed: Mapping[str, ObservedShowers] = field(default_factory=dict)
    observed_classifier: Mapping[str, ObservedShowers] = field(default_factory=dict)
    image: ShowerImage | None = None
    regions: tuple[Region, ...] = REGIONS

    @property
    def of_challenge(self) -> dict[str, SourceChain]:
        """The samples, the reference first, if all are of the CaloChallenge; else none."""
        chains = {k: s for k, s in self.judged.items() if isinstance(s, SourceChain)}
        whole = len(chains) == len(self.judged) and all(s.is_challenge for s in chains.values())
        return chains if whole else {}

    @property
    def particle(self) -> str:
        """Name of the particles: that of the binning of the CaloChallenge, or of the datasets."""
        challenge = list(self.of_challenge.values())
        if challenge:
            return challenge[0].layout.name
        sources = [s for s in self.judged.values() if isinstance(s, SourceChain)]
        sources += [sample.voxels for sample in self.reconstructed]
        return sources[0].particle if sources else "photon"

    @property
    def reconstructed(self) -> tuple[Sample, ...]:
        """The samples with cells, the reference first; none if the reference has no cells."""
        return tuple(sample for sample in self.judged.values() if isinstance(sample, Sample))


def read_samples(
    files: EvaluationFiles, *, table: CellTable | None = None, track: Track = silently
) -> Samples:
    """Open all files, and read those with cells once.

    Args:
        files: The files.
        table: The cells of the detector; the built-in barrel if none is given.
        track: Shows the progress over showers.

    Returns:
        The samples.

    Raises:
        ValueError: If a file cannot be used.
    """
    how: dict[str, Any] = {"binning": files.binning, "min_energy": files.min_energy}
    named = {REFERENCE_LABEL: files.reference, **files.simulated} if files.reference else {}
    opened = select_photons(
        {label: open_sample(paths, **how, table=table) for label, paths in named.items()},
        files.photons,
    )
    classifier = {} if files.classifier is None else dict(files.classifier.items())
    training = open_sample(files.training, **how, cells=False) if files.training else None
    regions = _regions(opened)
    judged, calibration, stored = _reconstruct(opened, regions, track)
    told_apart = select_photons(
        {label: open_sample([path], **how, cells=False) for label, path in classifier.items()},
        files.photons,
    )
    others = {} if files.referee == "none" or _same_files(named, classifier) else told_apart
    return Samples(
        files=files,
        judged=judged,
        calibration=calibration,
        calibration_stored=stored,
        left_out=tuple(_left_out(opened)),
        training=training,
        displaced=_read_displaced(files, table, track),
        slices=_read_slices(files, track),
        classifier=told_apart,
        observed=_observe(judged, files, track),
        observed_classifier=_observe(others, files, track),
        image=None if files.hits is None else read_image(files.hits),
        regions=regions,
    )


def _regions(opened: Mapping[str, SourceChain]) -> tuple[Region, ...]:
    """Choose the note's regions for the barrel, and others by the reference."""
    reference = opened.get(REFERENCE_LABEL)
    if reference is None or reference.layout.layers == BARREL_NUMBERS:
        return REGIONS
    abs_eta = reference.abs_eta()
    return REGIONS if abs_eta is None else choose_regions(reference.incident_energy(), abs_eta)


def _reconstruct(
    opened: Mapping[str, SourceChain], regions: Sequence[Region], track: Track
) -> tuple[Mapping[str, ShowerSource], Calibration | None, bool]:
    """Read the samples with cells, if the reference is one of them or alone."""
    if not opened:
        return {}, None, False
    if not opened[REFERENCE_LABEL].has_shapes:
        return {label: source.voxels_alone() for label, source in opened.items()}, None, False
    found = [
        reconstruct(source, label, regions=regions, track=track)
        for label, source in opened.items()
        if source.has_shapes
    ]
    for sample in found[1:]:
        check_common_energies(found[0], sample)
    samples, calibration, stored = calibrate(found)
    return {**opened, **{sample.label: sample for sample in samples}}, calibration, stored


def _observe(
    sources: Mapping[str, ShowerSource], files: EvaluationFiles, track: Track
) -> dict[str, ObservedShowers]:
    """Read some showers of each sample; fewer of many voxels, if no trees look at them."""
    most = MOST_OBSERVED[files.referee]
    few = _MOST_VOXELS if files.referee == "none" else math.inf
    return {
        label: read_observed(
            source, int(min(most, few // len(source.layout.r))), f"Observing {label}", track
        )
        for label, source in sources.items()
    }


def _same_files(named: Mapping[str, Sequence[Path]], classifier: Mapping[str, Path]) -> bool:
    """Tell whether the files for a classifier are those that are judged anyway."""
    known = [{path.resolve() for path in paths} for paths in named.values()]
    return [{path.resolve()} for path in classifier.values()] == known


def _left_out(opened: Mapping[str, SourceChain]) -> Iterator[str]:
    for label, source in opened.items():
        for path, reason in source.without_shapes.items():
            yield f"Shower shapes: {path.name} {reason}: {label} is left out"


def _read_slices(files: EvaluationFiles, track: Track) -> tuple[TotalEnergies, ...]:
    if files.slices is None:
        return ()
    opened = {label: open_sample([path], cells=False) for label, path in files.slices.items()}
    return tuple(
        read_totals(source, label, track=track)
        for label, source in select_photons(opened, files.photons).items()
    )


def _read_displaced(
    files: EvaluationFiles, table: CellTable | None, track: Track
) -> tuple[Sample, ...]:
    if files.displaced is None:
        return ()
    opened = {label: open_sample([path], table=table) for label, path in files.displaced.items()}
    found = [
        reconstruct(source, label, track=track)
        for label, source in select_photons(opened, files.photons).items()
    ]
    for sample in found[1:]:
        check_common_energies(found[0], sample)
    return calibrate(found)[0]
