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
    calovox voxelize "$@" --phi-modulation "$here/phi_curve.h5" --force
}

# validation showers below 2^19 MeV: the training watches the first, and models are scored by the
# second, which nothing saw before
watched=$(ls "$hits"/val_[89]_0.h5 "$hits"/val_1[0-8]_0.h5 "$hits"/val_15_1.h5)
kept=$(ls "$hits"/val_[89]_1.h5 "$hits"/val_1[0-3]_1.h5 "$hits"/val_15_[23].h5)

# names have no spaces, see above
# shellcheck disable=SC2086
for grid in optimal regular; do
    voxelize "$hits"/train_[89]_*.h5 "$hits"/train_1[0-8]_*.h5 "$others/scan.h5" "$others/phi_fit.h5" \
        "$others/tune_transition.h5" --grid $grid --sub-voxels "$data/sub_voxels_$grid.root" \
        --no-cells -o "$data/train_$grid.h5"
    voxelize $watched --grid $grid --no-cells -o "$data/val_$grid.h5"
done
# above 2^19 MeV, and for CaloINN above 2^18 MeV around |eta| = 0.8
voxelize "$hits"/train_19_0.h5 "$hits"/train_20_0.h5 --no-cells -o "$data/train_top.h5"
voxelize "$hits/high_transition.h5" --no-cells -o "$data/train_transition.h5"
voxelize "$hits"/val_19_0.h5 "$hits"/val_20_0.h5 --no-cells -o "$data/val_top.h5"
# what models are judged by, beside the shipped sample: make_evaluation.sh
# shellcheck disable=SC2086
voxelize $kept -o "$data/kept.h5"
voxelize "$hits/gap.h5" "$hits/transition.h5" -o "$data/near_65.h5"
# what the repository ships: E_tot in slices of energy, and the photons of Figures 16 and D.1
voxelize "$hits"/scan_[89]_*.h5 "$hits"/scan_1?_*.h5 "$hits"/scan_2[01]_*.h5 --no-cells \
    --precision-bits 10 -o "$here/photons_scan.h5"
for name in discrete near_1tev; do
    voxelize "$hits/$name.h5" --precision-bits 10 -o "$here/photons_${name#near_}.h5"
done
rm -f "$here"/*.config.toml
