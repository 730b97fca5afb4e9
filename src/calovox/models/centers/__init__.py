"""The centre of a shower about the impact of its photon: fitted to showers, drawn for others."""

from calovox.models.centers.fit import fit_centers
from calovox.models.centers.model import CenterFileError, CenterModel
from calovox.models.centers.showers import CenterShowers

__all__ = ["CenterFileError", "CenterModel", "CenterShowers", "fit_centers"]
