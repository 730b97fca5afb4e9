"""One layer of the search: its cells, and what its steps cost."""

from dataclasses import dataclass, field

import numpy as np

from calovox.arrays import Array, Float, Float32, Int64
from calovox.geometry import Detector
from calovox.grid_search.observables import layer_observables
from calovox.grid_search.placing import PlacedBins
from calovox.grid_search.separation import Ruler, Scale, Seen, known_of
from calovox.grid_search.showers import SearchShowers
from calovox.grid_search.steps import Rings, Step, steps_of
from calovox.grid_search.windows import LayerWindow
from calovox.samples.observables import EMPTY_BELOW

__all__ = ["SearchedLayer", "make_layers"]


@dataclass
class SearchedLayer:
    """A layer, and how its cells are measured.

    Attributes:
        number: Layer number.
        finest: Its radial bins as the search begins.
        window: The cells that are looked at.
        reference: Their energies in Geant4's showers in MeV.
        placed: What radial bins leave in them.
        ruler: Compares them.
    """

    number: int
    finest: Rings
    window: LayerWindow
    reference: Float32[Array, "event eta phi"]
    placed: PlacedBins
    ruler: Ruler
    showers: SearchShowers = field(repr=False)

    def measure(self, energy: Float[Array, "event eta phi"]) -> Seen:
        """Measure cells of the window, in MeV."""
        return self.ruler.measure(_observables(energy, self.showers, self.window))

    def inputs(self, energy: Float[Array, "event eta phi"]) -> Float32[Array, "event cell"]:
        """Give the cells as boosted trees want them: fractions of the photon's energy."""
        photon_energy = self.showers.seen.centers.energy[:, None]
        flat = _cut(energy).reshape(len(energy), -1)
        return np.asarray(flat / photon_energy, dtype=np.float32)

    def steps(self, rings: Rings) -> list[tuple[Step, Seen]]:
        """List all steps from some radial bins, with what is then seen."""
        steps = list(steps_of(rings, self.finest))
        inside, outside = self.placed.partial_sums(rings)
        found = []
        for step in steps:
            energy = inside[step.place] + self.placed.bin(step.rings[step.place])
            energy += outside[step.place + step.count]
            found.append((step, self.measure(energy)))
        self.placed.forget_all_but({ring for step in steps for ring in step.rings})
        return found


def make_layers(
    showers: SearchShowers,
    start: dict[int, Rings],
    detector: Detector,
    group: Int64[Array, " event"],
    seed: int,
) -> dict[int, SearchedLayer]:
    """Prepare all layers of a search.

    Args:
        showers: All showers.
        start: Radial bins that the search begins with, by layer number.
        detector: Its layers and cells.
        group: Group of energies of each shower that is looked at.
        seed: Seed of the choice of patterns.

    Returns:
        The layers by number.
    """
    windows = {k: LayerWindow.around(showers.seen.centers, k, detector) for k in start}
    references = {k: window.energies(showers.reference) for k, window in windows.items()}
    values = {k: _observables(references[k], showers, window) for k, window in windows.items()}
    energy, abs_eta = showers.seen.centers.energy, showers.seen.abs_eta
    known = {k: known_of(energy, abs_eta, window.offset) for k, window in windows.items()}
    scales = {k: Scale.fitted(values[k], known[k], group) for k in start}
    layers = {}
    for number, finest in start.items():
        others = [scales[k].z(values[k]) for k in start if k != number]
        none = np.empty((len(energy), 0))
        ruler = Ruler(
            values[number], scales[number], group, np.concatenate([none, *others], axis=1)
        )
        layers[number] = SearchedLayer(
            number,
            finest,
            windows[number],
            references[number],
            PlacedBins(showers, windows[number], detector, seed),
            ruler,
            showers,
        )
    return layers


def _observables(
    energy: Float[Array, "event eta phi"], showers: SearchShowers, window: LayerWindow
) -> Array:
    return layer_observables(_cut(energy), showers.seen.centers.energy, window.offset)


def _cut(energy: Float[Array, "event eta phi"]) -> Array:
    return np.where(energy >= EMPTY_BELOW, energy, 0.0)
