r"""How far cells of placed showers are from those of the very same Geant4 showers.

Showers are divided by energy into groups. In each, what an observable owes to the energy and to
abs(eta) of the photon, and to the place of the shower centre in its cell, is taken out by a linear
fit to the reference, and the rest is divided by its width there: z. Features
are all z and z^2, a shifted mean and another width, and all z y, where y is what the other layers
of the reference lead to expect of z by a linear fit: a layer that forgets the rest of its shower.
With the mean difference Delta of features between placed showers and reference, and the
covariance S of the reference's features, the separation of a layer is

$$d^2 = \Delta^T S^{-1} \Delta - \mathrm{tr}(S^{-1} C) / n,$$

where C is the covariance of the differences of the n pairs: without it, d^2 would be above 0 for
equal samples. Pairs share the shower, so C is small, and so is the error of d^2. It is that of
Fisher's discriminant: its area under the ROC curve is $\Phi(d / \sqrt 2)$, what the best linear
classifier of the features would reach. Separations of layers add up.

The search takes the steps of least `cost`, d^2 without the correction: of two steps that nobody
sees, it is the one that moves single showers less, and not the one that chance favours.

What is seen of one observable in one group, or in all showers, is the mean of its difference in z,
with the error of the mean. Of all of them, the worst counts that is largest `N_ERRORS` errors
nearer to 0; a shift that is larger than a limit by that and 1.28 errors is found in nine of ten
searches.

References:
    R. A. Fisher, *The use of multiple measurements in taxonomic problems*, 1936,
    https://doi.org/10.1111/j.1469-1809.1936.tb02137.x
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64

__all__ = [
    "N_ERRORS",
    "SHOWERS_OF_A_GROUP",
    "Difference",
    "Ruler",
    "Scale",
    "Seen",
    "energy_groups",
    "known_of",
]

SHOWERS_OF_A_GROUP: Final = 150
N_ERRORS: Final = 3.0
"""Errors that a shift has to be beyond a limit: about one in ten searches errs by chance."""

_POWER: Final = 1.28
_RIDGE: Final = 0.05
_FARTHEST: Final = 5.0
_LEAST_WIDTH: Final = 1e-6
_FOLDS: Final = 5
_KINDS: Final = ("shift", "width", "correlation with other layers")


@dataclass(frozen=True)
class Difference:
    """What is seen of one observable in one group of energies.

    Attributes:
        observable: Number of the observable.
        group: Number of the group; -1 for all showers.
        kind: Shift of its mean, change of its width, or of its correlation with other layers.
        value: Shift in widths, relative change of the width, or change of the covariance.
        error: Its statistical error.
    """

    observable: int
    group: int
    kind: str
    value: float
    error: float

    @property
    def beyond_chance(self) -> float:
        """The size that chance does not explain."""
        return max(0.0, abs(self.value) - N_ERRORS * self.error)


@dataclass(frozen=True)
class Seen:
    """What is seen of a layer.

    Attributes:
        cost: Square of the mean whitened difference, with what chance adds to it.
        separation: d^2 of the layer; below 0 by chance alone.
        error: Statistical error of d^2.
        worst: The worst of all differences.
        least_found: How far beyond a limit a shift at all energies has to be to be found in nine
            of ten searches.
    """

    cost: float
    separation: float
    error: float
    worst: Difference
    least_found: float


class Ruler:
    """Measures cells of one layer against those of the reference.

    Args:
        values: Observables of the reference.
        scale: What the observables owe to the photon.
        group: Group of each shower, from 0.
        others: z of the observables of the other layers of the reference.
    """

    def __init__(
        self,
        values: Float64[Array, "event observable"],
        scale: "Scale",
        group: Int64[Array, " event"],
        others: Float64[Array, "event other"],
    ) -> None:
        self._order = np.argsort(group, kind="stable")
        self._n_showers = np.bincount(group)
        self._starts = np.cumsum(self._n_showers) - self._n_showers
        self._scale = scale
        self._expected = _predict(self._scale.z(values), others)
        self._reference = self._features(values)
        covariance = np.cov(self._reference, rowvar=False)
        variance = np.diag(covariance).copy()
        covariance += np.diag(_RIDGE * variance + (variance == 0.0))
        self._whitening = np.linalg.cholesky(np.linalg.inv(covariance))

    def measure(self, values: Float64[Array, "event observable"]) -> Seen:
        """Measure cells of the same showers.

        Args:
            values: Their observables.

        Returns:
            What is seen.
        """
        pairs = self._pairs(values)
        n_showers, n_observables = len(values), values.shape[1]
        white = pairs @ self._whitening
        mean = white.mean(axis=0)
        away = white - mean
        covariance = away.T @ away / ((n_showers - 1) * n_showers)
        cost = float(mean @ mean)
        variance = 4.0 * mean @ covariance @ mean + 2.0 * np.sum(covariance**2)
        means, errors = self._moments(pairs)
        least_found = (N_ERRORS + _POWER) * float(errors[0, :n_observables].max())
        return Seen(
            cost=cost,
            separation=cost - float(np.trace(covariance)),
            error=float(np.sqrt(variance)),
            worst=_worst(means, errors, n_observables),
            least_found=least_found,
        )

    def _pairs(
        self, values: Float64[Array, "event observable"]
    ) -> Float64[Array, "event feature"]:
        """Give the differences of the features, group by group."""
        return np.asarray((self._features(values) - self._reference)[self._order])

    def _moments(
        self, pairs: Float64[Array, "event feature"]
    ) -> tuple[Float64[Array, "group feature"], Float64[Array, "group feature"]]:
        """Give means and their errors of all showers, then of each group."""
        n_showers = np.concatenate([[len(pairs)], self._n_showers])[:, None]
        sums, squares = (
            np.concatenate([parts.sum(axis=0, keepdims=True), parts])
            for parts in (
                np.add.reduceat(pairs, self._starts),
                np.add.reduceat(pairs**2, self._starts),
            )
        )
        mean = sums / n_showers
        variance = np.maximum(squares / n_showers - mean**2, 0.0)
        return mean, np.sqrt(variance / (n_showers - 1))

    def _features(
        self, values: Float64[Array, "event observable"]
    ) -> Float64[Array, "event feature"]:
        """Give z; half of z^2, whose mean changes as much as the width does; and z y."""
        z = self._scale.z(values)
        return np.concatenate([z, 0.5 * z**2, z * self._expected], axis=1)


@dataclass(frozen=True)
class Scale:
    """What observables owe to the photon, and the width of the rest.

    Attributes:
        expected: Values that the fit gives.
        width: Width of what is left, in the group of the shower.
        constant: Where nothing is left.
    """

    expected: Float64[Array, "event observable"]
    width: Float64[Array, "event observable"]
    constant: Bool[Array, "event observable"]

    @classmethod
    def fitted(
        cls,
        values: Float64[Array, "event observable"],
        known: Float64[Array, "event known"],
        group: Int64[Array, " event"],
    ) -> "Scale":
        """Fit the observables of each group.

        Args:
            values: Observables of the reference.
            known: What they may depend on: `known_of`.
            group: Group of each shower, from 0.

        Returns:
            The fit.
        """
        expected, width = np.empty_like(values), np.empty_like(values)
        for number in range(group.max() + 1):
            rows = np.flatnonzero(group == number)
            expected[rows] = (
                known[rows] @ np.linalg.lstsq(known[rows], values[rows], rcond=None)[0]
            )
            width[rows] = (values[rows] - expected[rows]).std(axis=0)
        constant = width <= _LEAST_WIDTH * (1.0 + np.abs(expected))
        return cls(expected, np.where(constant, 1.0, width), constant)

    def z(self, values: Float64[Array, "event observable"]) -> Float64[Array, "event observable"]:
        """Take out what the photon explains; constant observables become 0."""
        z = np.where(self.constant, 0.0, values - self.expected) / self.width
        return np.asarray(np.clip(z, -_FARTHEST, _FARTHEST))


def _predict(
    wanted: Float64[Array, "event observable"], known: Float64[Array, "event other"]
) -> Float64[Array, "event observable"]:
    """Predict columns by others, each fifth of the showers by a fit to the rest."""
    fold = np.arange(len(wanted)) % _FOLDS
    predicted = np.empty_like(wanted)
    for number in range(_FOLDS):
        train, test = fold != number, fold == number
        square = known[train].T @ known[train]
        square += _RIDGE * train.sum() * np.eye(known.shape[1])
        predicted[test] = known[test] @ np.linalg.solve(square, known[train].T @ wanted[train])
    return predicted


def known_of(
    energy: Float64[Array, " event"],
    abs_eta: Float64[Array, " event"],
    offset: Float64[Array, "event 2"],
) -> Float64[Array, "event known"]:
    """List what observables of a layer depend on, as columns of a linear fit.

    Args:
        energy: Energies of the photons.
        abs_eta: Their abs(eta).
        offset: Place of the shower centre in its cell, in cells from the middle.

    Returns:
        The columns; those of the place are its first two harmonics along eta and phi.
    """
    angle = 2.0 * np.pi * offset
    waves = [np.cos(angle), np.cos(2.0 * angle), np.sin(angle), np.sin(2.0 * angle)]
    product = np.prod(np.cos(angle), axis=1)
    plain = [np.ones_like(energy), np.log(energy), abs_eta, abs_eta**2, product]
    return np.concatenate([np.stack(plain, axis=1), *waves], axis=1)


def energy_groups(energy: Float64[Array, " event"]) -> Int64[Array, " event"]:
    """Divide showers by energy into groups of `SHOWERS_OF_A_GROUP` or more, if there are so many.

    Args:
        energy: Energies of the photons.

    Returns:
        The group of each shower, from 0, by rising energy.
    """
    n_groups = max(1, len(energy) // SHOWERS_OF_A_GROUP)
    order = np.argsort(energy, kind="stable")
    group = np.empty(len(energy), dtype=np.int64)
    for number, rows in enumerate(np.array_split(order, n_groups)):
        group[rows] = number
    return group


def _worst(
    means: Float64[Array, "group feature"],
    errors: Float64[Array, "group feature"],
    n_observables: int,
) -> Difference:
    found = np.abs(means) - N_ERRORS * errors
    group, feature = np.unravel_index(int(np.argmax(found)), found.shape)
    kind, observable = divmod(int(feature), n_observables)
    return Difference(
        observable=observable,
        group=int(group) - 1,
        kind=_KINDS[kind],
        value=float(means[group, feature]),
        error=float(errors[group, feature]),
    )
