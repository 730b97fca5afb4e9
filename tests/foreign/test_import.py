"""Hits of other programs become the hits that they were made of."""

import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from calovox.foreign.description import Description
from calovox.foreign.description_file import parse_description, read_description
from calovox.foreign.guessing import guess_description
from calovox.foreign.make import ForeignHits, import_hits
from calovox.foreign.tables import ForeignFileError
from calovox.foreign.tables.table import as_numbers
from calovox.hits import read_hits
from calovox.hits.file import HitsReader
from tests.foreign.foreign_files import (
    WRITERS,
    counts,
    primaries,
    rows_of_hits,
    showers,
    write_csv,
    write_edm4hep,
    write_jagged_tree,
    write_padded_hdf5,
)

HITS = showers()
ROWS = {
    "hits": {
        **{"event": "eventID", "x": "x", "y": "y", "z": "z", "energy": "edep"},
        **{"length_unit": "mm", "energy_unit": "MeV"},
    },
    "photons": {"energy": 65.0, "eta": 0.2, "phi": 0.1, "energy_unit": "GeV"},
}


def describe(**changes):
    """Give a description of rows of hits, with some keys changed, or removed by None."""
    sections = json.loads(json.dumps(ROWS))
    for key, value in changes.items():
        section, _, name = key.partition("_")
        sections[section][name] = value
        if value is None:
            del sections[section][name]
    return parse_description(sections)


def write_rows(path, rows):
    pa.csv.write_csv(pa.table(rows), path)
    return path


def convert(folder, paths, description, photons=()):
    output = folder / "imported.h5"
    content = import_hits(ForeignHits(paths, description, photons), output)
    return content, read_hits(output)


@pytest.mark.parametrize("write", WRITERS)
def test_hits_of_every_kind_of_file_come_back(tmp_path, write):
    paths, photons = write(tmp_path, HITS)
    guess = guess_description(paths[0], photons[0] if photons else None)
    content, hits = convert(tmp_path, paths, guess.description(), photons)
    assert np.array_equal(hits.event_offsets, HITS.event_offsets)
    assert np.array_equal(hits.layer, HITS.layer)
    for name in ("eta", "phi", "r", "energy"):
        assert getattr(hits, name) == pytest.approx(getattr(HITS, name), rel=3e-6, abs=1e-6)
    for name in ("energy", "eta", "phi", "index"):
        expected = getattr(HITS.photons, name)
        assert getattr(hits.photons, name) == pytest.approx(expected, rel=1e-9)
    assert content.n_hits == HITS.n_hits
    assert content.shares.total == pytest.approx(0.97, abs=1e-4)


def test_batches_do_not_change_the_result(tmp_path, monkeypatch):
    (path,), (photons,) = write_csv(tmp_path, HITS)
    description = guess_description(path, photons).description()
    _, whole = convert(tmp_path, [path], description, [photons])
    monkeypatch.setattr("calovox.foreign.tables.text._BLOCK", 2000)
    (tmp_path / "imported.h5").unlink()
    _, parts = convert(tmp_path, [path], description, [photons])
    assert np.array_equal(parts.event_offsets, whole.event_offsets)
    assert np.array_equal(parts.energy, whole.energy)


def test_guess_can_be_read_as_a_description(tmp_path):
    (path,), _ = write_edm4hep(tmp_path, HITS)
    guess = guess_description(path)
    (tmp_path / "import.toml").write_text(guess.text())
    assert read_description(tmp_path / "import.toml") == guess.description()
    assert guess.sections["photons"]["where"] == "MCParticles.generatorStatus"


def test_units_of_names_are_taken(tmp_path):
    rows = {"x_cm": [150.0], "y_cm": [0.0], "z_cm": [0.0], "E_GeV": [1.0], "event": [0]}
    truth = {"mc_energy_GeV": [1.1], "mc_eta": [0.0], "mc_phi": [0.0]}
    guess = guess_description(write_rows(tmp_path / "hits.csv", rows | truth))
    assert guess.sections["hits"]["length_unit"] == "cm"
    assert guess.sections["hits"]["energy_unit"] == "GeV"
    assert guess.sections["photons"]["energy_unit"] == "GeV"
    assert not guess.open


