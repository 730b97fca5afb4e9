import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calovox.geometry.coordinates import (
    eta_phi_kernel,
    polar_kernel,
    to_eta_phi,
    to_polar,
    wrap_phi,
    wrap_phi_kernel,
)
from tests.reference.geometry import polar_of_note

etas = st.floats(-1.4, 1.4)
phis = st.floats(-math.pi, math.pi, exclude_max=True)
shifts = st.floats(-0.7, 0.7)
phi_shifts = st.floats(-3.1, 3.1)
radii = st.floats(1400.0, 2600.0)
TINY = 5e-324
property_test = settings(deadline=None, max_examples=100)  # the first call may compile


def difference(phi, other):
    return abs(float(wrap_phi(phi - other)))


@property_test
@given(etas, phis, shifts, phi_shifts, radii)
@example(-0.3, 3.1415, 0.01, 0.01, 1500.0)
@example(0.3, -math.pi, 0.0, 0.0, 1500.0)
@example(-TINY, -3.1415, -0.01, -0.01, 1500.0)
def test_hit_to_polar_and_back_is_the_same_point(eta_center, phi_center, d_eta, d_phi, r_center):
    eta, phi = eta_center + d_eta, float(wrap_phi(phi_center + d_phi))
    center = (eta_center, phi_center, r_center)
    r, alpha = to_polar(eta, phi, *center)
    eta_back, phi_back = to_eta_phi(r, alpha, *center)
    assert abs(eta_back - eta) < 1e-9
    assert difference(phi_back, phi) < 1e-9
    assert -math.pi <= phi_back < math.pi


@property_test
@given(st.floats(0.0, 1300.0), st.floats(0.0, 2 * math.pi, exclude_max=True), etas, phis, radii)
@example(0.0, 0.0, -0.5, -math.pi, 1500.0)
@example(0.0, 3.0, 0.5, math.pi - 1e-12, 1500.0)
def test_polar_to_hit_and_back_is_the_same_point(r, alpha, eta_center, phi_center, r_center):
    center = (eta_center, phi_center, r_center)
    r_back, alpha_back = to_polar(*to_eta_phi(r, alpha, *center), *center)
    assert abs(r_back - r) < 1e-9
    assert r * difference(alpha_back, alpha) < 1e-9
    assert 0 <= alpha_back < 2 * math.pi


@property_test
@given(etas, phis, shifts, phi_shifts, radii)
def test_to_polar_is_the_formula_of_the_note(eta_center, phi_center, d_eta, d_phi, r_center):
    arguments = (eta_center + d_eta, phi_center + d_phi, eta_center, phi_center, r_center)
    r, alpha = to_polar(*arguments)
    r_note, alpha_note = polar_of_note(*arguments)
    assert r == pytest.approx(r_note, rel=1e-12, abs=1e-9)
    assert r * difference(alpha, alpha_note) < 1e-9


@property_test
@given(etas, phis, shifts, phi_shifts, radii)
@example(0.2, 1.0, 1e-17, -1e-320, 1500.0)
def test_kernels_equal_the_array_functions(eta_center, phi_center, d_eta, d_phi, r_center):
    center = (eta_center, phi_center, r_center)
    point = (eta_center + d_eta, phi_center + d_phi)
    polar = polar_kernel(*point, *center)
    np.testing.assert_allclose(polar, [float(x) for x in to_polar(*point, *center)], rtol=1e-14)
    back = eta_phi_kernel(*polar, *center)
    expected = [float(x) for x in to_eta_phi(*polar, *center)]
    np.testing.assert_allclose(back, expected, rtol=1e-14, atol=1e-15)


@property_test
@given(st.floats(0.01, 1.4), phis, shifts, phi_shifts, radii)
def test_polar_coordinates_are_mirrored_in_eta(eta_center, phi_center, d_eta, d_phi, r_center):
    phi = phi_center + d_phi
    plus = to_polar(eta_center + d_eta, phi, eta_center, phi_center, r_center)
    minus = to_polar(-(eta_center + d_eta), phi, -eta_center, phi_center, r_center)
    assert [float(x) for x in plus] == [float(x) for x in minus]


@property_test
@given(st.floats(-1e3, 1e3))
@example(math.pi)
@example(-math.pi)
@example(np.nextafter(-math.pi, -4.0))
@example(np.nextafter(math.pi, 4.0))
@example(3 * math.pi)
def test_wrapped_phi_is_in_range_and_the_same_direction(phi):
    wrapped = float(wrap_phi(phi))
    assert -math.pi <= wrapped < math.pi
    assert math.cos(wrapped - phi) == pytest.approx(1.0, abs=1e-12)
    assert wrapped == wrap_phi_kernel(phi)
    if -math.pi <= phi < math.pi:
        assert wrapped == phi


@property_test
@given(etas, radii)
def test_distance_along_eta_is_that_of_the_notes_jacobian(eta, r_center):
    J = abs(2.0 * math.exp(-eta) / (1.0 + math.exp(-2.0 * eta)))
    A = math.hypot(r_center, r_center * math.sinh(eta))
    r, _ = to_polar(eta + 0.01, 0.0, eta, 0.0, r_center)
    assert pytest.approx(0.01 * J * A, rel=1e-9) == float(r)


def test_arguments_broadcast():
    eta = np.linspace(-0.1, 0.1, 6).reshape(2, 3)
    r, alpha = to_polar(eta, 0.1, np.array([[0.2], [-0.2]]), 0.0, np.full(3, 1500.0))
    assert r.shape == alpha.shape == (2, 3)
    eta_back, phi_back = to_eta_phi(r, alpha, np.array([[0.2], [-0.2]]), 0.0, 1500.0)
    np.testing.assert_allclose(eta_back, eta, atol=1e-12)
    np.testing.assert_allclose(phi_back, 0.1, atol=1e-12)


def test_single_precision_is_computed_in_double():
    eta, phi = np.float32([0.21]), np.float32([-1.7])
    r, _ = to_polar(eta, phi, 0.2, -1.71, 1500.0)
    expected, _ = polar_of_note(float(eta[0]), float(phi[0]), 0.2, -1.71, 1500.0)
    assert r.dtype == np.float64
    assert r[0] == pytest.approx(expected, rel=1e-12)
