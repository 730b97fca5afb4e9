"""How the origin of training showers is summed up."""

from typing import Any

import pytest

from calovox.export.provenance import (
    gather_provenances,
    group_hits,
    name_files_once,
    spread_provenances,
)


def test_files_made_alike_are_one_entry_and_nothing_is_lost() -> None:
    alike = {"source": "Geant4", "cut": 0.1}
    hits = [
        {**alike, "seed": 1, "n_events": 5, "photons_sha256": "a"},
        {**alike, "cut": 0.2, "seed": 2, "n_events": 6, "photons_sha256": "b"},
        {**alike, "seed": 3, "n_events": 7},
    ]
    provenance = {"command": "voxelize", "hits": hits}
    data = {"training": {"n_showers": 18, "files": [{"name": "x", "provenance": provenance}]}}
    (file,) = group_hits(data)["training"]["files"]
    assert file["provenance"]["command"] == "voxelize"
    first, second = file["provenance"]["hits"]
    assert first == {
        **alike,
        "files": [{"seed": 1, "n_events": 5, "photons_sha256": "a"}, {"seed": 3, "n_events": 7}],
    }
    assert second["cut"] == 0.2
    assert len(provenance["hits"]) == 3  # what was given is as it was


def test_showers_of_unknown_origin_stay_as_they_are() -> None:
    data = {"training": {"n_showers": 1, "files": [{"name": "x", "provenance": {}}]}}
    assert group_hits(data) == data


def test_a_file_given_several_times_is_named_once_with_how_often() -> None:
    late, other = ({"name": name, "provenance": {"seed": 1}} for name in ("late", "other"))
    data = {"training": {"n_showers": 9, "files": [late, other, late, late]}}
    once = name_files_once(data)
    assert once == {"training": {"n_showers": 9, "files": [late | {"times": 3}, other]}}
    assert name_files_once(once) == once


def test_where_a_dataset_comes_from_is_said_once_however_often_it_is_named() -> None:
    def data(*names: str) -> dict[str, Any]:
        files = [
            {"name": name, "sha256": f"hash of {name}", "provenance": {"hits": [{"seed": name}]}}
            for name in names
        ]
        return {"training": {"n_showers": len(names), "files": files}}

    corrections = [{"steps": 5, "data": data("b", "c")}, {"steps": 6, "data": data("a", "c")}]
    parts = {"energies": {"data": data("a")}, "shapes": {"data": data("b")}}
    parts["shapes"]["corrections"] = corrections
    models = [{"file": "one.onnx", **parts}, {"file": "other.onnx", **parts}]
    gathered, provenances = gather_provenances(models)
    assert provenances == [{"hits": [{"seed": name}]} for name in "abc"]
    assert gathered[1]["shapes"]["corrections"][0]["data"]["training"]["files"] == [
        {"name": "b", "sha256": "hash of b", "provenance": 1},
        {"name": "c", "sha256": "hash of c", "provenance": 2},
    ]
    assert spread_provenances(gathered, provenances) == models
    assert spread_provenances(models, []) == models  # as models of before have it
    with pytest.raises(IndexError):
        spread_provenances(gathered, [])
