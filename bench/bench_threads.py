"""Batches of showers on one thread, and on two: ``python -m bench.bench_threads [MODEL ...]``.

Each thread computes a batch of its own. Wall time counts, in turns: the ratio of both is 2 where
two cores are free, and tells of the load of the machine where they are not.
"""

import argparse
import os
import time

import numpy as np

from bench.timing import count, rounds, run
from calovox.models.base import Conditions
from calovox.runtime import ModelSet, OnnxModel, load_models
from calovox.runtime.onnx_model import BATCH

MODELS = ("calodit", "calodit_teacher", "calocfm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--showers", type=int, default=4 * BATCH)
    arguments = parser.parse_args()
    n_showers, n_rounds = count(arguments.showers), rounds(7)
    print(f"{n_showers} showers at 65 GeV, batches of {BATCH}; load average", end=" ")
    print(f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("| model | one thread, ms a shower | two threads, ms a shower | ratio, 16 to 84 % |")
    print("| --- | --- | --- | --- |")
    for name in arguments.models:
        models = load_models(name)
        if not isinstance(models, ModelSet):
            raise SystemExit(f"{name}: expected a model of ONNX files")
        path = models.models[0].path
        one, two = (OnnxModel(path, n_threads=n_threads) for n_threads in (1, 2))
        noise = np.random.default_rng(1).normal(size=(n_showers, *one.noise_shape))
        photons = Conditions(np.full(n_showers, 65536.0), np.full(n_showers, 0.2))
        times = np.empty((n_rounds + 1, 2))
        for row in times:
            for position, model in enumerate((one, two)):
                start = time.perf_counter()
                model.sample(photons, noise)
                row[position] = 1e3 * (time.perf_counter() - start) / n_showers
        times = times[1:]
        ratio = np.percentile(times[:, 0] / times[:, 1], [50, 16, 84])
        single, both = np.median(times, axis=0)
        print(
            f"| {name} | {single:.3f} | {both:.3f} "
            f"| {ratio[0]:.2f}, {ratio[1]:.2f} to {ratio[2]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    run(main)
