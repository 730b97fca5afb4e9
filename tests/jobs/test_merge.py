"""Files of several jobs are merged into that of one."""

import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.dataset import writer as dataset_writer
from calovox.geometry import barrel_cells
from calovox.hits import HitsReader, HitsWriter
from calovox.hits import file as hits_file
from calovox.jobs import merge_files
from calovox.photons import Fixed, Photons, draw_photons, event_indices, photons_digest
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.cli.commands.test_chain import fail, succeed
from tests.toy_onnx import describe_toy_folder, write_toy_onnx
from tests.toy_showers import toy_showers

GRID = VoxelGrid.optimal()


def photons(first: int, number: int) -> Photons:
    events = event_indices(first, number)
    return draw_photons(events, energy=Fixed(65e3), eta=Fixed(0.2), seed=1)


def made_with(first: int, number: int, **changes: object) -> dict[str, object]:
    settings = {"first_event": first, "number": number, "seed": 1, **changes}
    return {"program": "calovox", "command": "simulate", "settings": settings}


def write_hits(path: Path, first: int, number: int, **changes: object) -> Path:
    with HitsWriter(path, provenance=made_with(first, number, **changes)) as writer:
        for event in range(first, first + number):
            writer.append(toy_showers(1, photons=photons(event, 1), n_hits=40))
    return path


def write_dataset(path: Path, first: int, number: int, **changes: object) -> Path:
    hits = [
        toy_showers(1, photons=photons(event, 1), n_hits=40)
        for event in range(first, first + number)
    ]
    provenance = made_with(first, number, **changes)
    with DatasetWriter(path, GRID, provenance=provenance, cell_table="barrel") as writer:
        for shower in hits:
            writer.append(hits_to_voxels(shower, GRID), hits_to_cells(shower, barrel_cells()))
    return path


def toy_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    (folder / "toy").mkdir()
    write_toy_onnx(folder / "toy" / "toy.onnx")
    describe_toy_folder(folder / "toy", ["toy.onnx"])


def test_jobs_of_simulate_give_the_files_of_one_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_folder(monkeypatch, tmp_path)
    command = "simulate --model toy --energy 65GeV --eta abs:0.2:0.25 --cells --compression gzip"
    for name, first, number in (("a", 0, 2), ("b", 2, 3), ("c", 5, 1), ("all", 0, 6)):
        events = f"-n {number} --first-event {first} --hits {name}_hits.h5 -o {name}.h5"
        succeed(*f"{command} {events}".split())
    for name in ("", "_hits"):
        succeed("merge", *(f"{job}{name}.h5" for job in "cab"), "-o", f"merged{name}.h5")
        assert Path(f"merged{name}.h5").read_bytes() == Path(f"all{name}.h5").read_bytes()
    for name in ("a", "b", "c", "merged"):
        succeed("reconstruct", f"{name}.h5", "-o", f"{name}.parquet")
    said = succeed("merge", "a.parquet", "b.parquet", "c.parquet", "-o", "shapes.parquet")
    assert "6 events, 0 to 5" in said.stdout
    shapes, whole = (pq.read_table(name) for name in ("shapes.parquet", "merged.parquet"))
    assert shapes.equals(whole)
    made = json.loads(shapes.schema.metadata[b"calovox"])["provenance"]
    assert made["settings"]["file"] == ["a.h5", "b.h5", "c.h5"]


@pytest.mark.parametrize("write", [write_hits, write_dataset])
def test_a_file_does_not_depend_on_its_batches(
    write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits_file, "_BUFFERED_HITS", 130)
    monkeypatch.setattr(dataset_writer, "_BUFFERED_EVENTS", 4)
    jobs = [write(tmp_path / f"{first}.h5", first, 5) for first in (0, 5)]
    merge_files(jobs, tmp_path / "merged.h5")
    whole = write(tmp_path / "whole.h5", 0, 10)
    assert (tmp_path / "merged.h5").read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("write", [write_hits, write_dataset])
def test_doubled_events_are_refused(write: object, tmp_path: Path) -> None:
    jobs = [write(tmp_path / "a.h5", 0, 3), write(tmp_path / "b.h5", 2, 3)]
    with pytest.raises(ValueError, match=r"a.h5, .*b.h5: event 2 occurs more than once"):
        merge_files(jobs, tmp_path / "merged.h5")
    assert not (tmp_path / "merged.h5").exists()


