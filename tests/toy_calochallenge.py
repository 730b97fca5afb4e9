"""Small files in the format of the CaloChallenge."""

from pathlib import Path

import h5py
import numpy as np

from calovox.arrays import Array

N_VOXELS = 14

BINNING = """<Bins>
  <Bin pid="22" etaMin="0" etaMax="130" name="photon">
    <Layer id="0" r_edges="0,5,10" n_bin_alpha="1" />
    <Layer id="1" r_edges="0" n_bin_alpha="1" />
    <Layer id="2" r_edges="0,2,10,20" n_bin_alpha="4" />
  </Bin>
  <Bin pid="211" etaMin="0" etaMax="130" name="pion">
    <Layer id="0" r_edges="0,5,10,20" n_bin_alpha="1" />
  </Bin>
</Bins>
"""


def write_binning(path: Path) -> Path:
    path.write_text(BINNING)
    return path


def toy_challenge(n_events: int, *, seed: int, shift: float = 0.0) -> tuple[Array, Array]:
    """Energies in powers of two, and showers in MeV; `shift` moves energy between the layers."""
    rng = np.random.default_rng(seed)
    energy = 2.0 ** rng.integers(8, 22, n_events)
    first = rng.beta(20.0, 80.0, n_events) + shift
    shares = rng.gamma(2.0, size=(n_events, N_VOXELS)) * (rng.random((n_events, N_VOXELS)) < 0.8)
    for part, share in ((slice(0, 2), first), (slice(2, None), 1.0 - first)):
        total = shares[:, part].sum(axis=1, keepdims=True)
        shares[:, part] *= share[:, None] / np.maximum(total, 1e-9)
    return energy, shares * energy[:, None]


def write_showers(path: Path, energy: Array, showers: Array) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("incident_energies", data=energy[:, None], compression="gzip")
        file.create_dataset("showers", data=showers, compression="gzip")
    return path
