"""The page as HTML, without a browser: sections, tables, and what a screen reader is told."""

import re
from html.parser import HTMLParser

import pytest

from tests.toy_report import NAMES, toy_scores


class Table(HTMLParser):
    """Texts of the cells of one table, row by row, with and without what is only seen."""

    def __init__(self, text):
        super().__init__()
        self.rows: list[list[str]] = []
        self._silent = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "span" and ("aria-hidden", "true") in attrs:
            self._silent += 1

    def handle_endtag(self, tag):
        if tag == "span" and self._silent:
            self._silent -= 1

    def handle_data(self, data):
        if self.rows and self.rows[-1] and not self._silent:
            self.rows[-1][-1] += data


def table(page, name):
    """What a screen reader hears of the cells of a table."""
    (content,) = re.findall(rf'<caption id="{name}">.*?</caption>(.*?)</table>', page, re.DOTALL)
    return [[" ".join(cell.split()) for cell in row] for row in Table(content).rows]


def test_page_needs_nothing_from_elsewhere(full_page):
    assert "<script" not in full_page
    links = re.findall(r'(?:href|src)="([^"]*)"', full_page)
    names = re.findall(r' id="([^"]+)"', full_page)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= set(names)
    assert len(names) == len(set(names))
    for targets in re.findall(r'aria-labelledby="([^"]+)"', full_page):
        assert set(targets.split()) <= set(names)


def test_pictures_and_tables_have_names(full_page):
    images = re.findall(r"<img[^>]*>", full_page)
    assert len(images) > 10
    assert all(re.search(r'alt="[^"]{10,}"', image) for image in images)
    assert full_page.count("<caption") == full_page.count("<table") > 20
    assert all("scope=" in cell for cell in re.findall(r"<th[ >][^>]*", full_page))


def test_no_table_is_a_tab_stop_by_itself(full_page):
    assert 'class="scroll" role="group"' in full_page
    assert not re.search(r'class="scroll[^>]*tabindex', full_page)


@pytest.mark.parametrize(
    "name", ["overview-table", "chi2-central", "chi2-response-slices", "layers-central"]
)
def test_marks_are_heard_as_well_as_seen(full_page, name):
    (content,) = re.findall(rf'<caption id="{name}">.*?</table>', full_page, re.DOTALL)
    marked = re.findall(r'<td class="[^"]*(?:good|fair|poor)"[^>]*>(.*?)</td>', content, re.DOTALL)
    assert len(marked) > 0
    assert all(re.search(r'class="hidden">[a-z ]+: </span>', cell) for cell in marked)


def test_overview_has_two_rows_per_metric_and_a_column_per_simulation(full_page):
    head, *rows = table(full_page, "overview-table")
    assert head == ["Metric", "Events", "Floor", *NAMES]
    assert rows[0][:3] == ["Separation power", "all", "0.01"]
    assert rows[0][3:5] == ["at the floor: 0.01 0 of 3", "at the floor: 0.014 0 of 3"]
    assert rows[1][0] == "bins"
    n_bins = len(table(full_page, "scores-1-bins")) - 1
    assert rows[1][-1] == f"clearly off: 0.03 {3 * (n_bins - 1)} of {3 * (n_bins - 1)}"


def test_every_metric_has_a_table_in_bins(full_page):
    titles = re.findall(r"<summary>([^:]*): (\d+) scores</summary>", full_page)
    assert ("Classifier AUC, high-level", "180") in titles
    assert len(titles) == 10
    head, first, *rows = table(full_page, "scores-1-bins")
    assert head == ["Energy", "|η|", *NAMES]
    assert first[:2] == ["all", "all"]
    assert first[2].startswith("at the floor: 0.0100 ± 0.0010floor 0.0100 ± 0.0010")
    assert ["E < 1.5 GeV", "|η| < 0.05"] in [row[:2] for row in rows]


def test_classifier_shows_both_inputs_with_floor_seeds_and_calibration(full_page):
    for name, auc in (("voxels", "0.620"), ("high-level", "0.720")):
        head, *rows = table(full_page, f"classifier-{name}")
        assert "Divergence [bit]" in head
        assert [row[0] for row in rows] == [*NAMES, "Geant4 halves"]
        assert rows[0][2] == auc
        assert len(rows[0][5].split(", ")) == 5
        assert "±" in rows[0][6]
    assert "not with published ones" in " ".join(full_page.split())


def test_events_outside_the_axes_are_stated_for_simulations_too(full_page):
    _, *rows = table(full_page, "chi2-slices-central")
    assert [row[0] for row in rows[:6]] == list(NAMES)
    for row in (*rows[:6], rows[-1]):
        assert all(re.search(r"\d+ \| \d+$", cell) for cell in row[4:])
    _, *rows = table(full_page, "response-counts")
    assert [row[0] for row in rows] == ["Geant4", *NAMES]
    _, first, *_ = table(full_page, "chi2-response-slices")
    assert len(first) == 3 + len(NAMES)
    assert all(re.search(r"\d+ \| \d+$", cell) for cell in first[3:])


def test_page_says_what_the_total_energy_is_the_sum_of(full_page):
    text = " ".join(re.sub(r"<[^>]+>", "", full_page).split())
    assert "Etot is here the sum of all cells" in text
    assert "Etot, here the sum of all voxels" in text


def test_gates_are_shown_for_each_sample(full_page):
    head, ks, frechet, kept = table(full_page, "gates-table")
    assert head == ["Metric", "Bound", *NAMES]
    assert ks[2] == f"kept: all {len(toy_scores().select(sample=NAMES[0], metric='ks'))}"
    assert re.fullmatch(r"not kept: \d+ of \d+", ks[-1])
    assert frechet[2] == "not judged: –"
    assert kept[2] == "1 of 2"
