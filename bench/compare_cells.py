"""What differs between the built-in barrel and the real cells.

Run with ``python -m bench.compare_cells CaloCells.root``; cells with abs(eta) < 1.35.
"""

import argparse
from pathlib import Path

import numpy as np

from bench.timing import run
from calovox.geometry import BARREL_NAMES, barrel_cells, read_barrel, wrap_phi
from calovox.geometry.alignment import aligned_barrel_cells

LIMITS = {"eta": 0.003, "phi": 0.004, "r [mm]": 5.0, "thickness [mm]": 5.0}


def differences(real, built_in, rows):
    return {
        "eta": np.abs(real.eta - built_in.eta)[rows],
        "phi": np.abs(wrap_phi(real.phi - built_in.phi))[rows],
        "r [mm]": np.abs(real.r - built_in.r)[rows],
        "thickness [mm]": np.abs(real.d_r - built_in.d_r)[rows],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=Path, help="CaloCells.root")
    real = read_barrel(parser.parse_args().cells).cells
    print("| barrel | layer | cells | quantity | largest difference | limit | cells beyond |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for table in (barrel_cells(), aligned_barrel_cells()):
        for layer, name in BARREL_NAMES.items():
            rows = (barrel_cells().layer == layer) & (np.abs(barrel_cells().eta) < 1.35)
            for quantity, values in differences(real, table, rows).items():
                beyond = np.count_nonzero(values > LIMITS[quantity])
                share = f"{beyond} ({100 * beyond / rows.sum():.2f} %)" if beyond else "0"
                print(
                    f"| {table.name} | {name} | {rows.sum()} | {quantity} | {values.max():.2g} "
                    f"| {LIMITS[quantity]:g} | {share} |"
                )


if __name__ == "__main__":
    run(main)
