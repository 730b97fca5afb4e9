"""Whether two samples can be compared at all: they must be of the same kind of photons."""

from typing import Final

from scipy.stats import ks_2samp

from calovox.evaluation.sources import ShowerSource

__all__ = ["different_photons"]

_SMALLEST_P_VALUE: Final = 1e-4


def different_photons(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Tell whether energies or pseudorapidities alone tell two samples apart.

    Args:
        reference: A sample.
        other: Another.

    Returns:
        What differs, as the end of a sentence; None if nothing does.
    """
    columns = {
        "energy": (reference.incident_energy(), other.incident_energy()),
        "abs(eta)": (reference.abs_eta(), other.abs_eta()),
    }
    for name, (first, second) in columns.items():
        if first is None or second is None:
            if first is not second:
                return f"expected {name} to be known of both or neither of it and its reference"
            continue
        p_value = float(ks_2samp(first, second, method="asymp").pvalue)
        if p_value < _SMALLEST_P_VALUE:
            return (
                f"expected the distribution of {name} of its reference, got another "
                f"(Kolmogorov-Smirnov p = {p_value:.1g}): simulate the same photons"
            )
    return None
