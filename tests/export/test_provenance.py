"""How the origin of training showers is summed up."""

from calovox.export.provenance import group_hits, name_files_once


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
