"""The page in a browser: what a reader of the report gets to see, with eyes and with keys."""

import pytest

from tests.browser import NAMES, Browser, find_browser
from tests.toy_report import NAMES as SIMULATIONS

# a laptop, a window of half its width, a phone
WIDTHS = (1366, 700, 390)

SECTIONS = {
    *(
        "overview",
        "shapes",
        "response",
        "layers",
        "slices",
        "classifier",
        "showers",
        "phi",
        "inputs",
    ),
    *("method", "provenance", "referee", "position"),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = find_browser()
    if program is None:
        pytest.skip(f"looks at the page in a browser, and none of {', '.join(NAMES)} is installed")
    window = Browser(program, tmp_path_factory.mktemp("profile"))
    yield window
    window.close()


@pytest.fixture(scope="module")
def pages(written, full_page, tmp_path_factory):
    """Addresses of the page of two simulations with its figures, and of that of all sections."""
    path = tmp_path_factory.mktemp("page") / "full.html"
    path.write_text(full_page)
    return {"drawn": (written[1] / "index.html").as_uri(), "full": path.as_uri()}


def overflow(browser):
    page = "document.documentElement"
    return browser.evaluate(f"{page}.scrollWidth - {page}.clientWidth")


@pytest.mark.parametrize("name", ["drawn", "full"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_has_no_errors_and_is_not_wider_than_the_window(browser, pages, name, width):
    browser.open(pages[name], width=width)
    assert browser.problems() == []
    assert overflow(browser) <= 0
    broken = "[...document.images].filter(image => image.naturalWidth < 50).length"
    assert browser.evaluate(broken) == 0
    browser.evaluate("document.querySelectorAll('details').forEach(entry => entry.open = true)")
    assert overflow(browser) <= 0


def test_every_section_is_there(browser, pages):
    browser.open(pages["full"], width=1366)
    found = "[...document.querySelectorAll('main > section')].map(s => s.firstElementChild.id)"
    assert set(browser.evaluate(found)) == SECTIONS


def test_overview_of_six_simulations_fits_on_a_laptop(browser, pages):
    browser.open(pages["full"], width=1366)
    table = "document.querySelector('#overview-table').closest('.scroll')"
    assert browser.evaluate(f"{table}.scrollWidth - {table}.clientWidth") <= 0
    titles = f"[...{table}.querySelectorAll('thead th')].map(cell => cell.innerText)"
    assert browser.evaluate(titles) == ["Metric", "Events", "Floor", *SIMULATIONS]
    height = f"Math.max(...[...{table}.querySelectorAll('tbody tr')].map(r => r.offsetHeight))"
    assert browser.evaluate(height) < 60


def walk(browser, most=400):
    """Press Tab until the focus comes back to the page; tell of each stop."""
    stop = """(() => {
      const element = document.activeElement;
      if (element === document.body) return null;
      const box = element.getBoundingClientRect();
      const look = getComputedStyle(element);
      const order = [...document.querySelectorAll("*")].indexOf(element);
      return {
        name: element.tagName.toLowerCase() + (element.className ? "." + element.className : ""),
        order,
        seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        outline: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
        scrolls: element.scrollWidth > element.clientWidth,
        target: element.getAttribute("href"),
      };
    })()"""
    stops = []
    for _ in range(most):
        browser.press("Tab")
        found = browser.evaluate(stop)
        if found is None or (stops and found["order"] == stops[0]["order"]):
            break
        stops.append(found)
    return stops


@pytest.mark.parametrize("width", [1366, 390])
def test_keys_reach_everything_in_order_and_the_focus_is_seen(browser, pages, width):
    browser.open(pages["full"], width=width)
    stops = walk(browser)
    assert stops[0]["target"] == "#main"
    assert [stop["order"] for stop in stops] == sorted(stop["order"] for stop in stops)
    assert all(stop["seen"] and stop["outline"] for stop in stops)
    links = "[...document.querySelectorAll('a, summary')].filter(link => link.checkVisibility())"
    n_links = browser.evaluate(f"{links}.length")
    names = [stop["name"] for stop in stops]
    assert sum(name.startswith(("a", "summary")) for name in names) == n_links
    scrolling = """[...document.querySelectorAll(".scroll")].filter(table =>
      table.checkVisibility() && table.scrollWidth > table.clientWidth
      && !table.querySelector("a")).length"""
    tables = [stop for stop in stops if stop["name"].startswith("div")]
    assert all(table["scrolls"] for table in tables)
    assert len(tables) == browser.evaluate(scrolling)
    assert width > 390 or len(tables) > 0


def test_skip_link_leads_to_the_results(browser, pages):
    browser.open(pages["full"], width=1366)
    browser.press("Tab")
    browser.press("Enter")
    assert browser.evaluate("document.activeElement.id") == "main"
    browser.press("Tab")
    inside = "document.querySelector('main').contains(document.activeElement)"
    assert browser.evaluate(inside)


def test_print_shows_all_details_and_fits_the_paper(browser, pages):
    browser.open(pages["full"], width=1366)
    hidden = """[...document.querySelectorAll("details > :not(summary)")]
      .filter(part => !part.checkVisibility({contentVisibilityAuto: true})).length"""
    assert browser.evaluate(hidden) > 0
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.resize(703)  # A4 within its margins
    assert browser.evaluate(hidden) == 0
    assert browser.evaluate("document.querySelector('nav').offsetHeight") == 0
    assert overflow(browser) <= 0
    paper = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    assert len(paper["data"]) > 50_000
