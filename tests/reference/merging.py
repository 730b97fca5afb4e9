"""Slow plain twin of the merging of hits."""

import math

import numpy as np

from calovox.geometry import layer_thickness
from calovox.geometry.barrel import BARREL_NUMBERS


def merge_event(hits, event, lookup, radii):
    """Merge one event; return rows of layer, eta, phi, r, energy in order of appearance."""
    photon_eta, photon_phi = hits.photons.eta[event], hits.photons.phi[event]
    bins = {}
    for hit in range(hits.event_offsets[event], hits.event_offsets[event + 1]):
        layer, energy = int(hits.layer[hit]), float(hits.energy[hit])
        eta, phi, r = (float(getattr(hits, name)[hit]) for name in ("eta", "phi", "r"))
        if energy == 0.0:
            continue
        position = BARREL_NUMBERS.index(layer)
        along = radii.along[position]
        if radii.per_layer:
            along = min(along, float(layer_thickness(layer, photon_eta)) / radii.per_layer)
        x, y, z = (
            r * math.cos(phi - photon_phi),
            r * math.sin(phi - photon_phi),
            r * math.sinh(eta),
        )
        cosh, sinh = math.cosh(photon_eta), math.sinh(photon_eta)
        cell = int(lookup.find(hits.layer[hit : hit + 1], np.array([eta]), np.array([phi]))[0])
        key = (
            layer,
            cell,
            math.floor(y / radii.across[position]),
            math.floor((z - x * sinh) / cosh / radii.across[position]),
            math.floor((x + z * sinh) / cosh / along),
        )
        bins.setdefault(key, []).append((eta, phi, r, energy))
    rows = []
    for key, members in bins.items():
        eta, phi, r, energy = np.array(members).T
        around = np.mod(phi - phi[0] + np.pi, 2 * np.pi) - np.pi
        mean = [np.sum(energy * part) / energy.sum() for part in (eta, around, r)]
        turned = np.mod(phi[0] + mean[1] + np.pi, 2 * np.pi) - np.pi
        rows.append((key[0], mean[0], turned, mean[2], energy.sum()))
    return np.array(rows).reshape(-1, 5)
