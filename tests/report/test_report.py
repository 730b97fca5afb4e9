import json
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from markupsafe import escape

from calovox.report.plain import to_plain
from calovox.report.report import write_report
from calovox.samples.files import EvaluationFiles
from calovox.scores.table import Scores
from tests.keys import json_keys

FIGURES = {
    "summary-central",
    "shapes-central",
    "response",
    "response-profiles",
    "response-slices",
    "layer-fractions",
    "layers",
    "position",
    "average-optimal",
    "average-regular",
    "one-shower",
    "spectrum",
    "interpolation",
}
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, name):
        return [attributes for tag, attributes in self.attributes if tag == name]


@pytest.fixture(scope="module")
def folder(written):
    return written[1]


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "index.html").read_text())


def test_every_figure_is_a_picture_and_a_vector_graphic(folder):
    for name in FIGURES:
        assert (folder / "figures" / f"{name}.png").stat().st_size > 5_000
        assert (folder / "figures" / f"{name}.svg").read_text().rstrip().endswith("</svg>")


def test_report_leaves_no_other_file_and_no_partial_folder(folder):
    assert {path.stem for path in (folder / "figures").iterdir()} == FIGURES
    assert {path.name for path in folder.iterdir()} == {
        *("figures", "gates.json", "index.html", "report.json", "scores.json", "scores.parquet")
    }
    assert list(folder.parent.iterdir()) == [folder]


def test_page_is_well_formed_and_holds_every_figure(page):
    assert page.open == []
    assert {figure["id"].removeprefix("figure-") for figure in page.all("figure")} == FIGURES
    assert len(page.all("img")) == len(FIGURES)


def test_page_needs_nothing_but_itself(page):
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    names = {attributes["id"] for _, attributes in page.attributes if "id" in attributes}
    for tag, attributes in page.attributes:
        link = attributes.get("href", "#main")
        assert link.startswith("data:") or link[1:] in names, f"{tag}: {link}"
    assert page.all("script") == []


def test_page_can_be_read_without_eyes_and_mouse(page):
    assert all(len(image["alt"]) > 10 for image in page.all("img"))
    headings = [int(tag[1]) for tag, _ in page.attributes if tag in ("h1", "h2", "h3")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert len(page.all("caption")) == len(page.all("table")) > 3
    assert all("scope" in cell for cell in page.all("th"))
    assert {"header", "nav", "main"} <= {tag for tag, _ in page.attributes}
    first_link = page.all("a")[0]
    assert first_link == {"class": "skip", "href": "#main"}
    names = [attributes["id"] for _, attributes in page.attributes if "id" in attributes]
    assert len(names) == len(set(names))


def test_page_tells_files_hashes_settings_and_versions(folder, datasets):
    text = (folder / "index.html").read_text()
    numbers = json.loads((folder / "report.json").read_text())
    files = numbers["provenance"]["files"]
    roles = ["gates", "Geant4", "optimal", "regular", "one shower"]
    assert [file["role"] for file in files] == roles
    assert all(file["sha256"] in text for file in files)
    assert "reference = &#34;reference.h5&#34;" in text
    assert f"calovox {numbers['calovox']}" in text


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
    assert len(numbers["missing"]) == 12


def test_json_holds_what_came_of_the_gates(folder):
    gates = json.loads((folder / "report.json").read_text())["gates"]
    assert [(gate["sample"], gate["kept"]) for gate in gates] == [
        ("optimal", True),
        ("regular", True),
        ("optimal", False),
        ("regular", False),
    ]
    assert gates[0]["n_passed"] == gates[2]["n_failed"] == len(gates[2]["lines"]) > 0


def test_interface_of_reports_is_kept(folder, full_report, check_interface):
    content = json.loads(json.dumps(to_plain(full_report.numbers)))
    check_interface("report_json.txt", json_keys(content))
    for name in ("scores", "gates"):
        content = json.loads((folder / f"{name}.json").read_text())
        check_interface(f"{name}_json.txt", json_keys(content))


def test_everything_that_is_not_shown_is_named(written, folder):
    text = (folder / "index.html").read_text()
    lines = json.loads((folder / "report.json").read_text())["missing"]
    for wanted in ("--slices", "--classifier", "--curve", "--referee", "0.75 < |η|", "Scores"):
        assert any(wanted in line for line in lines), wanted
    for line in lines:
        assert escape(line) in text


@pytest.mark.usefixtures("blank_pictures")
def test_a_report_without_cells_has_scores_of_voxels_alone(datasets, tmp_path):
    said = []
    files = EvaluationFiles(
        reference=[datasets["without_cells"]], simulated={"optimal": [datasets["optimal"]]}
    )
    write_report(files, tmp_path / "report", progress=said.append)
    numbers = json.loads((tmp_path / "report" / "report.json").read_text())
    assert numbers["regions"] == numbers["responses"] == numbers["average_showers"] == []
    line = "Shower shapes: without_cells.h5 has no cell energies: Geant4 is left out"
    assert line in numbers["missing"]
    assert f"Not shown: {line}" in said
    assert [file["role"] for file in numbers["provenance"]["files"]] == ["Geant4", "optimal"]
    assert Page((tmp_path / "report" / "index.html").read_text()).open == []


def test_scores_are_written_twice(folder):
    scores = Scores.from_json(folder / "scores.json")
    assert {score.sample for score in scores} == {"optimal", "regular"}
    assert len(Scores.from_parquet(folder / "scores.parquet")) == len(scores) > 0


def test_report_is_replaced_only_on_request_and_only_if_it_is_one(datasets, folder, tmp_path):
    files = EvaluationFiles(reference=[datasets["reference"]])
    with pytest.raises(FileExistsError, match="--force"):
        write_report(files, folder)
    (tmp_path / "precious").mkdir()
    with pytest.raises(FileExistsError, match="is no report"):
        write_report(files, tmp_path / "precious", overwrite=True)


def test_failed_report_leaves_nothing(datasets, tmp_path):
    with pytest.raises(ValueError, match=r"expected the note's .*|hits"):
        write_report(EvaluationFiles(reference=[datasets["hits"]]), tmp_path / "report")
    assert list(tmp_path.iterdir()) == []
