import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from calovox.photons import (
    NoteSpectrum,
    Photons,
    SignedUniform,
    concatenate_photons,
    draw_photons,
    parse_energies,
    parse_etas,
    photons_digest,
)


def test_note_spectrum_density_integrates_to_one_over_log_energy():
    spectrum = NoteSpectrum()
    area, _ = integrate.quad(
        lambda x: float(spectrum.density(np.array(math.exp(x)))),
        math.log(2**8),
        math.log(2**22),
        points=[math.log(2**19)],
    )
    assert area == pytest.approx(1.0, abs=1e-9)


def test_note_spectrum_falls_to_one_over_e_at_its_end():
    spectrum = NoteSpectrum()
    ends = spectrum.density(np.array([2.0**19, 2.0**22]))
    assert ends[1] / ends[0] == pytest.approx(math.exp(-1.0))


def test_note_spectrum_samples_follow_the_density():
    spectrum = NoteSpectrum()
    u = (np.arange(100_000) + 0.5) / 100_000
    edges = np.linspace(math.log(2**8), math.log(2**22), 29)
    counts, _ = np.histogram(np.log(spectrum.quantile(u)), edges)
    middle = spectrum.density(np.exp(0.5 * (edges[1:] + edges[:-1])))
    assert counts / 100_000 == pytest.approx(middle * np.diff(edges), rel=5e-3)


def test_photons_do_not_depend_on_the_batch():
    settings = {"energy": NoteSpectrum(), "eta": SignedUniform(0.2, 0.25), "seed": 3}
    whole = draw_photons(np.arange(100), **settings)
    part = draw_photons(np.arange(40, 60), **settings)
    assert np.array_equal(whole[40:60].energy, part.energy)
    assert np.array_equal(whole[40:60].phi, part.phi)


def test_signed_uniform_is_flat_on_both_sides():
    photons = draw_photons(
        np.arange(10_000), energy=NoteSpectrum(), eta=SignedUniform(0.2, 0.25), seed=5
    )
    assert stats.kstest((np.abs(photons.eta) - 0.2) / 0.05, "uniform").pvalue > 1e-3
    assert abs(np.mean(photons.eta > 0) - 0.5) < 4 * 0.5 / 100
    assert np.all((photons.phi >= -np.pi) & (photons.phi < np.pi))


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("65GeV", (65e3, 65e3)),
        ("49GeV:98GeV", (49e3, 98e3)),
        ("log:256MeV:65GeV", (256.0, 65e3)),
        ("spectrum", (2.0**8, 2.0**22)),
    ],
)
def test_parse_energies_gives_the_range_asked_for(text, ends):
    assert parse_energies(text).quantile(np.array([0.0, 1.0])) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("parse", "text", "outside"),
    [
        (parse_energies, "65GeV", (65.1e3, 0.0)),
        (parse_energies, "49GeV:98GeV", (48.9e3, 98e3)),
        (parse_energies, "log:256MeV:65GeV", (255.0, 65e3)),
        (parse_energies, "spectrum", (2.0**7, 2.0**23)),
        (parse_etas, "0", (0.001, -0.001)),
        (parse_etas, "-0.2:0.1", (-0.3, 0.1)),
        (parse_etas, "abs:0.2:0.25", (0.1, 0.25, -0.25)),
    ],
)
def test_distributions_hold_what_they_draw_and_nothing_else(parse, text, outside):
    distribution = parse(text)
    u = np.linspace(0.0, 1.0, 100, endpoint=False)
    assert distribution.holds(distribution.quantile(u)).all()
    assert not distribution.holds(np.array(outside)).any()


@pytest.mark.parametrize("text", ["65", "98GeV:49GeV", "log:0GeV:1GeV", "a:b:c:d", "-3GeV"])
def test_parse_energies_refuses_nonsense(text):
    with pytest.raises(ValueError, match="expected"):
        parse_energies(text)


@pytest.mark.parametrize("text", ["x", "1:0", "abs:-1:1", "log:0.1:0.2"])
def test_parse_etas_refuses_nonsense(text):
    with pytest.raises(ValueError, match="expected"):
        parse_etas(text)


def test_photons_refuse_an_energy_of_zero():
    zeros = np.zeros(2)
    with pytest.raises(ValueError, match=r"energies above 0, got 0\.0 in event 1"):
        Photons(np.array([1.0, 0.0]), zeros, zeros, np.arange(2))


def test_joined_photons_keep_weights_and_what_all_of_them_know():
    plain = Photons(np.ones(2), np.zeros(2), np.zeros(2), np.arange(2))
    weighted = replace(plain, weight=np.array([0.5, 2.0]), interaction_radius=np.full(2, np.inf))
    joined = concatenate_photons([plain, weighted])
    np.testing.assert_array_equal(joined.weight, [1.0, 1.0, 0.5, 2.0])
    assert joined.interaction_radius is None
    assert concatenate_photons([plain, plain]).weight is None
    np.testing.assert_array_equal(weighted[1:].weight, [2.0])
    assert photons_digest([weighted]) == photons_digest([plain])


@pytest.mark.parametrize(
    ("name", "message"), [("weight", "weights above 0"), ("interaction_radius", "radii of 0")]
)
def test_impossible_weights_and_radii_are_refused(name, message):
    plain = Photons(np.ones(2), np.zeros(2), np.zeros(2), np.arange(2))
    with pytest.raises(ValueError, match=f"Photons: expected {message}.*event 1"):
        replace(plain, **{name: np.array([1.0, -1.0])})
