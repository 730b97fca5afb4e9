#!/bin/sh
# Trains FastCaloGAN, one GAN per slice of 0.05 in |eta|, and exports what has been trained: two
# minutes of a core a slice, an hour for all 27. Stopped at any moment, the same command continues.
# Without slices, all 27 are trained; what has been trained is exported to FOLDER/fastcalogan. The
# repository ships those of Figures 13 to 15, which are trained first.
# As in AtlFast3, the phi modulation stays in the training showers and is not corrected for; with
# --phi-modulation, it is removed from them, and put back at each shower's place.
# The range of energies is the same in all slices, and ends where the least filled one still has
# showers above.
# usage: sample/make_gan.sh [--phi-modulation] FOLDER_OF_MAKE_TRAINING_HITS FOLDER_OF_MAKE_HITS \
#     FOLDER [SLICE...]
set -eu
here=$(dirname "$0")
. "$here/is_finished.sh"
removed=
if [ "$1" = --phi-modulation ]; then
    removed="--phi-modulation $here/phi_curve.h5"
    shift
fi
hits=$1
others=$2
data=$3
shift 3
grid=$here/../grids/fastcalogan.toml
mkdir -p "$data"

# shellcheck disable=SC2086
[ -e "$data/val_fastcalogan.h5" ] ||
    calovox voxelize "$hits"/val_*.h5 --grid "$grid" $removed --no-cells -o "$data/val_fastcalogan.h5"
# shellcheck disable=SC2086
[ -e "$data/train_fastcalogan.h5" ] ||
    calovox voxelize "$hits"/train_*.h5 "$others/scan.h5" "$others/phi_fit.h5" \
        "$others/tune_transition.h5" --grid "$grid" $removed --no-cells \
        --sub-voxels "$data/sub_voxels_fastcalogan.root" -o "$data/train_fastcalogan.h5"

figures="000 020 075"
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $figures 005 010 015 025 030 035 040 045 050 055 060 065 070 080 085 090 095 \
    100 105 110 115 120 125 130

runs=
for slice in "$@"; do
    run=$data/gan_$slice
    eta=$(awk -v low="$slice" 'BEGIN { printf "%.2f:%.2f", low / 100, (low + 5) / 100 }')
    is_finished "$run" || calovox train gan --config "$here/../configs/gan_2core.toml" \
        --data "$data/train_fastcalogan.h5" --validation "$data/val_fastcalogan.h5" \
        --eta "$eta" --energy 256MeV:420GeV -o "$run"
    runs="$runs $run"
done

# export_runs FOLDER RUN...: one folder of models
export_runs() {
    folder=$1
    shift
    # shellcheck disable=SC2086
    calovox export "$@" $removed --half-weights --sub-voxels "$data/sub_voxels_fastcalogan.root" \
        --no-fastcalosim --force -o "$folder"
}

# shellcheck disable=SC2086
export_runs "$data/fastcalogan" $runs
if [ -z "$removed" ]; then
    runs=
    for slice in $figures; do
        is_finished "$data/gan_$slice" || exit 0
        runs="$runs $data/gan_$slice"
    done
    # shellcheck disable=SC2086
    export_runs "$here/../src/calovox/shipped/fastcalogan" $runs
fi
