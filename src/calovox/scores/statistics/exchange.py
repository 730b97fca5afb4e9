r"""The null distribution of any distance, by a permutation test.

If both samples have the same distribution, nothing changes when showers change sides:

- independent samples: any division of all showers into samples of the same sizes is as likely;
- samples of the same photons, shower by shower: the two showers of any photon may be exchanged,
  but not those of different photons (a paired test). Such samples are more alike than independent
  ones, and their chi2/ndf is below 1 on average. Exchanges within photons have the same low value.

The p-value is the share of the exchanges that give at least the measured distance. For samples of
the same distribution it is uniform up to ties, and never below 1 / (`N_EXCHANGES` + 1). Of many
showers, random groups change sides (`Division`): groups are as exchangeable as their showers. The
mean over the exchanges is the floor: what the distance is on average for samples of the same
distribution. A second sample of Geant4 for the same photons, judged as if it were a simulation,
shows the same floor.

References:
    E. L. Lehmann, J. P. Romano, *Testing statistical hypotheses*, Springer (2005), section 15.2
    B. Phipson, G. K. Smyth, *Permutation p-values should never be zero*, Stat. Appl. Genet. Mol.
    Biol. 9 (2010) 39, https://arxiv.org/abs/1603.05766
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from scipy.stats import gamma

from calovox.arrays import Array, Bool, Float64, Int64

__all__ = [
    "N_EXCHANGES",
    "Division",
    "Exchange",
    "FloorSource",
    "Tested",
    "beside_draws",
    "share_as_bad",
    "with_gamma_tail",
]

N_EXCHANGES: Final = 199
"""How many exchanges are drawn."""

FloorSource = Literal["", "exchange of showers", "exchange within photons"]
"""Where a floor is from; empty if there is none, or it is known beforehand."""

# the cost of an exchange is the number of units: 128 of the smaller sample, 4000 at most of both
_UNITS: Final = 128
_MOST_UNITS: Final = 4000
_TIE: Final = 1e-9
_FEW_EXCHANGES: Final = 3


@dataclass(frozen=True)
class Tested:
    """A distance, and what it is for samples of the same distribution.

    Attributes:
        value: The distance.
        uncertainty: Its statistical uncertainty.
        floor: What it is for samples of the same distribution.
        floor_uncertainty: Standard deviation of the distance for such samples.
        p_value: Probability that such samples give a distance as large, or larger.
        floor_source: Where the floor is from.
    """

    value: float
    uncertainty: float
    floor: float
    floor_uncertainty: float
    p_value: float
    floor_source: FloorSource = ""


@dataclass(frozen=True)
class Exchange:
    """How units of two samples may change sides.

    Attributes:
        n_reference: Units of the reference: showers, or groups of showers.
        n_simulated: Units of the simulation.
        same_photons: Whether unit i of both samples is of the same photons.
    """

    n_reference: int
    n_simulated: int
    same_photons: bool

    def __post_init__(self) -> None:
        if self.same_photons and self.n_reference != self.n_simulated:
            raise ValueError(
                f"same_photons: expected as many showers in both samples, got "
                f"{self.n_reference} and {self.n_simulated}"
            )

    @property
    def source(self) -> FloorSource:
        """Where the floor is from."""
        return "exchange within photons" if self.same_photons else "exchange of showers"

    @property
    def measured(self) -> Bool[Array, " unit"]:
        """Tell which of all units are of the reference, as measured."""
        return np.arange(self.n_reference + self.n_simulated) < self.n_reference

    def choose_showers(
        self, n_reference: int, n_simulated: int, rng: np.random.Generator
    ) -> tuple[Int64[Array, " unit"], Int64[Array, " other"]]:
        """Choose as many showers of both samples as there are units, in random order.

        Args:
            n_reference: Showers of the reference.
            n_simulated: Showers of the simulation.
            rng: Chooses them.

        Returns:
            Rows of both samples: the same rows if they are of the same photons.
        """
        first = rng.permutation(n_reference)[: self.n_reference]
        if self.same_photons:
            return first, first
        return first, rng.permutation(n_simulated)[: self.n_simulated]

    def draws(self, rng: np.random.Generator, count: int) -> Bool[Array, "draw unit"]:
        """Draw exchanges.

        Args:
            rng: Chooses them.
            count: How many.

        Returns:
            Which of all units, those of the reference first, are of the reference now.
        """
        if self.same_photons:
            stays = rng.random((count, self.n_reference)) < 0.5
            return np.concatenate([stays, ~stays], axis=1)
        return rng.permuted(np.tile(self.measured, (count, 1)), axis=1)


@dataclass(frozen=True)
class Division:
    """Showers in units that change sides together, and the exchanges that are drawn.

    Attributes:
        exchange: How units may change sides.
        units: The unit of each shower, those of the reference first.
        draws: Which units are of the reference in each exchange.
    """

    exchange: Exchange
    units: Int64[Array, " event"]
    draws: Bool[Array, "draw unit"]

    @classmethod
    def at_random(
        cls,
        n_reference: int,
        n_simulated: int,
        rng: np.random.Generator,
        *,
        same_photons: bool,
        fewest_in_unit: int = 1,
    ) -> "Division":
        """Divide showers at random.

        Args:
            n_reference: Showers of the reference.
            n_simulated: Showers of the simulation.
            rng: Divides them, and draws exchanges.
            same_photons: Whether shower i of both samples is of the same photon.
            fewest_in_unit: Showers that a unit needs.
        """
        sizes = n_reference, n_simulated
        size = max(fewest_in_unit, min(sizes) // _UNITS, sum(sizes) // _MOST_UNITS, 1)
        first, second = (max(1, n // size) for n in sizes)
        of_reference = rng.permutation(np.arange(n_reference) % first)
        of_simulated = of_reference
        if not same_photons:
            of_simulated = rng.permutation(np.arange(n_simulated) % second)
        units = np.concatenate([of_reference, of_simulated + first]).astype(np.int64)
        exchange = Exchange(first, second, same_photons)
        return cls(exchange, units, exchange.draws(rng, N_EXCHANGES))


def share_as_bad(
    values: Float64[Array, " metric"], draws: Float64[Array, "draw metric"]
) -> Float64[Array, " metric"]:
    """Give the p-value of distances: how many exchanges give as much, this one among them.

    Args:
        values: The distances.
        draws: What exchanges give.

    Returns:
        The p-values.
    """
    # rounding must not tell a distance from the same distance of an exchange
    as_bad = np.count_nonzero(draws >= values - _TIE * (1e-3 + np.abs(values)), axis=0)
    return np.asarray((1.0 + as_bad) / (len(draws) + 1.0))


def beside_draws(
    values: Float64[Array, " metric"],
    errors: Float64[Array, " metric"],
    draws: Float64[Array, "draw metric"],
    source: FloorSource,
) -> list[Tested]:
    """Put distances beside what exchanges give.

    Args:
        values: The distances.
        errors: Their statistical uncertainties.
        draws: What exchanges give.
        source: How they were made.

    Returns:
        One entry per distance.
    """
    columns = (
        *(values, errors, draws.mean(axis=0), draws.std(axis=0, ddof=1)),
        share_as_bad(values, draws),
    )
    rows = np.transpose(columns).tolist()
    return [
        Tested(value, error, floor, scatter, p_value, source)
        for value, error, floor, scatter, p_value in rows
    ]


def with_gamma_tail(chi2: Tested) -> Tested:
    """Extrapolate a p-value of chi2 that few exchanges reach.

    Args:
        chi2: Chi2 over its degrees of freedom, beside exchanges.

    Returns:
        The same, with the tail of a scaled chi2 distribution that has the mean and the width of
        the exchanges.
    """
    if chi2.p_value > _FEW_EXCHANGES / N_EXCHANGES or not chi2.floor_uncertainty > 0:
        return chi2
    # a gamma distribution of this scale has the mean and the variance of the exchanges
    scale = chi2.floor_uncertainty**2 / chi2.floor
    tail = float(gamma.sf(chi2.value, chi2.floor / scale, scale=scale))
    return replace(chi2, p_value=min(chi2.p_value, tail))
