import numpy as np
import pytest

from calovox.report.topics.inputs.measure import draw_interpolations, draw_spectrum


def test_spectrum_is_drawn_as_expected():
    spectrum = draw_spectrum(20_000, seed=1)
    assert spectrum.counts.sum() == 20_000
    assert spectrum.expected.sum() == pytest.approx(20_000, rel=1e-3)
    chi2 = np.sum((spectrum.counts - spectrum.expected) ** 2 / spectrum.expected)
    assert chi2 < len(spectrum.counts) + 4 * np.sqrt(2 * len(spectrum.counts))


def test_drawn_radii_follow_their_densities():
    for result in draw_interpolations(200_000, seed=1):
        centers = 0.5 * (result.edges[1:] + result.edges[:-1])
        expected = np.interp(centers, result.r, result.density)
        np.testing.assert_allclose(result.drawn, expected, atol=0.03)
