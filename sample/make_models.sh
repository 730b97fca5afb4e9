#!/bin/sh
# Trains the shipped models with the datasets of make_training.sh and exports them: about an hour
# on two cores. Stopped at any moment, the same command continues.
# usage: sample/make_models.sh FOLDER_OF_DATASETS FOLDER_OF_RUNS
set -eu
data=$1
runs=$2
here=$(dirname "$0")
model=$here/../src/calovox/shipped/calocfm

# pair NAME ETA: CaloINN and CaloCFM of one range of |eta|
pair() {
    for kind in inn cfm_small; do
        calovox train "${kind%_small}" --config "$here/../configs/${kind}_2core.toml" \
            --data "$data/train_optimal.h5" --validation "$data/val_optimal.h5" \
            --eta "$2" --energy 256MeV:524.288GeV -o "$runs/${kind%_small}_$1"
    done
}

pair low 0:0.7 &
pair high 0.7:1.35
wait
calovox export "$runs/inn_low" "$runs/cfm_low" "$runs/inn_high" "$runs/cfm_high" \
    --sub-voxels "$data/sub_voxels_optimal.root" --phi-modulation "$here/phi_curve.h5" \
    --no-fastcalosim --force -o "$model"
