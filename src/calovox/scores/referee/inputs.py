"""What boosted trees are given: voxels, observables or cells, and the photon.

Energies of voxels and cells are fractions of the photon's energy, so that one split of a tree
means the same at all energies. A voxel below the threshold is 0. Every kind of inputs also holds
log10 of the photon's energy and, where it is known, abs(eta). These alone tell nothing: both
samples are of the same photons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Bool, Float, Float32, Float64, Int64
from calovox.samples.observables.table import ObservableTable
from calovox.samples.observables.windows import WindowCells

__all__ = ["ClassifierInputs", "observable_inputs", "voxel_inputs", "window_inputs"]


@dataclass(frozen=True)
class ClassifierInputs:
    """Inputs of some showers.

    Attributes:
        features: One row per shower, one column per input.
        photon: Number of the photon of each shower. Showers of one photon, in both samples, are
            never divided between training and test.
    """

    features: Float32[Array, "event feature"]
    photon: Int64[Array, " event"]

    def __post_init__(self) -> None:
        if len(self.photon) != len(self.features):
            raise ValueError(
                f"ClassifierInputs: expected {len(self.features)} values of `photon`, "
                f"got {len(self.photon)}"
            )

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.photon)

    def rows(self, chosen: Bool[Array, " event"] | Int64[Array, " chosen"]) -> "ClassifierInputs":
        """Return some of the showers."""
        return ClassifierInputs(self.features[chosen], self.photon[chosen])

    def columns(self, chosen: Sequence[int]) -> "ClassifierInputs":
        """Return some of the inputs."""
        return ClassifierInputs(np.ascontiguousarray(self.features[:, chosen]), self.photon)


def voxel_inputs(
    energy: Float[Array, "event voxel"],
    incident_energy: Float64[Array, " event"],
    photon: Int64[Array, " event"],
    *,
    threshold: float,
    abs_eta: Float64[Array, " event"] | None = None,
    observables: ObservableTable | None = None,
) -> ClassifierInputs:
    """Take the voxels above the threshold, and observables beside them.

    Args:
        energy: Energy of each voxel in MeV.
        incident_energy: Energy of each photon in MeV.
        photon: Number of the photon of each shower.
        threshold: Energy in MeV below which a voxel counts as empty.
        abs_eta: abs(eta) of each photon; None if it is not known.
        observables: Observables of the same voxels above the same threshold.

    Returns:
        The inputs.
    """
    kept = np.where(energy >= threshold, energy, 0.0) / incident_energy[:, None]
    return _with_photon(kept, incident_energy, photon, abs_eta, observables)


def observable_inputs(
    observables: ObservableTable,
    incident_energy: Float64[Array, " event"],
    photon: Int64[Array, " event"],
    *,
    abs_eta: Float64[Array, " event"] | None = None,
) -> ClassifierInputs:
    """Take observables alone; they are the first columns, in their order.

    Args:
        observables: The observables.
        incident_energy: Energy of each photon in MeV.
        photon: Number of the photon of each shower.
        abs_eta: abs(eta) of each photon; None if it is not known.

    Returns:
        The inputs.
    """
    return _with_photon(observables.values, incident_energy, photon, abs_eta, None)


def window_inputs(
    cells: WindowCells,
    incident_energy: Float64[Array, " event"],
    photon: Int64[Array, " event"],
    *,
    abs_eta: Float64[Array, " event"] | None = None,
    observables: ObservableTable | None = None,
) -> ClassifierInputs:
    """Take all cells of the windows, and observables beside them if there are any.

    Args:
        cells: Cells in windows, with noise or with those of little energy emptied.
        incident_energy: Energy of each photon in MeV.
        photon: Number of the photon of each shower.
        abs_eta: abs(eta) of each photon; None if it is not known.
        observables: Observables of the same cells.

    Returns:
        The inputs.
    """
    fraction = cells.energy / incident_energy[:, None]
    return _with_photon(fraction, incident_energy, photon, abs_eta, observables)


def _with_photon(
    features: Float[Array, "event feature"],
    incident_energy: Float64[Array, " event"],
    photon: Int64[Array, " event"],
    abs_eta: Float64[Array, " event"] | None,
    observables: ObservableTable | None,
) -> ClassifierInputs:
    columns = [features]
    if observables is not None:
        columns.append(observables.values)
    columns.append(np.log10(incident_energy)[:, None])
    if abs_eta is not None:
        columns.append(abs_eta[:, None])
    return ClassifierInputs(np.concatenate(columns, axis=1, dtype=np.float32), photon)
