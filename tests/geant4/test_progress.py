import io

import numpy as np
from rich.console import Console

from calovox.geant4 import ShardDone, shower_progress
from calovox.geant4.progress import ProgressCounter
from calovox.photons import Photons


def make_photons():
    return Photons(np.full(10, 1e4), np.zeros(10), np.zeros(10), np.arange(10))


def test_rate_counts_only_what_this_run_simulated():
    counter = ProgressCounter(make_photons(), now=0.0)
    counter.add(ShardDone(5, 5e4, resumed=True))
    assert counter.describe(1.0) == "5/10 showers"
    counter.add(ShardDone(2, 2e4, resumed=False))
    assert counter.describe(2.0) == "7/10 showers, 10 GeV/s, 0:03 left"


def test_plain_lines_without_a_terminal():
    text = io.StringIO()
    with shower_progress(make_photons(), Console(file=text)) as advance:
        advance(ShardDone(4, 4e4, resumed=False))
        advance(ShardDone(6, 6e4, resumed=False))
    lines = text.getvalue().splitlines()
    assert lines[-1].startswith("Geant4: 10/10 showers, ")
    assert all("\x1b" not in line for line in lines)


def test_bar_on_a_terminal():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with shower_progress(make_photons(), console) as advance:
        advance(ShardDone(10, 1e5, resumed=False))
    assert "10/10 showers" in text.getvalue()
