"""Small searches: showers of toy detectors, and grids to begin with."""

from functools import cache

from calovox.geometry import atlas_barrel
from calovox.grid_search import GridSearch, SearchSettings, read_showers, search_grid
from calovox.voxelization import Ring, VoxelGrid
from tests.toy_detector import disks, showers_in, three_layers
from tests.toy_showers import toy_showers

RINGS = (
    Ring(0.0, 20.0, 10.0, 4),
    Ring(20.0, 60.0, 40.0, 4),
    Ring(60.0, 1000.0, 940.0, 2),
)
VOXELS = {"barrel": 30, "three": 20, "disks": 12}
DETECTORS = {"barrel": atlas_barrel(), "three": three_layers(), "disks": disks()}


def start_of(name):
    """A grid of 14 voxels in every layer."""
    detector = DETECTORS[name]
    names = tuple(layer.name for layer in detector.layers)
    return VoxelGrid(dict.fromkeys(detector.numbers, RINGS), "start", names=names)


def hits_of(name, n_events):
    if name == "barrel":
        return toy_showers(n_events, n_hits=400)
    return showers_in(DETECTORS[name], n_events, n_hits=180)


@cache
def showers_of(name, n_events=100):
    hits = hits_of(name, n_events)
    batches = [hits[:35], hits[35:]]
    return read_showers(batches, start_of(name), DETECTORS[name])


def search_of(name, n_events=100, **settings):
    settings = SearchSettings(**{"auc": False, **settings})
    return GridSearch(showers_of(name, n_events), start_of(name), DETECTORS[name], settings)


@cache
def path_of(name):
    return search_grid(search_of(name, voxels=VOXELS[name]))
