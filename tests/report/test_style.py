import matplotlib
import pytest

from calovox.report.style import simulated_line, simulated_marker, style


@pytest.mark.parametrize("look", [simulated_line, simulated_marker])
def test_many_simulations_look_different_each(look):
    looks = {str(look(place)) for place in range(14)}
    assert len(looks) == 14
    in_grey = {str({**look(place), "color": "", "markerfacecolor": ""}) for place in range(7)}
    assert len(in_grey) == 7


def test_style_leaves_no_trace():
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["savefig.dpi"] >= 150
    assert dict(matplotlib.rcParams) == before