def test_what_is_ambiguous_stays_open(tmp_path):
    rows = rows_of_hits(HITS) | {"energy": HITS.energy}
    truth = {f"mc_{n}": np.repeat(getattr(HITS.photons, n), counts(HITS)) for n in ("eta", "phi")}
    truth["mc_E"] = np.full(HITS.n_hits, 1000.0)  # 1 GeV or 1 TeV
    path = write_rows(tmp_path / "hits.csv", rows | truth)
    guess = guess_description(path)
    assert "edep or energy" in guess.text()
    with pytest.raises(ForeignFileError, match=r"cannot tell `energy` .*edep or energy"):
        guess.description()
    del rows["energy"]
    guess = guess_description(write_rows(tmp_path / "hits.csv", rows | truth))
    with pytest.raises(ForeignFileError, match=r"cannot tell `energy_unit` of .photons."):
        guess.description()


def test_missing_photons_are_asked_for(tmp_path):
    (path,), _ = write_csv(tmp_path, HITS)
    with pytest.raises(ForeignFileError, match="--photons FILE"):
        guess_description(path).description()


def test_layers_are_named_by_the_description(tmp_path):
    rows = rows_of_hits(HITS) | {"sampling": HITS.layer.astype("i4") + 100}
    path = write_rows(tmp_path / "hits.csv", rows)
    named = describe(hits_layer="sampling")
    with pytest.raises(ForeignFileError, match=r"expected layers 0, 1, 2, 3, 12 .* got 10"):
        convert(tmp_path, [path], named)
    layers = {100 + number: number for number in (0, 1, 2, 3)} | {112: 255}
    content, hits = convert(tmp_path, [path], Description(named.hits, named.photons, layers))
    assert np.array_equal(hits.layer, HITS.layer[HITS.layer != 12])
    assert content.left_out.n_outside == (HITS.layer == 12).sum()
    assert "in no layer left out" in f"{content}"


def test_angles_and_scales_are_applied(tmp_path):
    rows = {
        **{"eventID": np.repeat(HITS.photons.index, counts(HITS)), "r": HITS.r / 1e3},
        **{"eta": HITS.eta, "phi": np.degrees(HITS.phi.astype("f8")), "e": 0.18 * HITS.energy},
    }
    path = write_rows(tmp_path / "hits.csv", rows)
    columns = {"eta": "eta", "phi": "phi", "r": "r", "x": None, "y": None, "z": None}
    units = {"energy": "e", "length_unit": "m", "angle_unit": "deg", "scale": 1 / 0.18}
    changes = {f"hits_{key}": value for key, value in (columns | units).items()}
    _, hits = convert(tmp_path, [path], describe(**changes))
    assert hits.phi == pytest.approx(HITS.phi, abs=1e-6)
    assert hits.energy == pytest.approx(HITS.energy, rel=1e-5)
    assert set(hits.photons.energy) == {65e3}


def test_showers_without_hits_are_kept_and_counted(tmp_path):
    rows = rows_of_hits(HITS)
    kept = rows["eventID"] != 2
    path = write_rows(tmp_path / "hits.csv", {k: v[kept] for k, v in rows.items()})
    truth = write_rows(tmp_path / "primaries.csv", primaries(HITS))
    description = guess_description(path, truth).description()
    content, hits = convert(tmp_path, [path], description, [truth])
    assert content.n_empty == 1
    assert hits.photons.index.tolist() == [0, 1, 3, 4, 5, 2]


def test_padding_is_left_out_and_counted(tmp_path):
    (path,), _ = write_padded_hdf5(tmp_path, HITS)
    content, _ = convert(tmp_path, [path], guess_description(path).description())
    padding = len(HITS) * counts(HITS).max() - HITS.n_hits
    assert content.left_out.n_without_energy == padding


def test_events_of_several_files_are_numbered_anew_on_request(tmp_path):
    (path,), _ = write_csv(tmp_path, HITS)
    with pytest.raises(ForeignFileError, match="event 0 comes more than once"):
        convert(tmp_path, [path, path], describe())
    _, hits = convert(tmp_path, [path, path], describe(hits_number_anew=True))
    assert hits.photons.index.tolist() == list(range(2 * len(HITS)))


