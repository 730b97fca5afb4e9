#!/bin/sh
# Corrects the shipped calodit and calocfm with showers of Geant4, and exports them into the package
# again: half an hour of two cores.
# Stopped at any moment, the same command continues.
# usage: sample/make_corrections.sh FOLDER FOLDER_OF_MAKE_ENERGIES FOLDER_OF_MAKE_TRAINING_HITS
# It begins with the models that sample/make_models.sh and make_energies.sh left.
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
        --config "$here/../configs/correct_2core.toml" --validation "$showers/validation.h5" "$@" \
        -o "$folder/$name"
}

# export NAME MODEL RUNS...: a model with what these runs have corrected
export_model() {
    name=$1
    model=$2
    shift 2
    [ -e "$folder/$name/model.json" ] || calovox export "$model" "$@" --no-fastcalosim \
        -o "$folder/$name"
}

# shellcheck disable=SC2086
{
    for model in calodit calocfm; do
        first=1000
        [ $model = calodit ] || first=500
        correct ${model}_low $model 0:0.7 $low $middle $middle --steps $first
        correct ${model}_high $model 0.7:1.35 $low $middle $middle $high --steps $first
        export_model first_$model $model --correction "$folder/${model}_low" \
            --correction "$folder/${model}_high"
    done
    first=$folder/first_calodit
    correct calodit_low_2 "$first" 0:0.7 $low $middle $middle $middle --steps 700
    correct calodit_high_2 "$first" 0.7:1.35 $low $middle $middle $middle $high --steps 700
    export_model calodit "$first" --correction "$folder/calodit_low_2" \
        --correction "$folder/calodit_high_2"
    first=$folder/first_calocfm
    correct calocfm_low_2 "$first" 0:0.7 $low $middle $middle --pace 0.03
    correct calocfm_high_2 "$first" 0.7:1.35 $low $middle $middle $high --pace 0.03
    export_model calocfm "$first" --correction "$folder/calocfm_low_2" \
        --correction "$folder/calocfm_high_2"
}
for model in calodit calocfm; do
    rm -rf "${shipped:?}/$model"
    cp -r "$folder/$model" "$shipped/$model"
done
