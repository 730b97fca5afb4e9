"""Showers of cells and points of other programs: to hits and back."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.dataset import DatasetReader
from calovox.foreign.points import PointOptions, export_points, open_foreign_points
from calovox.foreign.points.calogan import calogan_detector
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry.detector_files import parse_detector, read_detector
from calovox.hits import read_hits
from calovox.hits.file import HitsReader

IMAGES = ((3, 96), (12, 12), (12, 6))
PLANES = """
name = "endcap"
eta_range = [1.6, 2.4]
[[layers]]
number = 0
count = 3
surface = "plane"
inner = 3210.0
thickness = 12.0
[cells]
per_eta = 40
n_phi = 256
eta = [1.5, 2.5]
"""
CYLINDERS = """
name = "barrel of points"
eta_range = [0.0, 1.0]
[[layers]]
number = 3
count = 5
surface = "cylinder"
inner = 1800.0
thickness = 6.0
[cells]
per_eta = 100
n_phi = 512
eta = [0.0, 1.2]
"""


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def message(result):
    return " ".join(result.output.split())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planes.toml").write_text(PLANES)
    (tmp_path / "cylinders.toml").write_text(CYLINDERS)
    return tmp_path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of all layouts, what becomes of them, and a dataset."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "planes.toml").write_text(PLANES)
    (folder / "cylinders.toml").write_text(CYLINDERS)
    write(folder / "a.h5", images(2))
    write_clouds(folder / "c.h5", clouds())
    write_hexagons(folder)
    planes = ("--detector", folder / "planes.toml", "--places", folder / "places.csv")
    for words in (
        ("import", folder / "a.h5", "-o", folder / "h.h5"),
        ("voxelize", folder / "h.h5", "-o", folder / "v.h5"),
        ("import", folder / "hgcal.h5", *planes, "-o", folder / "p.h5"),
    ):
        assert run(*words).exit_code == 0
    return folder


def write(path, columns):
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[name] = values
    return columns


def images(n_events=7, **changes):
    rng = np.random.default_rng(2)
    energy = rng.uniform(1.0, 100.0, (n_events, 1))
    layers = {}
    for number, shape in enumerate(IMAGES):
        pixels = rng.gamma(0.3, size=(n_events, *shape)) * (rng.random((n_events, *shape)) < 0.3)
        pixels *= 300.0 * energy[:, :, None] / pixels.sum(axis=(1, 2), keepdims=True)
        layers[f"layer_{number}"] = pixels
    return layers | {"energy": energy, "overflow": np.zeros((n_events, 3))} | changes


def hexagons(n_rings=4, pitch=12.0):
    """Middles of hexagons about a point, row by row."""
    rows, columns = np.meshgrid(np.arange(-n_rings, n_rings + 1), np.arange(-n_rings, n_rings + 1))
    x = pitch * (columns + 0.5 * (rows % 2))
    return x.ravel(), (0.5 * np.sqrt(3.0) * pitch * rows).ravel()


def write_hexagons(folder, *, n_events=5, eta=2.0, phi=1.57, unit=1.0, cell=10):
    """Showers in hexagons about the axis of particles of one direction, and their places."""
    x, y = hexagons()
    r = 3228.0 / np.sinh(abs(eta))
    lines = ["layer,cell,x,y"]
    for layer in range(3):
        for number, (dx, dy) in enumerate(zip(x, y, strict=True)):
            place = (r * np.cos(phi) + dx, r * np.sin(phi) + dy)
            lines.append(f"{layer},{number},{place[0] * unit},{place[1] * unit}")
    (folder / "places.csv").write_text("\n".join(lines) + "\n")
    rng = np.random.default_rng(4)
    showers = rng.random((n_events, 3, len(x))) * (rng.random((n_events, 3, len(x))) < 0.2)
    showers[:, :, cell] = 0.01
    truth = np.stack(
        [rng.uniform(50, 100, n_events), np.full(n_events, eta), np.full(n_events, phi)], axis=1
    )
    showers *= truth[:, :1, None] / showers.sum(axis=(1, 2), keepdims=True) / 200.0
    return write(folder / "hgcal.h5", {"showers": showers.astype("f4"), "gen_info": truth})


def clouds(n_events=6, n_columns=4, **changes):
    rng = np.random.default_rng(6)
    showers = np.empty(n_events, dtype=object)
    counts = rng.integers(5, 30, n_events)
    for event, count in enumerate(counts):
        columns = [rng.normal(scale=20.0, size=count) for _ in range(2)]
        columns += [rng.integers(0, 5, count), rng.exponential(size=count) * 0.1]
        columns += [np.zeros(count)] * (n_columns - 4)
        showers[event] = np.stack(columns, axis=1).astype("f4").ravel()
    directions = np.tile([0.0, 0.0, 1.0], (n_events, 1))
    return {
        "showers": showers,
        "energies": rng.uniform(2.0, 5.0, (n_events, 1)).astype("f4"),
        "directions": directions,
        "pdg": np.full(n_events, 22, dtype="i4"),
        "shower_ids": np.arange(n_events, dtype="i4"),
        "shape": np.array([n_events, counts.max(), n_columns]),
        "num_points": counts.astype("i4"),
    } | changes


def write_clouds(path, columns):
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            if name == "showers" and values.dtype == object:
                lists = h5py.vlen_dtype(np.dtype("f4"))
                column = file.create_dataset(name, values.shape, lists)
                for event, numbers in enumerate(values):
                    column[event] = numbers
            else:
                file[name] = values
    return columns


def test_images_of_calogan_become_hits_and_come_back(folder):
    columns = write(folder / "a.h5", images())
    result = run("import", "a.h5", "--particle", "positron", "-o", "hits.h5")
    assert result.exit_code == 0, result.output
    assert "7 showers of positrons from CaloGAN" in message(result)
    assert "mean E_tot/E_kin 0.9 (by layer 0: 0.3, 1: 0.3, 2: 0.3), 0 % of the hits in no" in (
        message(result)
    )
    reader = HitsReader(folder / "hits.h5")
    assert (reader.particle, reader.detector.name) == ("positron", "CaloGAN")
    result = run("export-showers", "hits.h5", "--layout", "calogan", "-o", "again.h5")
    assert result.exit_code == 0, result.output
    with h5py.File(folder / "again.h5") as file:
        for name, values in columns.items():
            np.testing.assert_allclose(file[name][()], values, rtol=3e-7)


def test_every_pixel_of_calogan_has_a_cell_of_the_detector(folder):
    full = {f"layer_{layer}": np.ones((1, *shape)) for layer, shape in enumerate(IMAGES)}
    write(folder / "a.h5", full | {"energy": [[1.0]]})
    (hits,) = open_foreign_points(folder / "a.h5").batches(10)
    found = calogan_detector().cells.lookup().find(hits.layer, hits.eta, hits.phi)
    assert found.min() >= 0
    assert len(np.unique(found)) == hits.n_hits == sum(a * b for a, b in IMAGES)


def test_a_pixel_of_calogan_lies_at_its_place(folder):
    layer_0 = np.zeros((1, 3, 96))
    layer_0[0, 2, 50] = 5.0
    write(folder / "a.h5", images(1, layer_0=layer_0))
    (hits,) = open_foreign_points(folder / "a.h5").batches(10)
    first = hits.layer == 0
    assert hits.eta[first] * 1500.0 == pytest.approx([12.5])  # 2.5 cells of 5 mm
    assert hits.phi[first] * 1500.0 == pytest.approx([160.0])


def test_hits_beside_the_images_are_overflow(folder):
    write(folder / "a.h5", images(2))
    assert run("import", "a.h5", "-o", "hits.h5").exit_code == 0
    with h5py.File(folder / "hits.h5", "a") as file:
        file["eta"][:5] = 0.3
        lost = file["energy"][:5].sum()
    result = run("export-showers", "hits.h5", "--layout", "calogan", "-o", "again.h5")
    assert result.exit_code == 0, result.output
    assert "% of the energy beside all cells" in result.output
    with h5py.File(folder / "again.h5") as file:
        assert file["overflow"][0, 0] == pytest.approx(lost, rel=1e-6)


def test_hexagons_become_hits_and_come_back(folder):
    columns = write_hexagons(folder)
    words = ("import", "hgcal.h5", "--places", "places.csv", "--detector", "planes.toml")
    result = run(*words, "--scale", 200, "-o", "hits.h5")
    assert result.exit_code == 0, result.output
    assert "5 showers of photons from HGCal" in message(result)
    assert "mean E_tot/E_kin 1 (by layer" in message(result)
    hits = read_hits(folder / "hits.h5")
    assert np.abs(hits.eta - 2.0).max() < 0.15
    assert hits.photons.eta.tolist() == [2.0] * 5
    words = ("export-showers", "hits.h5", "--layout", "hgcal", "--places", "places.csv")
    result = run(*words, "--scale", 1 / 200, "-o", "again.h5")
    assert result.exit_code == 0, result.output
    with h5py.File(folder / "again.h5") as file:
        for name, values in columns.items():
            np.testing.assert_allclose(file[name][()], values, rtol=1e-6)


def test_hits_go_to_the_hexagon_that_they_are_in(folder):
    write_hexagons(folder)
    words = ("import", "hgcal.h5", "--places", "places.csv", "--detector", "planes.toml")
    assert run(*words, "-o", "hits.h5").exit_code == 0
    rng = np.random.default_rng(1)
    with h5py.File(folder / "hits.h5", "a") as file:
        shift = 4.0 * rng.uniform(-1, 1, len(file["phi"]))  # mm; hexagons are 12 mm wide
        file["r"][...] += shift.astype("f4")
    n_events, outside = export_points(
        folder / "hits.h5", folder / "again.h5", "hgcal", places=folder / "places.csv"
    )
    assert (n_events, outside) == (5, 0.0)
    with h5py.File(folder / "again.h5") as again, h5py.File(folder / "hgcal.h5") as first:
        np.testing.assert_allclose(again["showers"][()], first["showers"][()], rtol=1e-6)


@pytest.mark.parametrize("n_columns", [4, 5])
def test_point_clouds_become_hits_and_come_back(folder, n_columns):
    columns = write_clouds(folder / "a.h5", clouds(n_columns=n_columns))
    result = run("import", "a.h5", "--detector", "cylinders.toml", "-o", "hits.h5")
    assert result.exit_code == 0, result.output
    result = run("export-showers", "hits.h5", "--layout", "showerdata", "-o", "again.h5")
    assert result.exit_code == 0, result.output
    with h5py.File(folder / "again.h5") as file:
        assert file["shape"][()].tolist() == [6, columns["num_points"].max(), 4]
        for name in ("energies", "directions", "pdg", "shower_ids", "num_points"):
            np.testing.assert_allclose(file[name][()], columns[name], rtol=1e-6)
        for old, new in zip(columns["showers"], file["showers"][()], strict=True):
            old = old.reshape(-1, n_columns)[:, :4]
            np.testing.assert_allclose(new.reshape(-1, 4), old, rtol=1e-5, atol=2e-4)


def test_inclined_point_clouds_lie_about_their_axis(folder):
    direction = np.array([0.3, -0.5, 0.8])
    depth = 6.0 * (np.arange(5) + 0.5)
    along = np.stack([depth * 0.3 / 0.8, depth * -0.5 / 0.8, np.arange(5), np.ones(5)], axis=1)
    showers = np.empty(1, dtype=object)
    showers[0] = along.astype("f4").ravel()
    changes = {"showers": showers, "shape": np.array([1, 5, 4]), "energies": np.ones((1, 1))}
    write_clouds(folder / "a.h5", clouds(1, directions=direction[None], **changes))
    detector = read_detector(folder / "cylinders.toml")
    source = open_foreign_points(folder / "a.h5", PointOptions(detector))
    (hits,) = source.batches(10)
    assert hits.photons.eta[0] == pytest.approx(np.arcsinh(-0.5 / np.hypot(0.3, 0.8)))
    assert hits.photons.phi[0] == pytest.approx(np.arctan2(0.3, 0.8))
    np.testing.assert_allclose(hits.eta, hits.photons.eta[0], atol=1e-6)
    np.testing.assert_allclose(hits.phi, hits.photons.phi[0], atol=1e-6)
    assert hits.layer.tolist() == [3, 4, 5, 6, 7]


def test_voxelize_finds_the_distances_of_the_planes(folder):
    """Of a particle across the layers, a ring holds the points between its radii."""
    columns = write_clouds(folder / "a.h5", clouds())
    assert run("import", "a.h5", "--detector", "cylinders.toml", "-o", "h.h5").exit_code == 0
    lines = [
        f"[[layers]]\nnumber = {n}\nr_edges = [0, 15, 45]\nn_alpha = [1, 1]" for n in range(3, 8)
    ]
    (folder / "rings.toml").write_text('name = "two"\n' + "\n".join(lines))
    result = run("voxelize", "h.h5", "--grid", "optimal", "--center", "photon", "-o", "d.h5")
    assert result.exit_code == 0, result.output
    voxels = DatasetReader(folder / "d.h5").read()
    layer = np.zeros((6, 5))
    for event, numbers in enumerate(columns["showers"]):
        points = numbers.reshape(-1, 4)
        np.add.at(layer[event], points[:, 2].astype(int), points[:, 3])
    np.testing.assert_allclose(
        voxels.layer_energy, layer / columns["energies"], rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (images(layer_1=np.ones((7, 12, 10))), r"`layer_1` of shape \(7, 12, 12\), got"),
        (
            images(layer_2=np.full((7, 12, 6), -1.0)),
            "not negative, got -1.0 in event 0",
        ),
        (images(energy=np.zeros((7, 1))), "numbers above 0 in `energy`"),
        ({"showers": np.ones((5, 10, 4)), "energies": np.ones((5, 1))}, "a dataset `shape`"),
        (clouds(pdg=np.full(6, 211)), "one kind of particle in `pdg` out of 22 .* got 211: write"),
        (clouds(pdg=np.array([11] * 3 + [22] * 3)), "one kind .* got 11, 22: write each kind"),
        (clouds(shape=np.array([6, 30, 3])), "of points of 4 or 5 numbers"),
        (clouds(directions=np.tile([0, 1.0, 0], (6, 1))), "`directions` that cross the layers"),
        (clouds(n_columns=5, shape=np.array([6, 30, 4])), "layers from 0 to 4|4 numbers for each"),
    ],
)
def test_damaged_files_are_refused(folder, columns, match):
    write_clouds(folder / "a.h5", columns)
    options = PointOptions(read_detector(folder / "cylinders.toml"))
    with pytest.raises(ForeignFileError, match=match):
        [*open_foreign_points(folder / "a.h5", options).batches(10)]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("import", "c.h5"), "file of showerdata: say where its layers lie with --detector FILE"),
        (("import", "c.h5", "--detector", "planes.toml"), "expected cylinders for point clouds"),
        (("import", "c.h5", "--particle", "electron"), "--particle is not for showers of showerd"),
        (
            ("import", "hgcal.h5", "--detector", "planes.toml"),
            "say where its cells lie with --pl",
        ),
        (
            ("import", "hgcal.h5", "--detector", "cylinders.toml", "--places", "places.csv"),
            "expected planes of one abs(z) each for showers of HGCal",
        ),
        (
            ("import", "a.h5", "--detector", "planes.toml"),
            "--detector is not for showers of Calo",
        ),
        (("import", "a.h5", "--scale", "0"), "--scale: expected above 0, got 0"),
        (("export-showers", "v.h5", "--layout", "calogan"), "takes a hits file, got dataset"),
        (
            ("export-showers", "h.h5", "--layout", "calochallenge"),
            "a dataset file, got hits",
        ),
        (("export-showers", "h.h5", "--layout", "hgcal"), "say where the cells lie with --places"),
        (
            ("export-showers", "h.h5", "--layout", "hgcal", "--places", "places.csv"),
            "expected planes of one abs(z) each",
        ),
        (("export-showers", "p.h5", "--layout", "calogan"), "needs hits in its own layers, as"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(files, monkeypatch, words, match):
    monkeypatch.chdir(files)
    result = run(*words, "-o", "out.h5")
    assert result.exit_code == 2
    assert match in message(result)
    assert not (files / "out.h5").exists()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"unit": 0.1}, "are `x` and `y` of .* in mm, from the beam axis?"),
        ({"cell": 80}, "energies in cells of .* alone, got some in cell 80 of layer 0"),
    ],
)
def test_places_that_cannot_be_are_refused(folder, changes, match):
    write_hexagons(folder, **changes)
    if "cell" in changes:
        lines = (folder / "places.csv").read_text().splitlines()
        (folder / "places.csv").write_text("\n".join(x for x in lines if ",80," not in x) + "\n")
    options = PointOptions(read_detector(folder / "planes.toml"), folder / "places.csv")
    with pytest.raises(ForeignFileError, match=match):
        [*open_foreign_points(folder / "hgcal.h5", options).batches(10)]


def test_dry_run_says_what_a_file_is(folder):
    write(folder / "a.h5", images(2))
    result = run("import", "a.h5", "-o", "h.h5", "--dry-run")
    assert "2 showers of CaloGAN, as hits in 3 layers of the detector 'CaloGAN'" in result.output


def test_detectors_of_the_page_can_be_read():
    page = (Path(__file__).parents[2] / "docs" / "own_showers.md").read_text(encoding="utf-8")
    texts = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    layers = [len(parse_detector(text, "page").layers) for text in texts]
    assert layers == [28, 30]
