"""Fast conversion of many points: equal to the plain one, rounded."""

import math

import numpy as np
import pytest

from calovox.geometry.coordinates import eta_phi_kernel
from calovox.geometry.single_precision import fill_eta_phi, sine_and_cosine

PI = np.float32(math.pi)  # rounded up
BELOW_PI = np.nextafter(PI, np.float32(0.0))


def filled(r, alpha, *center):
    eta, phi = np.empty((2, len(r)), dtype=np.float32)
    fill_eta_phi(r, alpha, *center, eta, phi)
    return eta, phi


def one_by_one(r, alpha, *center):
    points = [eta_phi_kernel(*point, *center) for point in zip(r, alpha, strict=True)]
    eta, phi = np.array(points).T
    return np.float32(eta), np.clip(np.float32(phi), -BELOW_PI, BELOW_PI)


def test_sine_and_cosine_are_those_of_the_library():
    angles = np.concatenate(
        [np.random.default_rng(1).uniform(-7.0, 7.0, 20_000), np.arange(-8, 9) * math.pi / 4]
    )
    angles = angles[np.abs(angles) <= 2 * math.pi]
    found = np.array([sine_and_cosine(angle) for angle in angles]).T
    np.testing.assert_allclose(found, [np.sin(angles), np.cos(angles)], rtol=0, atol=2.0**-51)


@pytest.mark.parametrize("phi_center", [0.0, 0.3, -math.pi, math.nextafter(math.pi, 0.0)])
@pytest.mark.parametrize("eta_center", [0.0, -1e-9, 0.2, -0.2, 1.34, -5.0])
def test_points_are_those_of_the_plain_conversion_to_the_last_bit(eta_center, phi_center):
    rng = np.random.default_rng(2)
    r = np.concatenate([rng.uniform(0.0, 1320.0, 3000), [0.0, 1e-9, 1e-3, 1500.0, 1e4]])
    alpha = rng.uniform(0.0, 2 * math.pi, len(r))
    alpha[:8] = np.arange(8) * math.pi / 4
    center = (eta_center, phi_center, 1500.0)
    for found, expected in zip(
        filled(r, alpha, *center), one_by_one(r, alpha, *center), strict=True
    ):
        np.testing.assert_array_equal(found.view(np.int32), expected.view(np.int32))


@pytest.mark.parametrize("side", [-1.0, 0.0, 1.0])
def test_points_between_two_numbers_are_rounded_as_the_plain_ones(side):
    below = np.float32(0.2)
    middle = 0.5 * (float(below) + float(np.nextafter(below, np.float32(1.0))))
    center = (middle + side * 2.0**-55, middle - side * 2.0**-55, 1500.0)
    r, alpha = np.array([0.0, 1e-13, 700.0]), np.array([0.0, 2.0, 4.0])
    np.testing.assert_array_equal(filled(r, alpha, *center), one_by_one(r, alpha, *center))


def test_points_that_are_no_numbers_stay_so():
    eta, phi = filled(np.array([1.0, np.nan]), np.array([0.5, 0.5]), 0.2, 0.1, 1500.0)
    expected = one_by_one(np.array([1.0]), np.array([0.5]), 0.2, 0.1, 1500.0)
    assert (eta[0], phi[0]) == expected
    assert np.isnan(eta[1])
