from dataclasses import replace

import h5py
import numpy as np
import pytest

from calovox.patterns import DensityStep
from calovox.patterns.file import PatternFileError, is_pattern_file, read_patterns, write_patterns
from tests.patterns.showers import GRID, toy_library


@pytest.fixture
def path(tmp_path):
    write_patterns(tmp_path / "patterns.h5", toy_library())
    return tmp_path / "patterns.h5"


def test_a_library_comes_back(path):
    library, again = toy_library(), read_patterns(path)
    assert again.grid == GRID
    for name in ("energies", "n_showers", "counts", "sides", "n_deposits", "r", "alpha", "share"):
        assert np.array_equal(getattr(again, name), getattr(library, name)), name
    assert again.energy == pytest.approx(library.energy, rel=2**-11)
    assert again.meta["provenance"] == {"made": "for a test"}
    assert is_pattern_file(path)


def test_libraries_of_version_1_have_one_range_of_abs_eta(path):
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 1
        del_steps(file)
        del file["eta_borders"]
        for name in ("n_showers", "counts"):
            values = file[name][0]
            del file[name]
            file[name] = values
    again = read_patterns(path)
    assert len(again.eta_borders) == 0
    assert np.array_equal(again.counts, toy_library().counts)


def test_libraries_before_version_5_know_no_sides(path):
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 4
        del file["sides"]
    again = read_patterns(path)
    assert again.sides.shape == (len(again), 6)
    assert not again.sides.any()


def test_libraries_of_version_2_have_no_steps(path):
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 2
        del_steps(file)
    again = read_patterns(path)
    assert again.steps == ()
    assert np.array_equal(again.counts, toy_library().counts)


def test_libraries_of_version_3_have_steps(tmp_path):
    steps = (DensityStep(3, 0.8, 0.12),)
    write_patterns(tmp_path / "steps.h5", replace(toy_library(), steps=steps))
    with h5py.File(tmp_path / "steps.h5", "r+") as file:
        file.attrs["version"] = 3
    assert read_patterns(tmp_path / "steps.h5").steps == steps


def del_steps(file):
    for name in ("step_layer", "step_eta", "step_ratio"):
        del file[name]


def test_steps_come_back(tmp_path):
    steps = DensityStep(3, 0.8, 0.12), DensityStep(2, 1.0, 1.5)
    library = replace(toy_library(), steps=steps, meta={"step_showers": [{"n_showers": 57}]})
    write_patterns(tmp_path / "steps.h5", library)
    again = read_patterns(tmp_path / "steps.h5")
    assert again.steps == steps
    assert again.meta["step_showers"] == [{"n_showers": 57}]


def test_existing_files_are_kept(path):
    with pytest.raises(FileExistsError):
        write_patterns(path, toy_library())
    write_patterns(path, toy_library(), overwrite=True)


def test_a_file_that_is_none_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["format"] = "other"
    assert not is_pattern_file(tmp_path / "other.h5")
    with pytest.raises(PatternFileError, match="is no library of patterns"):
        read_patterns(tmp_path / "other.h5")


def change(name, values):
    def damage(file):
        old = file[name]
        del file[name]
        file[name] = np.asarray(values(old) if callable(values) else values)

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.attrs.__setitem__("version", 6), "expected version 5"),
        (lambda file: file.__delitem__("share"), "numbers of type u1 in `share`"),
        (lambda file: file.__delitem__("meta"), "expected the grid as TOML"),
        (
            lambda file: file["meta"].attrs.__setitem__("phi_modulation", '"present"'),
            "expected a table in `phi_modulation`, got str",
        ),
        (change("energies", np.array([2.0, 1.0])), "must be above 0 and rise"),
        (change("layer", np.zeros(60, dtype="u1")), "`layer` is not that of the radial bins"),
        (change("n_alpha", lambda number: 2 * number[()]), "`n_alpha` is not that of"),
        (change("counts", np.ones((1, 2, 3), dtype="u4")), "expected `counts` of shape"),
        (change("counts", np.ones(4, dtype="u4")), "expected another shape of `counts`"),
        (change("sides", lambda sides: sides[:, :4]), "expected 6 values of `sides` a pattern"),
    ],
)
def test_damage_is_one_clear_line(path, damage, message):
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(PatternFileError, match=message):
        read_patterns(path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("energy", lambda energy: energy[::-1].copy(), "must rise among the patterns"),
        (
            "energy",
            lambda energy: energy * np.float32(np.nan),
            "finite values of `energy` above 0",
        ),
        ("n_deposits", lambda number: 0 * number, "`n_deposits` of 1 or more"),
        ("n_deposits", lambda number: 2 * number, "values of `r`, as `n_deposits` says"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(name, values, message):
    library = toy_library()
    with pytest.raises(ValueError, match=message):
        replace(library, **{name: values(getattr(library, name))})


def test_too_many_deposits_for_the_file_are_refused(tmp_path):
    library = toy_library()
    number = np.array([70_000])
    counts = np.zeros_like(library.counts)
    counts[0, 0, 0] = 1
    code = np.zeros(70_000, dtype=np.uint8)
    large = replace(
        library,
        counts=counts,
        energy=library.energy[:1],
        sides=library.sides[:1],
        n_deposits=number,
        r=code,
        alpha=code,
        share=code,
    )
    with pytest.raises(ValueError, match="expected up to 65535 deposits in a voxel, got 70000"):
        write_patterns(tmp_path / "large.h5", large)
