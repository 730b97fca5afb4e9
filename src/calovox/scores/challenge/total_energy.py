r"""The chi2 of the CaloChallenge's script, of the energy of all voxels.

With p and q the shares of the reference and of the simulation in 100 bins of E_tot/E_inc from 0.5
to 1.5,

$$\chi^2 = \frac{1}{2} \sum_i \frac{(p_i - q_i)^2}{p_i + q_i},$$

from 0 for equal histograms to 1 for histograms that nowhere overlap. The script calls it chi2 in
its options and files, and separation power, or triangular discrimination, in its text. It knows
no uncertainties: two samples of 100 000 showers of one distribution have 1e-4 to 4e-4.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611;
    its script, https://github.com/CaloChallenge/homepage/tree/main/code
"""

from typing import Final

import numpy as np

from calovox.arrays import Array, Float64

__all__ = ["total_energy_chi2"]

_EDGES: Final = np.linspace(0.5, 1.5, 101)


def total_energy_chi2(
    reference: Float64[Array, " event"], simulated: Float64[Array, " other"]
) -> float | None:
    """Compare histograms of the energy of all voxels over the incident energy.

    Args:
        reference: E_tot/E_inc of the showers of the reference.
        simulated: The same of the simulation.

    Returns:
        The chi2 of the challenge's script; None if a sample has no shower from 0.5 to 1.5.

    Example:
        >>> total_energy_chi2(np.array([0.9, 1.0]), np.array([1.0, 1.1]))
        0.5
    """
    counts = [np.histogram(sample, bins=_EDGES)[0] for sample in (reference, simulated)]
    if not all(count.any() for count in counts):
        return None
    first, second = (count / count.sum() for count in counts)
    both = first + second
    filled = both > 0
    return float(0.5 * np.sum((first - second)[filled] ** 2 / both[filled]))
