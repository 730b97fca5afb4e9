"""Voxels of an exported model, as several benchmarks draw and judge them."""

from typing import NamedTuple

import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.models.base import Conditions
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.runtime import OnnxModel
from calovox.scores.referee import ClassifierInputs, voxel_inputs
from calovox.scores.referee.kinds import THRESHOLD


class Sample(NamedTuple):
    """Showers of the same photons: voxels in MeV, and energies of the photons."""

    voxels: Float32[Array, "event voxel"]
    energy: Array
    abs_eta: Array

    @property
    def response(self) -> Float64[Array, " event"]:
        """E_tot / E_kin of each shower."""
        return np.asarray(self.voxels.sum(axis=1, dtype=np.float64) / self.energy)

    def inputs(self) -> ClassifierInputs:
        """Give what boosted trees see of them."""
        return voxel_inputs(
            self.voxels,
            self.energy,
            np.arange(len(self.energy)),
            threshold=THRESHOLD,
            abs_eta=self.abs_eta,
        )


def draw(model: OnnxModel, energy: Array, eta: Array, seed: int) -> Sample:
    """Draw showers of photons with noise of their index and a seed."""
    keys = event_keys(seed, Stream.MODEL, np.arange(len(energy)))
    noise = event_normals(keys, *model.noise_shape)
    shares = model.sample(Conditions(energy, eta), noise)
    return Sample(shares * energy[:, None].astype(np.float32), energy, np.abs(eta))
