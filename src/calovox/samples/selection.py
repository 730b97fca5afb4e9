"""Showers of the photons that are compared.

The photon decides, and not the shower's centre, which a model may put elsewhere. A shower with the
index and the energy of a photon of the reference is of that photon: it is in or out with the
shower of the reference, whatever its own file says. Others are judged by their own photons: by
their shower centres if a file does not say more.
"""

from collections.abc import Mapping

import numpy as np

from calovox.arrays import Array, Bool
from calovox.photons.photon_range import PhotonRange
from calovox.samples.batch import ShowerSource
from calovox.samples.source import DatasetSource, SourceChain

__all__ = ["select_photons"]

_Key = tuple[int, float]


def select_photons(
    samples: Mapping[str, SourceChain], photons: PhotonRange | None
) -> dict[str, SourceChain]:
    """Leave out showers of other photons.

    Args:
        samples: The reference, then simulations, by name.
        photons: Which photons are kept; None for all.

    Returns:
        The same samples, with showers of these photons alone.

    Raises:
        ValueError: If a sample has none, or a file does not tell what is needed.
    """
    if photons is None or not samples:
        return dict(samples)
    reference = next(iter(samples.values()))
    decided = _decide(reference, photons)
    return {label: _select(label, chain, photons, decided) for label, chain in samples.items()}


def _select(
    label: str, chain: SourceChain, photons: PhotonRange, decided: Mapping[_Key, bool]
) -> SourceChain:
    selected = chain.select([_inside(source, photons, decided) for source in chain.sources])
    if len(selected) == 0:
        raise ValueError(
            f"{label}: expected showers of photons with {photons}, got none in {chain.path}"
        )
    return selected


def _decide(reference: SourceChain, photons: PhotonRange) -> dict[_Key, bool]:
    """Say of each photon of the reference whether it is inside, by index and energy."""
    decided: dict[_Key, bool] = {}
    for source in reference.sources:
        keys = _keys(source)
        inside = _own(source, photons).tolist()
        decided.update(zip(keys, inside, strict=False))
    return decided


def _inside(
    source: ShowerSource, photons: PhotonRange, decided: Mapping[_Key, bool]
) -> Bool[Array, " event"]:
    own = _own(source, photons)
    keys = _keys(source)
    if not keys:
        return own
    known = [decided.get(key, one) for key, one in zip(keys, own.tolist(), strict=True)]
    return np.array(known, dtype=bool)


def _keys(source: ShowerSource) -> list[_Key]:
    """Give index, or row, and energy of each photon; none of files of the CaloChallenge."""
    if not isinstance(source, DatasetSource):
        return []
    index = source.index()
    numbers = source.rows() if index is None else index
    return list(zip(numbers.tolist(), source.incident_energy().tolist(), strict=True))


def _own(source: ShowerSource, photons: PhotonRange) -> Bool[Array, " event"]:
    """Judge each photon by what its own file says."""
    eta = source.photon_eta() if isinstance(source, DatasetSource) else None
    try:
        return photons.holds(source.incident_energy(), eta)
    except ValueError as problem:
        raise ValueError(f"{source.path}: {problem}: leave it out") from None
