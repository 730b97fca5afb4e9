import math

import pytest

from calovox.units import format_energy, parse_quantity


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("65GeV", "energy", 65e3),
        ("4.2 TeV", "energy", 4.2e6),
        ("256MeV", "energy", 256.0),
        ("1e2keV", "energy", 0.1),
        ("0.5mm", "length", 0.5),
        ("1.15m", "length", 1150.0),
        ("180deg", "angle", math.pi),
    ],
)
def test_parse_quantity_converts_to_the_units_of_the_library(text, kind, value):
    assert parse_quantity(text, kind) == pytest.approx(value)


@pytest.mark.parametrize("text", ["65", "65 gev", "GeV", "6 5GeV", "", "65mm"])
def test_parse_quantity_refuses_text_without_a_known_unit(text):
    with pytest.raises(ValueError, match="units keV, MeV, GeV, TeV"):
        parse_quantity(text, "energy")


def test_format_energy_keeps_three_digits():
    assert [format_energy(e) for e in (256.0, 65e3, 4.194e6)] == ["256 MeV", "65 GeV", "4.19 TeV"]
