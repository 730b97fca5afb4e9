r"""Does a model copy the showers it was trained with?

Each shower finds its nearest training shower. Two tests answer with a one-sided p-value.

**Distances** (`training_distance`): the probability that a simulated shower is nearer to the
training set than a held-out shower of the reference. It is 1/2 for a perfect model, whatever the
training set. Its p-value is that of the Mann-Whitney test. This test sees a small share of copies,
but also calls a model near whose showers are all too smooth.

**Labels** (`copying`) are not deceived by smooth showers. A group is one held-out shower and R
training showers of nearly the same energy and abs(eta), so that the spectra of the two sets may
differ. Each simulated shower finds its nearest among all showers of all groups: c_gk of them find
shower k of group g, and C_g any shower of it. If the model does not copy, each of the R + 1 is as
likely to be the held-out one. The number S of simulated showers nearest to a held-out one then
has, exactly,

$$\langle S \rangle = \sum_g \frac{C_g}{R + 1}, \qquad
\mathrm{var}(S) = \sum_g \left[ \sum_k \frac{c_{gk}^2}{R + 1} - \frac{C_g^2}{(R + 1)^2} \right].$$

If a share f of the model's showers are copies of these training showers, S = (1 - f) <S>. The
metric is f = 1 - S / <S>, and its p-value that of a normal distribution. Copies of training
showers outside the groups are not seen.

The reference is divided into halves: one gives the held-out showers of the groups, the other
those whose distances are compared, and the floor of `copying`. Showers are compared by the
logarithms of their voxels, as the classifier does, as they are and reflected in phi, since
training may reflect showers. All training showers are searched, a batch at a time.

References:
    C. Meehan, K. Chaudhuri, S. Dasgupta, *A non-parametric test to detect data-copying in
    generative models* (2020), https://arxiv.org/abs/2004.05675
    H. B. Mann, D. R. Whitney, *On a test of whether one of two random variables is stochastically
    larger than the other*, Ann. Math. Statist. 18 (1947) 50.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.samples.batch import ShowerSource
from calovox.samples.reading import ShowerRows, read_batches, read_showers, stack_conditions
from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.statistics.exchange import Tested
from calovox.scores.statistics.neighbours import squared_distances
from calovox.tracking import Track, silently

__all__ = ["FEWEST_GROUPS", "CopyTest", "match_training"]

FEWEST_GROUPS: Final = 50
"""Held-out showers with partners of their energy and abs(eta) that the test needs."""

_MOST_PARTNERS: Final = 4
_ENERGY_FLOOR: Final = 1e-6  # as for the classifier
_LOG_ENERGY: Final = 0.1  # how far partners may be in ln E, and in abs(eta)
_ABS_ETA: Final = 0.05
_CANDIDATES: Final = 64


@dataclass(frozen=True)
class _Nearest:
    """Nearest training showers of a sample."""

    distance: Float32[Array, " event"]  # squared, of each shower from the training set
    counts: Int64[Array, "member group"]  # showers whose nearest is this member


@dataclass(frozen=True)
class _Groups:
    """Held-out showers, their partners, and all training showers."""

    # logarithms of voxels: the held-out showers of all groups, their first partners, their second
    points: Float32[Array, "point voxel"]
    n_groups: int
    training: ShowerSource
    track: Track

    @property
    def mirror(self) -> Int64[Array, " voxel"]:
        """For each voxel, its reflection in phi."""
        return self.training.layout.mirror


@dataclass(frozen=True)
class CopyTest:
    """Held-out and training showers that samples are compared with.

    Attributes:
        groups: Held-out showers, their partners, and all training showers.
        held_out: Nearest training showers of the other half of the reference.
    """

    groups: _Groups
    held_out: _Nearest

    @classmethod
    def from_showers(
        cls,
        reference: ShowerRows,
        training: ShowerSource,
        rng: np.random.Generator,
        *,
        track: Track = silently,
    ) -> "CopyTest":
        """Form groups, and look for the nearest training showers of the reference.

        Args:
            reference: Held-out showers.
            training: Showers that models were trained with.
            rng: Divides the reference.
            track: Shows the progress over training showers.

        Raises:
            ValueError: If training and reference have too few energies and eta in common.
        """
        halves = np.array_split(rng.permutation(len(reference)), 2)
        first, second = (reference[rows] for rows in halves)
        conditions = stack_conditions(training.incident_energy(), training.abs_eta())
        members = match_training(first.conditions, conditions)
        kept = np.flatnonzero(members[:, 0] >= 0)
        matched, place = np.unique(members[kept].T, return_inverse=True)
        partners = read_showers(training, matched, "Grouping training showers", track)
        points = np.concatenate([first.fraction[kept], partners.fraction[place.reshape(-1)]])
        groups = _Groups(_logarithms(points), len(kept), training, track)
        return cls(groups, _find_nearest(groups, second.fraction))

    @property
    def training(self) -> ShowerSource:
        """All training showers."""
        return self.groups.training

    @property
    def n_held_out(self) -> int:
        """Held-out showers whose distances are compared."""
        return len(self.held_out.distance)

    def measure(self, simulated: ShowerRows) -> dict[str, Tested]:
        """Test a sample.

        Args:
            simulated: Showers of a model.

        Returns:
            The two metrics by name.
        """
        found = _find_nearest(self.groups, simulated.fraction)
        n, m = len(found.distance), self.n_held_out
        nearer, error = area_under_curve(found.distance, self.held_out.distance)
        scatter = ((n + m + 1) / (12.0 * n * m)) ** 0.5
        share, share_error = _share_of_copies(found.counts)
        return {
            "training_distance": Tested(
                nearer, error, 0.5, scatter, float(norm.sf((nearer - 0.5) / scatter))
            ),
            "copying": Tested(
                share,
                share_error,
                *_share_of_copies(self.held_out.counts),
                float(norm.sf(share / share_error)),
            ),
        }


def match_training(
    held_out: Float64[Array, "event condition"], training: Float64[Array, "other condition"]
) -> Int64[Array, "event partner"]:
    """Give each held-out shower training showers with nearly the same conditions.

    Args:
        held_out: Logarithm of the energy, and abs(eta) if it is known, of held-out showers.
        training: The same of training showers.

    Returns:
        Rows of training showers, none of them twice; -1 where there are not enough.

    Raises:
        ValueError: If fewer than `FEWEST_GROUPS` held-out showers find partners.
    """
    scale = np.array([_LOG_ENERGY, _ABS_ETA])[: held_out.shape[1]]
    ranks = list(range(1, min(_CANDIDATES, len(training)) + 1))
    distances, rows = cKDTree(training / scale).query(held_out / scale, k=ranks)
    n_partners = int(np.clip(len(training) // len(held_out), 1, _MOST_PARTNERS))
    members = np.full((len(held_out), n_partners), -1, dtype=np.int64)
    used = np.zeros(len(training), dtype=bool)
    # first come, first served: a training shower in two groups would correlate their counts
    for group, near in enumerate(distances < 1.0):
        free = rows[group][near]
        free = free[~used[free]][:n_partners]
        if len(free) == n_partners:
            members[group] = free
            used[free] = True
    n_groups = np.count_nonzero(members[:, 0] >= 0)
    if n_groups < FEWEST_GROUPS:
        raise ValueError(
            f"training: expected showers of the energy and eta of {FEWEST_GROUPS} showers of the "
            f"reference or more, got {n_groups}: give the training set of the simulations"
        )
    return members


def _logarithms(fraction: Float32[Array, "event voxel"]) -> Float32[Array, "event voxel"]:
    return np.log10(fraction + np.float32(_ENERGY_FLOOR))


def _find_nearest(groups: _Groups, fraction: Float32[Array, "event voxel"]) -> _Nearest:
    """Find the nearest showers, queries as they are or reflected, whichever is nearer."""
    queries = [_logarithms(showers) for showers in (fraction, fraction[:, groups.mirror])]
    distance = np.full(len(fraction), np.inf, dtype=np.float32)
    title = "Looking for the nearest training showers"
    for batch in read_batches(groups.training, title, groups.track):
        trained = _logarithms(batch.fraction)
        for showers in queries:
            for rows, found in squared_distances(showers, trained):
                distance[rows] = np.minimum(distance[rows], found.min(axis=1))
    in_groups = np.full(len(fraction), np.inf, dtype=np.float32)
    row = np.zeros(len(fraction), dtype=np.int64)
    for showers in queries:
        for rows, found in squared_distances(showers, groups.points):
            best = found.argmin(axis=1)
            nearest = found[np.arange(len(found)), best]
            row[rows] = np.where(nearest < in_groups[rows], best, row[rows])
            in_groups[rows] = np.minimum(in_groups[rows], nearest)
    counts = np.bincount(row, minlength=len(groups.points)).reshape(-1, groups.n_groups)
    return _Nearest(distance, counts)


def _share_of_copies(counts: Int64[Array, "member group"]) -> tuple[float, float]:
    """Compute f and its standard deviation for a model that does not copy."""
    size = len(counts)
    of_group = counts.sum(axis=0)
    expected = of_group.sum() / size
    variance = np.sum((counts**2).sum(axis=0) / size - (of_group / size) ** 2)
    return float(1.0 - counts[0].sum() / expected), float(np.sqrt(variance) / expected)
