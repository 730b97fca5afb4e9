"""Weights of showers by classes of first interactions, whose probabilities are known."""

from dataclasses import replace

import numpy as np
import pytest

from calovox.geant4 import DetectorModel, StartRadius, survival_probability
from calovox.geant4.detector import ENTRANCE_RADIUS
from calovox.geant4.start import event_weights, start_radii
from calovox.geant4.strata import CELL_SHOWERS, photon_cells, stratified_weights
from calovox.photons import LogUniform, Photons, SignedUniform, draw_photons

RADII = np.array([1350.0, 1500.0])
START = StartRadius(1500.0, 0.75)


def several_photons(n):
    """Photons of 130 GeV to 2 TeV at abs(eta) 0.7 to 0.78, where no shell has two materials."""
    energy, eta = LogUniform(1.3e5, 2e6), SignedUniform(0.7, 0.78)
    return draw_photons(np.arange(n), energy=energy, eta=eta, seed=1)


def survival(photons, radii):
    return np.stack([survival_probability(photons, r) for r in radii], axis=1)


class Toy:
    """Photons that interact at random radii, by the true survival probability of each."""

    def __init__(self, photons):
        borders = np.array([shell.r_max for shell in DetectorModel().shells()])
        self.radii = np.array([ENTRANCE_RADIUS, *borders[borders < 1700.0]])
        self.photons = photons
        self.depths = -np.log(survival(photons, self.radii))

    def generate(self, start, seed):
        # between two borders, the optical depth is linear in the radius
        begins = start_radii(self.photons, start, seed=seed)
        numbers = np.random.default_rng(seed).exponential(size=len(begins))
        radii = [
            np.interp(np.interp(begin, self.radii, depth) + number, depth, self.radii)
            for begin, number, depth in zip(begins, numbers, self.depths, strict=True)
        ]
        photons = replace(self.photons, interaction_radius=np.array(radii))
        return replace(photons, weight=event_weights(photons, start))


def alike(radii, weights):
    n = len(radii)
    columns = (np.full(n, 1e5), np.zeros(n), np.zeros(n), np.arange(n))
    return Photons(*columns, np.array(weights, float), np.array(radii, float))


def test_weights_of_a_class_add_up_to_its_probability():
    photons = alike([1200.0, 1400.0, 1499.0, 1500.0, np.inf], [5.0, 1.0, 3.0, 0.1, 0.1])
    table = np.tile([0.6, 0.2], (5, 1))
    found = stratified_weights(photons, RADII, table)
    np.testing.assert_allclose(found, [2.0, 0.5, 1.5, 0.5, 0.5], rtol=1e-14)


@pytest.mark.parametrize(
    ("radii", "expected"),
    [
        ([1200.0, 1200.0, 1600.0, 1600.0], [1.6, 1.6, 0.4, 0.4]),  # 0.4 + 0.4, 0.2
        ([1200.0, 1200.0, 1400.0, 1400.0], [0.8, 0.8, 1.2, 1.2]),  # 0.4, 0.4 + 0.2
        ([1400.0, 1400.0, 1600.0, 1600.0], [1.6, 1.6, 0.4, 0.4]),
        ([1600.0, 1600.0, 1600.0, 1600.0], [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_classes_without_showers_go_to_the_next_further_in(radii, expected):
    found = stratified_weights(alike(radii, [2.0] * 4), RADII, np.tile([0.6, 0.2], (4, 1)))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def slow_cells(axes, indices):
    """Cells as lists of indices, by sorting tuples."""
    widths = [max(column) - min(column) for column in zip(*axes, strict=True)]
    if len(indices) < 2 * CELL_SHOWERS:
        return [indices]
    axis = widths.index(max(widths))
    order = sorted(range(len(indices)), key=lambda i: (axes[i][axis], indices[i]))
    half = (len(order) + 1) // 2
    return [
        cell
        for part in (order[:half], order[half:])
        for cell in slow_cells([axes[i] for i in part], [indices[i] for i in part])
    ]


def test_weights_are_those_of_a_slow_twin():
    photons = Toy(several_photons(700)).generate(START, 3)
    table = survival(photons, RADII)
    found = stratified_weights(photons, RADII, table)
    columns = np.log(photons.energy), np.abs(photons.eta)
    axes = list(zip(*(column / np.ptp(column) for column in columns), strict=True))
    cells = slow_cells(axes, list(range(700)))
    assert sorted(map(len, cells)) == [87, 87, 87, 87, 88, 88, 88, 88]
    for cell in cells:
        for low, high, chance in (
            (0.0, 1350.0, 1.0 - table[:, 0]),
            (1350.0, 1500.0, table[:, 0] - table[:, 1]),
            (1500.0, np.inf, table[:, 1]),
        ):
            own = [i for i in cell if low <= photons.interaction_radius[i] < high]
            factor = sum(chance[i] for i in cell) / sum(photons.weight[i] for i in own)
            np.testing.assert_allclose(found[own], factor * photons.weight[own], rtol=1e-12)
        assert found[cell].sum() == pytest.approx(len(cell), rel=1e-12)


def test_cells_depend_on_the_photons_and_not_on_their_order():
    photons = Toy(several_photons(500)).generate(START, 3)
    order = np.random.default_rng(1).permutation(500)
    expected = stratified_weights(photons, RADII, survival(photons, RADII))
    found = stratified_weights(photons[order], RADII, survival(photons[order], RADII))
    np.testing.assert_allclose(found, expected[order], rtol=1e-12)


def test_photons_that_are_alike_are_one_cell():
    photons = alike(np.full(500, 1200.0), np.ones(500))
    assert [len(rows) for rows in photon_cells(photons)] == [500]
    assert sum(len(rows) for rows in photon_cells(photons[:20])) == 20


def test_scaled_weights_are_right_on_average_and_spread_less():
    """Shares of first interactions of 300 photons, over 100 runs."""
    photons = several_photons(300)
    toy, edges = Toy(photons), [0.0, 1300.0, START.radius, 1510.0, np.inf]
    radii = np.array([START.radius])
    table = survival(photons, radii)
    shares = {"start": np.empty((100, 4)), "strata": np.empty((100, 4))}
    for seed in range(100):
        found = toy.generate(START, seed)
        scaled = stratified_weights(found, radii, table)
        for name, weight in (("start", found.weight), ("strata", scaled)):
            sums, _ = np.histogram(found.interaction_radius, edges, weights=weight)
            shares[name][seed] = sums / weight.sum()
    expected = -np.diff(survival(photons, edges[1:-1]).mean(axis=0), prepend=1.0, append=0.0)
    for found in shares.values():
        error = np.std(found, axis=0) / 10.0
        assert np.all(np.abs(np.mean(found, axis=0) - expected) < 4.0 * error)
    late = {name: found[:, 2:].sum(axis=1) for name, found in shares.items()}
    np.testing.assert_allclose(late["strata"], table.mean(), rtol=1e-12)
    assert late["start"].std() > 0.1 * table.mean()
    assert shares["strata"][:, 3].std() < 0.5 * shares["start"][:, 3].std()


def test_what_is_not_known_is_refused():
    photons = several_photons(3)
    with pytest.raises(ValueError, match="with `weight` and `interaction_radius`, got none"):
        stratified_weights(photons, RADII, survival(photons, RADII))
