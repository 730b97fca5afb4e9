"""Slow plain twin of `calovox.grid_search.observables`: arrays of all showers at once."""

import numpy as np

COUNTED_ABOVE = (1.0, 10.0, 100.0, 1000.0)


def layer_observables_twin(energy, photon_energy, offset):
    """Compute the observables of the cells of a window, one row per shower."""
    energy = np.asarray(energy, dtype=np.float64)
    flat = energy.reshape(len(energy), -1)
    total = flat.sum(axis=1)
    n_top = min(5, flat.shape[1])
    top = np.partition(flat, flat.shape[1] - n_top, axis=1)[:, -n_top:]
    profiles = [energy.sum(axis=2), energy.sum(axis=1)]
    means, moments = zip(*(_mean_and_width(profile, total) for profile in profiles), strict=True)
    columns = [
        total / photon_energy,
        *(np.count_nonzero(flat > limit, axis=1) for limit in COUNTED_ABOVE),
        _ratio(top.max(axis=1), total),
        _ratio(top.sum(axis=1), total),
        *(np.where(total > 0, mean - offset[:, axis], 0.0) for axis, mean in enumerate(means)),
        *moments,
        *_neighbours(energy),
        *(_ratio(np.abs(np.diff(energy, axis=axis)).sum(axis=(1, 2)), total) for axis in (1, 2)),
    ]
    return np.stack([np.asarray(column) for column in columns], axis=1)


def _mean_and_width(profile, total):
    """Give mean and width of a profile in cells from the middle."""
    place = np.arange(profile.shape[1]) - profile.shape[1] // 2
    mean = _ratio(profile @ place, total)
    return mean, np.sqrt(np.maximum(_ratio(profile @ place**2, total) - mean**2, 0.0))


def _neighbours(energy):
    """Give the larger and the smaller neighbour along eta, then along phi, over the hottest."""
    n_phi = energy.shape[2]
    event = np.arange(len(energy))
    hottest = energy.reshape(len(energy), -1).argmax(axis=1)
    eta, phi = np.divmod(hottest, n_phi)
    padded = np.pad(energy, ((0, 0), (1, 1), (1, 1)))
    highest = padded[event, eta + 1, phi + 1]
    columns = []
    for sides in (((0, 1), (2, 1)), ((1, 0), (1, 2))):
        pair = np.stack([padded[event, eta + i, phi + j] for i, j in sides])
        columns += [_ratio(pair.max(axis=0), highest), _ratio(pair.min(axis=0), highest)]
    return columns


def _ratio(numerator, denominator):
    positive = denominator > 0
    return np.asarray(np.where(positive, numerator / np.where(positive, denominator, 1.0), 0.0))
