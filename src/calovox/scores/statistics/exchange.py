r"""The null distribution of any distance, by exchanging what two samples of one law may exchange.

If both samples are of one law, nothing changes when showers change sides:

- independent samples: any division of all showers into samples of the same sizes is as likely;
- samples of the same photons, shower by shower: the two showers of any photon may be exchanged,
  but not those of different photons. Such samples are more alike than independent ones, so that
  chi2/ndf is below 1 on average; the exchange knows it.

The share of the exchanges that give at least the measured distance is the p-value, exactly
uniform up to ties for one law, and never below 1 / (`N_EXCHANGES` + 1). The mean over the
exchanges is the floor: what the distance is on average for samples of one law. Where there is a
replica, a second sample of the model or of Geant4 for the same photons, the distance of the two
replicas is the floor: it shares nothing with what is measured.

References:
    E. L. Lehmann, J. P. Romano, *Testing statistical hypotheses*, Springer (2005), section 15.2
    B. Phipson, G. K. Smyth, *Permutation p-values should never be zero*, Stat. Appl. Genet. Mol.
    Biol. 9 (2010) 39, https://arxiv.org/abs/1603.05766
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from calovox.arrays import Array, Bool

__all__ = ["N_EXCHANGES", "Exchange", "FloorSource", "Tested", "judge_by_exchange"]

N_EXCHANGES: Final = 199
"""How many exchanges are drawn."""

FloorSource = Literal["exchange of showers", "exchange within photons", "replicas"]
"""Where a floor is from."""

_TIE: Final = 1e-9


@dataclass(frozen=True)
class Tested:
    """A distance and what it is for samples of one law.

    Attributes:
        value: The distance.
        uncertainty: Its statistical uncertainty.
        floor: What it is for samples of one law.
        floor_uncertainty: Standard deviation of the distance for such samples.
        p_value: Probability that such samples give a distance as large, or larger.
        floor_source: Where the floor is from.
    """

    value: float
    uncertainty: float
    floor: float
    floor_uncertainty: float
    p_value: float
    floor_source: FloorSource


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


def judge_by_exchange(
    distance: Callable[[Bool[Array, " unit"]], float],
    exchange: Exchange,
    rng: np.random.Generator,
    *,
    uncertainty: float,
    replica_floor: float | None = None,
) -> Tested:
    """Test a distance against its null distribution.

    Args:
        distance: Computes it, told which units are of the reference.
        exchange: How units may change sides.
        rng: Chooses the exchanges.
        uncertainty: Statistical uncertainty of the distance.
        replica_floor: Distance of two replicas, if there are any.

    Returns:
        The distance, its floor and p-value.
    """
    value = distance(exchange.measured)
    draws = np.array([distance(units) for units in exchange.draws(rng, N_EXCHANGES)])
    # rounding must not tell a distance from the same distance of an exchange
    as_bad = np.count_nonzero(draws >= value - _TIE * (1e-3 + abs(value)))
    return Tested(
        value=value,
        uncertainty=uncertainty,
        floor=float(draws.mean()) if replica_floor is None else replica_floor,
        floor_uncertainty=float(draws.std(ddof=1)),
        p_value=(1 + int(as_bad)) / (len(draws) + 1),
        floor_source=exchange.source if replica_floor is None else "replicas",
    )
