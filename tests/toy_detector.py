"""Detectors of other layers than the built-in barrel, and showers in them."""

import numpy as np

from calovox.geometry import Detector, Layer, LayerGrid, Position, regular_cells
from calovox.hits import Hits
from calovox.photons import Photons
from calovox.voxelization import Ring, VoxelGrid


def three_layers() -> Detector:
    """Strips, a middle layer and a back one, numbered 4, 7 and 9."""
    layers = (
        Layer(4, "Front", "strips", Position.between("cylinder", 1000.0, 1100.0)),
        Layer(7, "Core", "middle", Position.between("cylinder", 1100.0, 1400.0)),
        Layer(9, "Rear", "back", Position.between("cylinder", 1400.0, 1500.0)),
    )
    grids = (LayerGrid(40, 64, 0, 60), LayerGrid(20, 128, 0, 30), LayerGrid(10, 64, 0, 15))
    return Detector(regular_cells(layers, grids, "three layers"), (0.0, 1.3))


def many_layers(n_layers: int = 45) -> Detector:
    """As many thin layers, of which none has a role."""
    layers = tuple(
        Layer(i, f"L{i}", "other", Position.between("cylinder", 1500.0 + 10 * i, 1510.0 + 10 * i))
        for i in range(n_layers)
    )
    grids = (LayerGrid(10, 32, 0, 10),) * n_layers
    return Detector(regular_cells(layers, grids, f"{n_layers} layers"), (0.0, 0.9))


def disks() -> Detector:
    """Two layers of an endcap."""
    layers = (
        Layer(5, "D1", "strips", Position.between("plane", 3600.0, 3700.0)),
        Layer(6, "D2", "middle", Position.between("plane", 3700.0, 4000.0)),
    )
    grids = (LayerGrid(20, 64, 30, 50), LayerGrid(20, 64, 30, 50))
    return Detector(regular_cells(layers, grids, "disks"), (1.6, 2.4))


def small_grid(detector: Detector) -> VoxelGrid:
    """A few rings in every layer."""
    rings = (Ring(0.0, 20.0, 10.0, 2), Ring(20.0, 100.0, 80.0, 3))
    names = tuple(layer.name for layer in detector.layers)
    return VoxelGrid(dict.fromkeys(detector.numbers, rings), "toy", names=names)


def showers_in(detector: Detector, n_events: int, *, n_hits: int = 60, seed: int = 1) -> Hits:
    """Hits of some MeV in all layers, some centimetres round photons of either sign of eta."""
    rng = np.random.default_rng(seed)
    low, high = detector.eta_range
    photons = Photons(
        energy=np.exp(rng.uniform(7.0, 11.0, n_events)),
        eta=rng.uniform(low + 0.1, high - 0.1, n_events) * rng.choice([-1.0, 1.0], n_events),
        phi=rng.uniform(-np.pi, np.pi, n_events),
        index=np.arange(n_events),
    )
    n_layers, n_all = len(detector.layers), n_events * n_hits
    event, position = np.divmod(np.arange(n_all), n_hits)
    position %= n_layers
    radius = detector.radii(photons.eta)[event, position]
    eta = photons.eta[event] + rng.normal(scale=15.0, size=n_all) / radius
    phi = photons.phi[event] + rng.normal(scale=15.0, size=n_all) / radius
    energy = rng.exponential(size=n_all) * photons.energy[event] / n_hits
    return Hits(
        layer=np.array(detector.numbers, dtype=np.uint8)[position],
        eta=eta.astype(np.float32),
        phi=((phi + np.pi) % (2 * np.pi) - np.pi).astype(np.float32),
        r=radius.astype(np.float32),
        energy=energy.astype(np.float32),
        event_offsets=np.arange(n_events + 1) * n_hits,
        photons=photons,
    )
