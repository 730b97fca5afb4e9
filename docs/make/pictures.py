"""Pictures of the documents, from the reports of `make demo`: `python -m docs.make.pictures`.

All are small: `docs/pictures` stays below 1 MB, the picture of the README below 200 kB.
"""

import base64
import io
import json
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from PIL import Image

from calovox.reconstruction.variables import SHAPE_VARIABLES
from calovox.report.style import simulated_line, style
from calovox.report.topics.showers.draw import plot_grid, plot_local
from calovox.samples.showers import ShowerImage
from calovox.scores.histograms import poisson_interval
from calovox.voxelization import VoxelGrid
from tests.browser import Browser, find_browser

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
REPORT = ROOT / "demo" / "report"
GRIDS = ROOT / "demo" / "grids"

COPIED = {
    "shower": GRIDS / "figures" / "one-shower.png",
    "average_optimal": GRIDS / "figures" / "average-optimal.png",
    "average_regular": GRIDS / "figures" / "average-regular.png",
    "shapes_grids": GRIDS / "figures" / "shapes-central.png",
    "phi_modulation": GRIDS / "figures" / "phi-modulation-energies.png",
    "interpolation": GRIDS / "figures" / "interpolation.png",
    "spectrum": GRIDS / "figures" / "spectrum.png",
    "shapes_models": REPORT / "figures" / "shapes-central.png",
    "summary": REPORT / "figures" / "summary-central.png",
    "response": REPORT / "figures" / "response-profiles.png",
}
WIDTH = 1100
DRAWN = ("e_ratio", "w_eta1", "r_eta")
SIMULATIONS = ("CaloDiT-2 in one step", "FastCaloSimV2")


def draw_overview(report: dict) -> Figure:
    """Draw a shower under its grid beside three shower shapes, simulated and from Geant4."""
    figure = Figure(figsize=(12.0, 4.0), dpi=100)
    grid = figure.add_gridspec(1, 4, width_ratios=(1.35, 1, 1, 1), wspace=0.34)
    grid.update(left=0.06, right=0.99, bottom=0.15, top=0.84)
    _draw_shower(report["one_shower"], figure.add_subplot(grid[0]))
    (region,) = [r for r in report["regions"] if r["region"]["name"] == "central"]
    axes = [figure.add_subplot(grid[place]) for place in (1, 2, 3)]
    for ax, name in zip(axes, DRAWN, strict=True):
        lines = _draw_shape(region, name, ax)
    axes[0].set_ylabel("Events")
    figure.legend(*lines, loc="upper right", ncols=3, bbox_to_anchor=(0.99, 1.01), frameon=False)
    return figure


def _draw_shower(found: dict, ax: matplotlib.axes.Axes) -> None:
    numbers = ("layer", "energy", "eta_center", "phi_center", "r_center")
    arrays = {name: np.array(found[name]) for name in ("edges", "pixels")}
    image = ShowerImage(**{name: found[name] for name in numbers}, **arrays)
    top = float(image.density.max())
    plot_local(image, ax, norm=LogNorm(vmin=1e-5 * top, vmax=top))
    plot_grid(VoxelGrid.optimal(), ax, layer=image.layer)
    ax.set_xlim(-60.0, 60.0)
    ax.set_ylim(-60.0, 60.0)
    ax.set_title(f"A {image.energy / 1000:.0f} GeV photon in EMB1 and its voxels", fontsize=10)


def _draw_shape(region: dict, name: str, ax: matplotlib.axes.Axes) -> tuple[list, list]:
    (variable,) = [v for v in SHAPE_VARIABLES if v.name == name]
    (found,) = [o for o in region["observables"] if o["name"] == name]
    edges = np.array(found["reference"]["edges"])
    low, high = poisson_interval(np.array(found["reference"]["counts"]))
    band = ax.stairs(high, edges, baseline=low, fill=True, color="0.8")
    ax.stairs(found["reference"]["counts"], edges, color="black")
    handles, labels = [band], ["Geant4, with its uncertainty"]
    simulated = {entry["label"]: entry["histogram"]["counts"] for entry in found["simulated"]}
    for place, label in enumerate(SIMULATIONS):
        handles.append(ax.stairs(simulated[label], edges, **simulated_line(place)))
        labels.append(label)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel(f"{variable.symbol}" + (f" [{variable.unit}]" if variable.unit else ""))
    ax.set_title(variable.description, fontsize=10)
    return handles, labels


def save_webp(picture: Image.Image, name: str, *, width: int = WIDTH, quality: int = 70) -> None:
    """Shrink a picture to a width and store it."""
    picture = picture.convert("RGB")
    if picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)))
    picture.save(PICTURES / f"{name}.webp", quality=quality, method=6)


def show_page(page: Path, name: str) -> None:
    """Store what a browser shows of the first screen of a page."""
    program = find_browser()
    if program is None:
        print(f"no browser is installed: {name}.webp stays as it is")
        return
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, Path(profile))
        browser.open(page.as_uri(), width=1200, height=900)
        shot = browser.call("Page.captureScreenshot")["data"]
        browser.close()
    save_webp(Image.open(io.BytesIO(base64.b64decode(shot))), name)


def main() -> None:
    """Make all pictures whose reports are there; say which are not."""
    matplotlib.use("Agg")
    PICTURES.mkdir(exist_ok=True)
    for name, path in COPIED.items():
        if path.is_file():
            save_webp(Image.open(path), name)
        else:
            print(f"{path.relative_to(ROOT)} is not there: {name}.webp stays as it is")
    if not (REPORT / "report.json").is_file():
        sys.exit("demo/report/report.json is not there: run `make demo` first")
    with style():
        figure = draw_overview(json.loads((REPORT / "report.json").read_text()))
        with tempfile.TemporaryDirectory() as folder:
            figure.savefig(Path(folder) / "overview.png")
            picture = Image.open(Path(folder) / "overview.png").convert("RGB")
            picture.quantize(128).save(PICTURES / "overview.png", optimize=True)
    show_page(REPORT / "index.html", "report")


if __name__ == "__main__":
    main()
