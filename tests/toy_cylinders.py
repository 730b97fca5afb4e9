"""Toy showers in cylinders of layers, as files of LEMURS and of the CaloChallenge's data set 2."""

from pathlib import Path

import h5py
import numpy as np

from calovox.arrays import Array

LEAST_ENERGY = 0.015
"""Voxels of less energy, in MeV, are empty."""


def toy_cylinders(
    n_events: int, shape: tuple[int, int, int], *, seed: int = 3
) -> tuple[Array, Array]:
    """Kinetic energies in MeV, and showers (event, r, phi, z) with 90 % of them."""
    rng = np.random.default_rng(seed)
    n_r, _, n_layers = shape
    energy = np.exp(rng.uniform(np.log(1e3), np.log(1e5), n_events))
    depth = 45.0 / n_layers * (np.arange(n_layers) + 0.5) / 7.0
    rise = (0.7 + 0.25 * np.log(energy / 10.0)) * rng.normal(1.0, 0.05, n_events)
    profile = depth ** rise[:, None] * np.exp(-depth)
    profile *= rng.gamma(5.0, size=profile.shape)
    profile /= profile.sum(axis=1, keepdims=True)
    ring = (np.arange(n_r) + 0.5) * np.exp(-9.0 / n_r * (np.arange(n_r) + 0.5) / 2.0)
    voxels = rng.gamma(0.7, size=(n_events, *shape)) * ring[:, None, None]
    voxels /= voxels.sum(axis=(1, 2), keepdims=True)
    visible = 0.9 * energy * (1.0 + 0.05 * rng.normal(size=n_events) / np.sqrt(energy / 1e4))
    showers = voxels * (profile * visible[:, None])[:, None, None, :]
    return energy, np.where(showers > LEAST_ENERGY, showers, 0.0)


def write_lemurs(path: Path, n_events: int, shape: tuple[int, int, int], *, seed: int = 3) -> None:
    """Write a file of LEMURS, of photons at |eta| below 0.3."""
    energy, showers = toy_cylinders(n_events, shape, seed=seed)
    rng = np.random.default_rng(seed + 1)
    with h5py.File(path, "w") as file:
        file["showers"] = showers.astype("f4")
        file["incident_energy"] = energy
        file["incident_theta"] = 2.0 * np.arctan(np.exp(-rng.uniform(-0.3, 0.3, n_events)))
        file["incident_phi"] = rng.uniform(-3.0, 3.0, n_events)


def write_data_set_2(
    path: Path, binning: Path, n_events: int, shape: tuple[int, int, int], *, seed: int = 5
) -> None:
    """Write a file like those of data set 2 of the CaloChallenge, and its binning."""
    energy, showers = toy_cylinders(n_events, shape, seed=seed)
    n_r, n_alpha, n_layers = shape
    with h5py.File(path, "w") as file:
        file["showers"] = showers.transpose(0, 3, 2, 1).reshape(n_events, -1).astype("f4")
        file["incident_energies"] = energy[:, None]
    edges = ",".join(f"{4.65 * 9 / n_r * ring:g}" for ring in range(n_r + 1))
    layers = "".join(
        f'<Layer id="{number}" r_edges="{edges}" n_bin_alpha="{n_alpha}"/>'
        for number in range(n_layers)
    )
    head = '<Bin pid="11" etaMin="0" etaMax="130" name="electron">'
    binning.write_text(f"<Bins>{head}{layers}</Bin></Bins>")
