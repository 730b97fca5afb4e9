#!/bin/sh
# Corrects the shipped calodit with showers of Geant4, and exports it into the package again: half an
# hour of one core. The critic of the shipped model saw no squares, and moments of layers alone: what
# suited it differs from the config, which is for the critic of today.
# Stopped at any moment, the same command continues.
# usage: sample/make_corrections.sh FOLDER FOLDER_OF_MAKE_ENERGIES FOLDER_OF_MAKE_TRAINING_HITS
# It begins with the model that sample/make_models.sh and make_energies.sh left.
set -eu
here=$(dirname "$0")
. "$here/is_finished.sh"
folder=$1
showers=$2
hits=$3
shipped=$here/../src/calovox/shipped
mkdir -p "$folder"

[ -e "$folder/upper.h5" ] || calovox voxelize "$hits/train_15_0.h5" "$hits/train_16_0.h5" \
    --phi-modulation "$here/phi_curve.h5" --no-cells -o "$folder/upper.h5"
low="--data $showers/low.h5"
middle="--data $showers/middle_voxels.h5 --data $folder/upper.h5"
high="--data $showers/edge_voxels.h5 --data $showers/late.h5"

# correct NAME MODEL ETAS OPTIONS...: one run
correct() {
    name=$1
    model=$2
    eta=$3
    shift 3
    is_finished "$folder/$name" || calovox correct "$model" --eta "$eta" \
        --config "$here/../configs/correct_2core.toml" --critic-steps 150 --penalty 0.5 --pace 0.015 \
        --batch-size 192 --validation "$showers/validation.h5" "$@" -o "$folder/$name"
}

# export_model NAME MODEL RUNS: a model with what two runs have corrected
export_model() {
    [ -e "$folder/$1/model.json" ] || calovox export "$2" --correction "$folder/$3_low" \
        --correction "$folder/$3_high" --no-fastcalosim -o "$folder/$1"
}

first=$folder/once_corrected
# shellcheck disable=SC2086
{
    correct first_low calodit 0:0.7 $low $middle $middle --steps 1000
    correct first_high calodit 0.7:1.35 $low $middle $middle $high --steps 1000
    export_model once_corrected calodit first
    # above 16 GeV there are few showers: they count more
    correct second_low "$first" 0:0.7 $low $middle $middle $middle --steps 700
    correct second_high "$first" 0.7:1.35 $low $middle $middle $middle $high --steps 700
    export_model calodit "$first" second
}
rm -rf "${shipped:?}/calodit"
cp -r "$folder/calodit" "$shipped/calodit"