def swap_rows(rows):
    order = np.argsort(np.arange(len(rows["x"])) % 2, kind="stable")
    return {key: values[order] for key, values in rows.items()}


@pytest.mark.parametrize(
    ("change", "changes", "match"),
    [
        (swap_rows, {}, "event 0 comes more than once: sort the rows by `eventID`"),
        (lambda r: r | {"x": r["x"] / 10}, {}, r"of the hits are in no layer"),
        (lambda r: r | {"x": np.where(r["x"] > 0, np.nan, r["x"])}, {}, "finite numbers in `x`"),
        (lambda r: r | {"x": r["x"] * 1e300}, {}, "numbers in `x`, of at most 1e.30"),
        (lambda r: r, {"hits_scale": 1e200}, "numbers in `edep in MeV`, of at most 1e.30"),
        (lambda r: r | {"eventID": r["eventID"] + 0.5}, {}, "whole numbers in `eventID`, got 0.5"),
        (lambda r: r | {"eventID": r["eventID"] - 1}, {}, "expected indices of 0 or more, got -1"),
        (
            lambda r: r,
            {"hits_energy": "E"},
            "expected a column of numbers `E`, its",
        ),
        (lambda r: r, {"hits_event": None}, "expected `event` in"),
        (lambda r: r, {"photons_energy": -1.0}, "expected"),
        (
            lambda r: r | {"pdg": np.full(len(r["x"]), 211)},
            {"photons_pdg": "pdg"},
            r"expected 22 .photons., 11 .electrons., -11 .positrons. in `pdg`, got 211 in event 0",
        ),
        (
            lambda r: r | {"pdg": np.where(r["eventID"] < 2, 11, -11)},
            {"photons_pdg": "pdg"},
            "one kind of particle, got electrons and, in event 2, a positron: import each kind",
        ),
        (lambda r: r | {"E0": r["x"]}, {"photons_energy": "E0"}, "the same `E0` in all rows of"),
        (lambda r: {k: v[:0] for k, v in r.items()}, {}, "its columns are none"),
    ],
)
def test_bad_rows_are_refused_and_nothing_is_written(tmp_path, change, changes, match):
    path = write_rows(tmp_path / "hits.csv", change(rows_of_hits(HITS)))
    with pytest.raises(ForeignFileError, match=match):
        convert(tmp_path, [path], describe(**changes))
    assert [entry.name for entry in tmp_path.iterdir()] == ["hits.csv"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"hits_energi": "e"}, "unknown key `energi`: did you mean `energy`"),
        ({"hits_length_unit": "?"}, r"`length_unit`: expected one of mm, cm, m, got '\?'"),
        ({"hits_energy_unit": None}, "expected `energy_unit`"),
        ({"hits_r": "r"}, "expected x, y, z or eta, phi, r or r, phi, z, got r, x, y, z"),
        ({"hits_scale": 0.0}, "`scale`: expected above 0"),
        ({"hits_scale": "big"}, "`scale`: expected a finite number, got 'big'"),
        ({"photons_pdg": 13.0}, r"`pdg`: expected 22 .photons., 11 .* got 13"),
        ({"photons_where": "status"}, "`where` and `equals` go together"),
        ({"photons_phi": None}, "expected px, py, pz or energy, eta, phi"),
    ],
)
def test_bad_descriptions_are_refused(changes, match):
    with pytest.raises(ForeignFileError, match=match):
        describe(**changes)


def test_photons_must_be_one_for_each_event(tmp_path):
    (path,), _ = write_csv(tmp_path, HITS)
    truth = primaries(HITS)
    twice = write_rows(tmp_path / "p.csv", {k: np.repeat(v, 2) for k, v in truth.items()})
    description = guess_description(path, write_csv(tmp_path, HITS)[1][0]).description()
    with pytest.raises(ForeignFileError, match="expected one photon for each event, got more for"):
        convert(tmp_path, [path], description, [twice])
    fewer = write_rows(tmp_path / "p.csv", {k: v[:-1] for k, v in truth.items()})
    with pytest.raises(ForeignFileError, match="expected the photon of event 5, which has hits"):
        convert(tmp_path, [path], description, [fewer])
    with pytest.raises(ForeignFileError, match="one for each of the 1 files"):
        ForeignHits([path], description, [fewer, fewer])


