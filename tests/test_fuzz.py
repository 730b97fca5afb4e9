"""The fuzzer itself: its inputs follow from seed and number, and it notices what must not be."""

import json
import os
import signal
import time
import warnings

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calovox.binned_shower.root_matrix import write_root_matrices
from fuzz.mutations import mutate_file
from fuzz.outcomes import call_reader
from fuzz.tally import Tally
from fuzz.targets import TARGETS, Target
from fuzz.watch import Watch
from fuzz.worker import Case
from tests.toy_calochallenge import write_binning


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file["values"] = np.arange(6.0)
        file["group/more"] = np.arange(4)
        file.attrs["settings"] = json.dumps({"seed": 1})


def write_parquet(path):
    metadata = {b"calovox": b'{"version": 1}'}
    pq.write_table(
        pa.table({"a": [1.0, 2.0], "b": [1, 2]}).replace_schema_metadata(metadata), path
    )


WRITERS = {
    "a.csv": lambda path: path.write_text("energy,eta\n1,0.2\n"),
    "a.h5": write_hdf5,
    "a.json": lambda path: path.write_text('{"a": [1, {"b": "c"}]}'),
    "a.parquet": write_parquet,
    "a.root": lambda path: write_root_matrices(path, {"m": np.ones((2, 3))}),
    "a.toml": lambda path: path.write_text('a = 1\nb = "c"\n[d]\ne = [1.5]\n'),
    "a.xml": write_binning,
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_input_follows_from_seed_and_number_alone(name, tmp_path):
    path = tmp_path / name
    WRITERS[name](path)
    intact = path.read_bytes()
    results = []
    for number in [*range(12), *range(12)]:
        path.write_bytes(intact)
        change = mutate_file(path, Case("toy", number, seed=1).rng())
        size = path.stat().st_size
        # ROOT files hold the time when they were written
        results.append((change, size if name == "a.root" else path.read_bytes()))
    assert results[:12] == results[12:]
    assert len({result[1] for result in results}) > 3


def refuse(folder, out):
    raise ValueError("damaged")


def fail(folder, out):
    raise IndexError("from a library")


def warn(folder, out):
    warnings.warn("overflow", RuntimeWarning, stacklevel=1)


def accept(folder, out):
    assert (folder / "a.json").exists()


def crash(folder, out):
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(folder, out):
    time.sleep(60)


def look_outside(folder, out):
    (folder / "../outside/secret.txt").read_bytes()


def write_outside(folder, out):
    (folder / "../escaped").write_text("")


@pytest.mark.parametrize(
    ("reader", "kind"),
    [(refuse, "refused"), (fail, "traceback"), (warn, "noise"), (accept, "accepted")],
)
def test_outcomes_are_told_apart_as_the_command_line_does(reader, kind, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert call_reader(reader, tmp_path, tmp_path).kind == kind


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_every_way_to_fail_is_noticed_and_kept(tmp_path, monkeypatch):
    corpus, kept = tmp_path / "corpus", tmp_path / "kept"
    (corpus / "toy").mkdir(parents=True)
    (corpus / "toy" / "a.json").write_text('{"a": 1}')
    readers = {
        "accepted": accept,
        "crash": crash,
        "escape": look_outside,
        "hang": hang,
        "traceback": fail,
        "written": write_outside,
    }
    for name, reader in readers.items():
        monkeypatch.setitem(TARGETS, name, Target("toy", ("a.json",), (reader,)))
    tally = Tally(kept)
    watch = Watch(corpus, tmp_path / "work", n_workers=1, limit_s=1.0, keep=tally.add)
    watch.run(Case(name, 0, seed=1) for name in readers)
    tally.write(tmp_path / "counts.json")
    counts = json.loads((tmp_path / "counts.json").read_text())["targets"]
    found = {name: next(kind for kind, n in row.items() if n) for name, row in counts.items()}
    assert found == {name: name for name in readers} | {"written": "escape"}
    assert len(list(kept.glob("*/about.txt"))) == tally.n_failures == 5
    assert list(kept.glob("crash*/input/a.json"))
