#!/bin/sh
# Makes the shipped sample from the hits of make_hits.sh: a few minutes.
# usage: sample/make_sample.sh FOLDER_OF_HITS
set -eu
hits=$1
here=$(dirname "$0")
showers="$hits/central.h5 $hits/gap.h5 $hits/transition.h5 $hits/eta.h5"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# voxels without phi modulation, as those of models; cells keep it
voxelize() {
    calovox voxelize "$@" --phi-modulation "$here/phi_curve.h5" --force
}

cp "$hits/hits.h5" "$here/hits.h5"

# phi modulation: learned from one set of showers, tested on another
calovox phi-modulation fit "$hits/phi_fit.h5" --replay 100 --force -o "$here/phi_curve.h5"
calovox voxelize "$hits/phi_test.h5" --precision-bits 10 --force -o "$here/phi_present.h5"
voxelize "$hits/phi_test.h5" --no-cells --precision-bits 10 -o "$here/phi_removed.h5"

# voxels on three grids; cells, the same for all, go with the first. Sub-voxel probabilities also
# come from the showers of lower energies, whose voxels are not shipped.
how="--cells --precision-bits 10"
for grid in optimal regular coarse; do
    rings=$grid
    [ $grid != coarse ] || rings="$here/../grids/coarse.toml"
    # shellcheck disable=SC2086
    calovox voxelize $showers "$hits/scan.h5" --grid "$rings" --no-cells \
        --sub-voxels "$here/sub_voxels_$grid.root" --force -o "$scratch/$grid.h5"
    # shellcheck disable=SC2086
    voxelize $showers --grid "$rings" $how -o "$here/photons_$grid.h5"
    how="--no-cells --precision-bits 8"
done
rm -f "$here"/*.config.toml
