r"""Polar coordinates of a hit around the shower centre of its layer, and back.

In mm along eta and phi, with eta mirrored for centres at negative eta (note, section 2.2):

$$\tilde\phi = \phi - \phi_c \in [-\pi, \pi), \qquad
\tilde\eta = \pm(\eta - \eta_c), \qquad
A = \sqrt{r_c^2 + z_c^2}, \qquad
J = \left|\frac{2 e^{-\eta_c}}{1 + e^{-2 \eta_c}}\right| = \frac{1}{\cosh \eta_c}$$

$$r = \sqrt{(\tilde\eta J A)^2 + (\tilde\phi r_c)^2}, \qquad
\alpha = \mathrm{arctan2}(\tilde\phi r_c, \tilde\eta J A) \in [0, 2 \pi)$$

The centre has z_c = r_c sinh(eta_c), so A = r_c cosh(eta_c) and the factor J A is r_c itself: the
code uses this identity.

References:
    ATLAS Collaboration, *Photon showers in the ATLAS fast calorimeter simulation: A voxelized
    dataset with minimized information loss and improved ML models*, ATL-SOFT-PUB-2025-003 (2025),
    section 2.2,
    https://atlas.web.cern.ch/Atlas/GROUPS/PHYSICS/PUBNOTES/ATL-SOFT-PUB-2025-003/
"""

import math

import numpy as np

from calovox.arrays import Array, Float, Float64
from calovox.kernels import kernel

__all__ = [
    "eta_phi_kernel",
    "polar_kernel",
    "to_eta_phi",
    "to_polar",
    "wrap_phi",
    "wrap_phi_kernel",
]

_TWO_PI = 2.0 * math.pi


@kernel()
def wrap_phi_kernel(phi: float) -> float:
    """Bring one angle into [-pi, pi), inside a compiled kernel.

    Args:
        phi: Any angle in rad.

    Returns:
        The same direction; the very same number if it lies in the range already.
    """
    if -math.pi <= phi < math.pi:  # untouched: adding and subtracting 2 pi would round it
        return phi
    wrapped = phi - _TWO_PI * math.floor((phi + math.pi) / _TWO_PI)
    if wrapped >= math.pi or wrapped < -math.pi:  # rounding next to an odd multiple of pi
        return -math.pi
    return wrapped


@kernel()
def polar_kernel(
    eta: float, phi: float, eta_center: float, phi_center: float, r_center: float
) -> tuple[float, float]:
    """Convert one point, inside a compiled kernel; see `to_polar`."""
    along_eta = (eta - eta_center) * r_center
    if eta_center < 0.0:
        along_eta = 0.0 - along_eta  # never -0, which has another angle
    along_phi = wrap_phi_kernel(phi - phi_center) * r_center
    alpha = math.atan2(along_phi, along_eta)
    if alpha < 0.0:
        alpha += _TWO_PI
        if alpha >= _TWO_PI:  # a negative number too small to change 2 pi
            alpha = 0.0
    return math.sqrt(along_eta * along_eta + along_phi * along_phi), alpha


@kernel()
def eta_phi_kernel(
    r: float, alpha: float, eta_center: float, phi_center: float, r_center: float
) -> tuple[float, float]:
    """Convert one point back, inside a compiled kernel; see `to_eta_phi`."""
    d_eta = r * math.cos(alpha) / r_center
    if eta_center < 0.0:
        d_eta = -d_eta
    d_phi = r * math.sin(alpha) / r_center
    return eta_center + d_eta, wrap_phi_kernel(phi_center + d_phi)


def wrap_phi(phi: Float[Array, "..."] | float) -> Float64[Array, "..."]:
    """Bring angles into [-pi, pi).

    Args:
        phi: Angles in rad.

    Returns:
        The same directions; angles that lie in the range already are not changed at all.

    Example:
        >>> wrap_phi(np.array([0.5, np.pi]))
        array([ 0.5       , -3.14159265])
    """
    phi = np.asarray(phi, dtype=np.float64)
    wrapped = phi - _TWO_PI * np.floor((phi + np.pi) / _TWO_PI)
    wrapped = np.where((wrapped >= np.pi) | (wrapped < -np.pi), -np.pi, wrapped)
    return np.where((phi >= -np.pi) & (phi < np.pi), phi, wrapped)


def to_polar(
    eta: Float[Array, "..."] | float,
    phi: Float[Array, "..."] | float,
    eta_center: Float[Array, "..."] | float,
    phi_center: Float[Array, "..."] | float,
    r_center: Float[Array, "..."] | float,
) -> tuple[Float64[Array, "..."], Float64[Array, "..."]]:
    """Compute polar coordinates of points around the shower centre of their layer.

    All arguments broadcast against each other.

    Args:
        eta: Pseudorapidity of the points.
        phi: Azimuth of the points in rad.
        eta_center: Pseudorapidity of the shower centre.
        phi_center: Azimuth of the shower centre in rad.
        r_center: Distance of the shower centre from the beam axis in mm.

    Returns:
        Distance r from the centre in mm, and angle alpha in [0, 2 pi): 0 towards larger abs(eta),
        pi / 2 towards larger phi.

    Example:
        >>> r, alpha = to_polar(np.array([-0.21]), np.array([1.0]), -0.2, 1.0, 1500.0)
        >>> bool(np.isclose(r[0], 15.0)), float(alpha[0])
        (True, 0.0)
    """
    eta_center = np.asarray(eta_center, dtype=np.float64)
    sign = np.where(eta_center < 0, -1.0, 1.0)
    along_eta = sign * (np.asarray(eta, dtype=np.float64) - eta_center) * r_center
    along_eta = along_eta + 0.0  # turns -0, which has another angle, into 0
    along_phi = wrap_phi(np.asarray(phi, dtype=np.float64) - phi_center) * r_center
    alpha = np.arctan2(along_phi, along_eta)
    alpha = np.where(alpha < 0, alpha + _TWO_PI, alpha)
    r = np.asarray(np.sqrt(along_eta**2 + along_phi**2))
    return r, np.where(alpha >= _TWO_PI, 0.0, alpha)


def to_eta_phi(
    r: Float[Array, "..."] | float,
    alpha: Float[Array, "..."] | float,
    eta_center: Float[Array, "..."] | float,
    phi_center: Float[Array, "..."] | float,
    r_center: Float[Array, "..."] | float,
) -> tuple[Float64[Array, "..."], Float64[Array, "..."]]:
    """Compute eta and phi of points given in polar coordinates: the inverse of `to_polar`.

    All arguments broadcast against each other.

    Args:
        r: Distance from the shower centre in mm.
        alpha: Angle around the shower centre in rad.
        eta_center: Pseudorapidity of the shower centre.
        phi_center: Azimuth of the shower centre in rad.
        r_center: Distance of the shower centre from the beam axis in mm.

    Returns:
        Pseudorapidity, and azimuth in [-pi, pi).
    """
    eta_center = np.asarray(eta_center, dtype=np.float64)
    sign = np.where(eta_center < 0, -1.0, 1.0)
    d_eta = sign * np.asarray(r, dtype=np.float64) * np.cos(alpha) / r_center
    d_phi = np.asarray(r, dtype=np.float64) * np.sin(alpha) / r_center
    return np.asarray(eta_center + d_eta), wrap_phi(phi_center + d_phi)
