"""Which showers of two samples are of the same photon: those with its index and its energy."""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64, Int64

__all__ = ["PhotonNumbers"]


@dataclass(frozen=True)
class PhotonNumbers:
    """What tells the photons of a sample apart.

    Attributes:
        index: Number of each photon in its run, or of its shower in the file.
        energy: Kinetic energies in MeV.
    """

    index: Int64[Array, " event"]
    energy: Float64[Array, " event"]

    def rows_in(self, reference: "PhotonNumbers") -> Int64[Array, " event"]:
        """Find the photons among those of another sample.

        Args:
            reference: The other sample.

        Returns:
            The first row of each photon there; -1 if there is none.

        Example:
            >>> reference = PhotonNumbers(np.array([7, 8, 9]), np.array([1e3, 2e3, 3e3]))
            >>> PhotonNumbers(np.array([9, 7, 8]), np.array([3e3, 1e3, 5e3])).rows_in(reference)
            array([ 2,  0, -1])
        """
        columns = zip((reference.index, reference.energy), (self.index, self.energy), strict=True)
        both = [np.concatenate(column) for column in columns]
        # equal photons side by side, the first of the reference before all others
        order = np.lexsort(both[::-1])
        starts = np.ones(len(order), dtype=bool)
        starts[1:] = np.any([np.diff(column[order]) != 0 for column in both], axis=0)
        first = order[starts][np.cumsum(starts) - 1]
        rows = np.empty(len(order), dtype=np.int64)
        rows[order] = np.where(first < len(reference.index), first, -1)
        return rows[len(reference.index) :]
