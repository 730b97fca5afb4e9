"""How far an exported model is from the model as it was trained, for the same noise.

The trained model is evaluated in double precision: what is measured is the rounding of the
exported one, and nothing else. In single precision the trained model itself is farther from it.
"""

import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from calovox.arrays import Array, Float32, Float64
from calovox.models.base import Conditions
from calovox.models.inn import CaloINN
from calovox.models.two_stage import WholeSampler
from calovox.preprocessing.conditions import ETA_FACTOR
from calovox.random_streams import Stream, event_keys, event_normals, event_uniforms
from calovox.runtime import OnnxModel

__all__ = ["FLOOR", "Parity", "measure_parity"]

FLOOR: Final = 1e-5
"""Voxels with a smaller fraction of the kinetic energy are not compared: shares near the noise of
1e-6 that is subtracted from them have fewer digits."""

_CHUNK: Final = 500


@dataclass(frozen=True)
class Parity:
    """Relative differences of voxel energies.

    Attributes:
        n_showers: Number of showers compared.
        floor: Voxels above this fraction of the kinetic energy are compared.
        largest: Largest difference.
        quantile_999: Difference that one voxel in a thousand exceeds.
        mean: Mean difference.
    """

    n_showers: int
    floor: float
    largest: float
    quantile_999: float
    mean: float


def measure_parity(
    model: OnnxModel, sampler: WholeSampler | CaloINN, n_showers: int, *, seed: int
) -> Parity:
    """Draw the same showers twice.

    Args:
        model: The exported model.
        sampler: The model as it was trained; a CaloINN for the energies of the layers alone.
        n_showers: How many showers; log-uniform in energy and uniform in abs(eta), over the
            ranges of the exported model.
        seed: Seed of photons and noise.

    Returns:
        The differences of voxels, or layers, above `FLOOR` on either side, relative to the trained
        model.
    """
    keys = event_keys(seed, Stream.MODEL, np.arange(n_showers))
    (n_noise,) = model.noise_shape
    noise = event_normals(keys, n_noise)
    photons = event_uniforms(event_keys(seed, Stream.PHOTONS, np.arange(n_showers)), 2)
    low, high = np.log(model.energy_range)
    energy = np.exp(low + (high - low) * photons[:, 0]).astype(np.float32)
    eta_low, eta_high = model.eta_range
    eta = (eta_low + (eta_high - eta_low) * photons[:, 1]).astype(np.float32)
    exact = copy.deepcopy(sampler).double()
    parts = [slice(start, start + _CHUNK) for start in range(0, n_showers, _CHUNK)]
    difference = np.concatenate(
        [_differences(model, exact, energy[part], eta[part], noise[part]) for part in parts]
    )
    return Parity(
        n_showers,
        FLOOR,
        float(difference.max(initial=0.0)),
        float(np.quantile(difference, 0.999)),
        float(difference.mean()),
    )


@torch.no_grad()
def _differences(
    model: OnnxModel,
    exact: WholeSampler | CaloINN,
    energy: Float32[Array, " event"],
    eta: Float32[Array, " event"],
    noise: Float32[Array, "event noise"],
) -> Float64[Array, " compared"]:
    """Compute the relative differences of the voxels that are compared."""
    found = model.sample(Conditions(energy, eta), noise)
    # both get the same 10 abs(eta), which has been rounded to single precision
    read = (np.float32(ETA_FACTOR) * eta).astype(np.float64) / ETA_FACTOR
    energies, etas, numbers = (
        torch.from_numpy(values).double() for values in (energy, read, noise)
    )
    numbers = numbers[:, : exact.noise_shape[0]]
    expected = exact.sample(Conditions(energies, etas), numbers).numpy()
    if isinstance(exact, CaloINN):
        found = np.add.reduceat(found, np.cumsum([0, *model.grid.layer_sizes[:-1]]), axis=1)
    larger = np.maximum(found, expected)
    compared = larger > FLOOR
    return np.asarray(np.abs(found - expected)[compared] / larger[compared])
