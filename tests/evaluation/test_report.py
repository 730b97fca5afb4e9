import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from calovox.evaluation import report as room
from calovox.evaluation.plain import to_plain
from calovox.evaluation.report import write_report

FIGURES = (
    "summary-central",
    "shapes-central",
    "response",
    "response-profiles",
    "layer-fractions",
    "average-optimal",
    "average-regular",
    "one-shower",
    "spectrum",
    "interpolation",
)
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(datasets, tmp_path_factory):
    output = tmp_path_factory.mktemp("report") / "report"
    patch = pytest.MonkeyPatch()
    patch.setattr(room, "_N_SPECTRUM", 10_000)
    patch.setattr(room, "_N_RADII", 10_000)
    simulated = {"optimal": datasets["optimal"], "regular": datasets["regular"]}
    report = write_report(datasets["reference"], simulated, output, hits=datasets["hits"])
    patch.undo()
    return report, output


@pytest.fixture(scope="module")
def folder(written):
    return written[1]


@pytest.mark.parametrize("name", FIGURES)
def test_report_draws_the_figure(folder, name):
    assert (folder / f"{name}.png").stat().st_size > 5_000
    assert (folder / f"{name}.svg").read_text().rstrip().endswith("</svg>")


def test_report_leaves_no_other_figure_and_no_partial_folder(folder):
    assert {path.stem for path in folder.glob("*.png")} == set(FIGURES)
    assert list(folder.parent.iterdir()) == [folder]


def test_page_is_well_formed_and_its_links_exist(folder):
    page = Page()
    page.feed((folder / "index.html").read_text())
    assert page.open == []
    for link in page.links:
        assert link.startswith("#") or (folder / link).is_file()
    assert {link[:-4] for link in page.links if link.endswith(".png")} == set(FIGURES)


def test_page_without_regions_hits_and_simulations_is_well_formed(written):
    report = written[0]
    reduced = replace(
        report, samples=report.samples[:1], regions=(), responses=(), averages=(), image=None
    )
    page = Page()
    page.feed(room._render(reduced))
    assert page.open == []


def test_json_holds_the_numbers_drawn(folder):
    numbers = json.loads((folder / "report.json").read_text())
    assert numbers["format"] == "calovox report"
    assert [sample["label"] for sample in numbers["samples"]] == ["Geant4", "optimal", "regular"]
    (central,) = numbers["regions"]
    first = central["observables"][0]
    assert first["name"] == "e_raw"
    assert sum(first["reference"]["all_counts"]) == central["n_reference"]
    assert set(first["simulated"][0]["chi2"]) == {"value", "ndf", "reduced"}
    assert set(first["simulated"][0]["paired"]) >= {"mean", "mean_error", "shift", "spread"}
    assert set(first["floor"]) == {"mean", "low", "high", "n_splits"}
    assert len(numbers["average_showers"][0]["density"]) == 382
    assert len(numbers["missing"]) == 3


def test_report_is_replaced_only_on_request_and_only_if_it_is_one(datasets, folder, tmp_path):
    with pytest.raises(FileExistsError, match="--force"):
        write_report(datasets["reference"], {}, folder)
    (tmp_path / "precious").mkdir()
    with pytest.raises(FileExistsError, match="is no report"):
        write_report(datasets["reference"], {}, tmp_path / "precious", overwrite=True)


def test_failed_report_leaves_nothing(datasets, tmp_path):
    with pytest.raises(ValueError, match="no cell energies"):
        write_report(datasets["without_cells"], {}, tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_numbers_become_plain():
    plain = to_plain({"a": np.float32(0.1), "b": np.int64(3), "c": (np.inf, None, True)})
    assert plain == {"a": 0.1, "b": 3, "c": [None, None, True]}
    assert json.dumps(plain, allow_nan=False)
