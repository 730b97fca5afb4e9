#!/bin/sh
# Trains FastCaloGAN, one GAN per slice of 0.05 in |eta|, and exports what has been trained: two
# minutes of a core a slice, an hour for all 27. Stopped at any moment, the same command continues.
# Without slices, all 27; 000 020 075 are those of Figures 13 to 15.
# As in AtlFast3, the phi modulation stays in the training showers and is not corrected for; with
# correction, voxelize with --phi-modulation sample/phi_curve.h5, and export with it, too.
# The range of energies is the same in all slices, and ends where the least filled one still has
# showers above.
# usage: sample/make_gan.sh FOLDER_OF_MAKE_TRAINING_HITS FOLDER_OF_MAKE_HITS FOLDER [SLICE...]
set -eu
hits=$1
others=$2
data=$3
shift 3
here=$(dirname "$0")
grid=$here/../grids/fastcalogan.toml
mkdir -p "$data"

[ -e "$data/val_fastcalogan.h5" ] ||
    calovox voxelize "$hits"/val_*.h5 --grid "$grid" --no-cells -o "$data/val_fastcalogan.h5"
[ -e "$data/train_fastcalogan.h5" ] ||
    calovox voxelize "$hits"/train_*.h5 "$others/scan.h5" "$others/phi_fit.h5" \
        "$others/tune_transition.h5" --grid "$grid" --no-cells \
        --sub-voxels "$data/sub_voxels_fastcalogan.root" -o "$data/train_fastcalogan.h5"

[ $# -gt 0 ] || set -- 000 005 010 015 020 025 030 035 040 045 050 055 060 065 070 075 080 085 \
    090 095 100 105 110 115 120 125 130

# is_finished RUN: whether all of its steps have been done
is_finished() {
    [ -e "$1/run.json" ] && python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
sys.exit(run["step"] < run["n_steps"])' "$1/run.json"
}

runs=
for slice in "$@"; do
    run=$data/gan_$slice
    eta=$(awk -v low="$slice" 'BEGIN { printf "%.2f:%.2f", low / 100, (low + 5) / 100 }')
    is_finished "$run" || calovox train gan --config "$here/../configs/gan_2core.toml" \
        --data "$data/train_fastcalogan.h5" --validation "$data/val_fastcalogan.h5" \
        --eta "$eta" --energy 256MeV:420GeV -o "$run"
    runs="$runs $run"
done
# shellcheck disable=SC2086
calovox export $runs --half-weights --sub-voxels "$data/sub_voxels_fastcalogan.root" --no-fastcalosim --force \
    -o "$here/../src/calovox/shipped/fastcalogan"