def test_jobs_of_another_seed_are_refused(tmp_path: Path) -> None:
    jobs = [write_hits(tmp_path / "a.h5", 0, 3), write_hits(tmp_path / "b.h5", 3, 3, seed=2)]
    with pytest.raises(ValueError, match=r"not parts of one run: made with settings.seed 1 and 2"):
        merge_files(jobs, tmp_path / "merged.h5")


def test_other_formats_are_refused(tmp_path: Path) -> None:
    jobs = [write_hits(tmp_path / "a.h5", 0, 2), write_dataset(tmp_path / "b.h5", 2, 2)]
    with pytest.raises(ValueError, match="the format hits and dataset"):
        merge_files(jobs, tmp_path / "merged.h5")


def test_missing_events_are_told_and_written_down(tmp_path: Path) -> None:
    jobs = [write_dataset(tmp_path / f"{first}.h5", first, 2) for first in (6, 0)]
    merged = merge_files(jobs, tmp_path / "merged.h5")
    assert merged.warnings == ("events 2 to 5 are in no file",)
    reader = DatasetReader(tmp_path / "merged.h5")
    assert reader.provenance["event_ranges"] == [[0, 2], [6, 2]]
    later = write_dataset(tmp_path / "later.h5", 2, 4)
    merge_files([tmp_path / "merged.h5", later], tmp_path / "whole.h5")
    assert "event_ranges" not in DatasetReader(tmp_path / "whole.h5").provenance


def test_calibrations_of_parts_are_refused(tmp_path: Path) -> None:
    jobs = [write_dataset(tmp_path / f"{first}.h5", first, 2) for first in (0, 2)]
    for job in jobs:
        with h5py.File(job, "a") as file:
            file["meta"].create_group("calibration")["e"] = np.full(2, len(job.name) + file.id.id)
    with pytest.raises(ValueError, match="give the hits of all jobs to one calovox voxelize"):
        merge_files(jobs, tmp_path / "merged.h5")


def test_merged_hits_of_geant4_carry_the_checksum_of_all_photons(tmp_path: Path) -> None:
    for first in (0, 2):
        part = photons(first, 2)
        made = {"source": "Geant4", "n_events": 2, "photons_sha256": photons_digest([part])}
        with HitsWriter(tmp_path / f"{first}.h5", provenance=made) as writer:
            writer.append(toy_showers(2, photons=part, n_hits=9))
    merge_files([tmp_path / "0.h5", tmp_path / "2.h5"], tmp_path / "all.h5")
    made = HitsReader(tmp_path / "all.h5").provenance
    assert made["n_events"] == 4
    assert made["photons_sha256"] == photons_digest([photons(0, 4)])


def test_a_dataset_without_indices_is_refused(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "a.h5", 0, 2)
    with h5py.File(path, "a") as file:
        del file["event/index"]
    with pytest.raises(ValueError, match="has no `event/index`"):
        merge_files([path], tmp_path / "merged.h5")


def test_rows_of_a_file_of_photons_are_shared_by_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_folder(monkeypatch, tmp_path)
    write_dataset(tmp_path / "photons.h5", 0, 5)
    command = "simulate --model toy --photons photons.h5"
    succeed(*f"{command} -n 2 -o a.h5".split())
    succeed(*f"{command} -n 3 --first-event 2 -o b.h5".split())
    succeed(*f"{command} -n 5 -o all.h5".split())
    succeed("merge", "a.h5", "b.h5", "-o", "merged.h5")
    assert Path("merged.h5").read_bytes() == Path("all.h5").read_bytes()
    fail(*f"{command} -n 1 --first-event 5 -o c.h5".split(), match="6 photons or more")


def test_showers_of_a_library_are_shared_by_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "library.h5", 0, 5)
    for matching in ("perfect", "displaced"):
        command = f"simulate --model library.h5 --matching {matching} --placement note"
        succeed(*f"{command} -n 2 --force -o a.h5".split())
        succeed(*f"{command} -n 3 --first-event 2 --force -o b.h5".split())
        succeed(*f"{command} -n 5 --force -o all.h5".split())
        succeed("merge", "a.h5", "b.h5", "--force", "-o", "merged.h5")
        assert Path("merged.h5").read_bytes() == Path("all.h5").read_bytes()
    command = "simulate --model library.h5 --first-event 5 -o c.h5"
    fail(*command.split(), match="expected a row of library.h5")
