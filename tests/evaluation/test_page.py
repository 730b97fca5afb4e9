"""The page in a browser: what a reader of the report gets to see."""

import json
import re
import shutil
import subprocess

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=4000", "--dump-dom"),
)

# Runs in a copy of the page: what goes wrong, and what is there once everything is loaded.
PROBE = """
<script>
const problems = [];
addEventListener("error", event => problems.push(String(event.message)), true);
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));
addEventListener("load", () => {
  const all = name => [...document.querySelectorAll(name)];
  const found = {
    problems,
    broken: all("img").filter(image => image.naturalWidth < 50).map(image => image.alt),
    figures: all("figure").map(figure => figure.id),
    rows: all("#overview-table ~ tbody tr").length,
    titles: all("#overview-table ~ thead th").map(cell => cell.innerText),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
  document.title = JSON.stringify(found);
});
</script>
"""


@pytest.fixture(scope="module")
def browser():
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"needs a browser, found none of {', '.join(BROWSERS)}")
    return path


@pytest.mark.parametrize("width", [1366, 700])
def test_page_shows_figures_and_overview_without_errors(browser, written, tmp_path, width):
    text = (written[1] / "index.html").read_text()
    policy = "default-src 'none'; script-src 'unsafe-inline';"
    copy = tmp_path / "copy.html"
    copy.write_text(
        text.replace("default-src 'none';", policy, 1).replace("<title>", PROBE + "<title>", 1)
    )
    options = (f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900")
    result = subprocess.run(
        [browser, *FLAGS, *options, copy.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    title = re.search(r"<title>(.*?)</title>", result.stdout, re.DOTALL)
    assert title is not None, result.stderr
    found = json.loads(title[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert found["problems"] == []
    assert found["broken"] == []
    assert len(found["figures"]) == text.count("<figure ")
    assert found["titles"] == ["Metric", "optimal", "regular"]
    assert found["rows"] >= 1
    assert found["overflow"] <= 0