@pytest.mark.parametrize(("pdg", "particle"), [(11, "electron"), (-11, "positron")])
def test_electrons_and_positrons_are_stored_as_such(tmp_path, pdg, particle):
    (path,), _ = write_csv(tmp_path, HITS)
    truth = primaries(HITS) | {"pdg": np.full(len(HITS), pdg)}
    photons = write_rows(tmp_path / "p.csv", truth)
    description = guess_description(path, photons).description()
    content, hits = convert(tmp_path, [path], description, [photons])
    assert HitsReader(tmp_path / "imported.h5").particle == particle
    assert f"6 showers of {particle}s, " in f"{content}"
    kinetic = np.sqrt(HITS.photons.energy**2 + 0.511**2) - 0.511
    np.testing.assert_allclose(hits.photons.energy, kinetic, rtol=1e-6)


def test_a_number_of_the_description_says_what_the_particles_are(tmp_path):
    (path,), _ = write_csv(tmp_path, HITS)
    _, hits = convert(tmp_path, [path], describe(photons_pdg=11.0))
    assert HitsReader(tmp_path / "imported.h5").particle == "electron"
    assert set(hits.photons.energy) == {65e3}


def test_several_files_have_one_kind_of_particle(tmp_path):
    rows = rows_of_hits(HITS)
    paths = [
        write_rows(tmp_path / f"{code}.csv", rows | {"pdg": np.full(HITS.n_hits, code)})
        for code in (11, 22)
    ]
    description = describe(photons_pdg="pdg", hits_number_anew=True)
    with pytest.raises(ForeignFileError, match="got electrons and, in event 6, a photon"):
        convert(tmp_path, paths, description)
    assert not (tmp_path / "imported.h5").exists()


def test_energies_that_cancel_are_refused(tmp_path):
    rows = rows_of_hits(HITS)
    first = rows["eventID"] == 0
    signs = np.where(first & (rows["z"] * np.sign(rows["z"][0]) > np.abs(rows["z"][0])), -1.0, 1.0)
    energy = rows["edep"] * signs
    energy[0] -= energy[first].sum() - 1e-3
    path = write_rows(tmp_path / "hits.csv", rows | {"edep": energy})
    with pytest.raises(ValueError, match=r"the energies of event 0 cancel"):
        convert(tmp_path, [path], describe())


@pytest.mark.parametrize("content", [b"", b"#a head\n", b"1,2\n3,4\n", b"\x00\xff" * 9, b"a\n"])
def test_what_is_no_table_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "hits.csv").write_bytes(content)
    with pytest.raises(ForeignFileError) as caught:
        guess_description(tmp_path / "hits.csv").description()
    assert f"{tmp_path / 'hits.csv'}" in f"{caught.value}"
    assert "\n" not in f"{caught.value}"


def test_foreign_hdf5_files_pass_the_gate(tmp_path):
    with h5py.File(tmp_path / "hits.h5", "w") as file:
        file["x"] = h5py.ExternalLink("elsewhere.h5", "x")
    with pytest.raises(ForeignFileError, match="a link to another file"):
        guess_description(tmp_path / "hits.h5")


def test_trees_are_chosen_by_name(tmp_path):
    (path,), _ = write_jagged_tree(tmp_path, HITS)
    with pytest.raises(ForeignFileError, match="no tree `event`: did you mean `events`"):
        convert(tmp_path, [path], describe(hits_table="event"))


def test_files_say_how_they_were_imported(tmp_path):
    (path,), (photons,) = write_csv(tmp_path, HITS)
    description = guess_description(path, photons).description()
    convert(tmp_path, [path], description, [photons])
    provenance = HitsReader(tmp_path / "imported.h5").provenance
    assert parse_description(provenance["description"]) == description
    assert set(provenance["files"]) == {"hits.csv", "primaries.csv"}


def test_signalling_nan_is_a_number_that_is_not_finite():
    values = np.array([0x7FA00000], dtype=np.uint32).view(np.float32)
    assert np.isnan(as_numbers(values)).all()
