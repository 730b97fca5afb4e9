#!/bin/sh
# Makes the datasets that models are trained with and judged by from the hits of
# make_training_hits.sh, phi modulation removed; what exists of the hits is taken.
# To train, showers of make_hits.sh that no figure is judged by go along: its scan, those that the
# phi modulation was fitted to, and those that the energy of a hit was tuned with.
# usage: sample/make_training.sh FOLDER_OF_MAKE_TRAINING_HITS FOLDER_OF_MAKE_HITS FOLDER_OF_DATASETS
set -eu
hits=$1
others=$2
data=$3
here=$(dirname "$0")
mkdir -p "$data"

voxelize() {
    calovox voxelize "$@" --no-cells --phi-modulation "$here/phi_curve.h5" --force
}

for grid in optimal regular; do
    voxelize "$hits"/train_[89]_*.h5 "$hits"/train_1[0-8]_*.h5 "$others/scan.h5" "$others/phi_fit.h5" \
        "$others/tune_transition.h5" --grid $grid --sub-voxels "$data/sub_voxels_$grid.root" \
        -o "$data/train_$grid.h5"
    voxelize "$hits"/val_[89]_*.h5 "$hits"/val_1[0-8]_*.h5 --grid $grid -o "$data/val_$grid.h5"
    voxelize "$hits"/scan_*.h5 --grid $grid -o "$data/scan_$grid.h5"
done
# above 2^19 MeV, for the second part of the training
voxelize "$hits"/train_19_0.h5 "$hits"/train_20_0.h5 --grid optimal -o "$data/train_top.h5"
voxelize "$hits"/val_19_0.h5 "$hits"/val_20_0.h5 --grid optimal -o "$data/val_top.h5"
# what the repository ships: E_tot in slices of energy
voxelize "$hits"/scan_*.h5 --precision-bits 10 -o "$here/photons_scan.h5"
# and photons of 1 TeV, for Figure 16; the shipped file has the first 136 that were finished
calovox voxelize "$hits/near_1tev.h5" --precision-bits 10 --force -o "$here/photons_1tev.h5"
rm -f "$here"/*.config.toml
