#!/bin/sh
# Corrects the shipped calodit, its teacher and calocfm with showers of Geant4, and exports them into
# the package again: four hours of one core, two of which generate 24 000 showers.
# Stopped at any moment, the same command continues.
# Settings of calodit's first two corrections are those of an earlier critic, which saw no squares, and
# moments of layers alone. The last layer of the critic did not depend on the photon yet in its third,
# and in the first of calocfm.
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

# generate NAME ENERGIES ETAS SHOWERS SEED FIRST: voxels of new showers, which are added to $made
generate() {
    [ -e "$folder/$1.hits.h5" ] || calovox geant4 --energy "log:$2" --eta "abs:$3" -n "$4" --seed "$5" \
        --first-event "$6" --precision-bits 10 -o "$folder/$1.hits.h5"
    [ -e "$folder/$1.h5" ] || calovox voxelize "$folder/$1.hits.h5" \
        --phi-modulation "$here/phi_curve.h5" --no-cells -o "$folder/$1.h5"
    made="$made --data $folder/$1.h5"
}

# above K SERIES PART SHOWERS: showers of 2^K to 2^(K+1) MeV
above() {
    low_end=$((1 << $1))
    generate "above_$1_$2$3" "${low_end}MeV:$((2 * low_end))MeV" 0:1.35 "$4" $((220 + $1 * 2 + $2)) \
        $((1500000 + $1 * 20000 + $2 * 10000 + $3 * 1000))
}

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

# export_model NAME MODEL RUNS: a model with what two runs have corrected
export_model() {
    [ -e "$folder/$1/model.json" ] || calovox export "$2" --correction "$folder/$3_low" \
        --correction "$folder/$3_high" --no-fastcalosim -o "$folder/$1"
}

# both NAME MODEL RUNS OPTIONS...: a model corrected below 0.7 and above, with all showers
both() {
    result=$1
    model=$2
    runs=$3
    shift 3
    # above 16 GeV there are few showers: they count more
    # shellcheck disable=SC2086
    {
        correct "${runs}_low" "$model" 0:0.7 $low $middle $more $middle $more $top "$@"
        correct "${runs}_high" "$model" 0.7:1.35 $low $middle $more $middle $more $top $high "$@"
    }
    export_model "$result" "$model" "$runs"
}

made=
above 14 0 0 400
above 14 1 0 400
above 15 1 0 600
above 16 1 0 450
above 16 0 1 450
above 16 1 1 450
more=$made
made=
above 17 0 0 100
above 17 1 0 100
above 18 0 0 50
above 18 1 0 50
above 19 0 0 25
above 19 1 0 25
top=$made

earlier="--critic-steps 150 --penalty 0.5 --pace 0.015 --batch-size 192"
first=$folder/once_corrected
# shellcheck disable=SC2086
{
    correct first_low calodit 0:0.7 $low $middle $middle $earlier --steps 1000
    correct first_high calodit 0.7:1.35 $low $middle $middle $high $earlier --steps 1000
    export_model once_corrected calodit first
    correct second_low "$first" 0:0.7 $low $middle $middle $middle $earlier --steps 700
    correct second_high "$first" 0.7:1.35 $low $middle $middle $middle $high $earlier --steps 700
    export_model twice_corrected "$first" second
}
both three_times_corrected "$folder/twice_corrected" third --steps 700 --critic-steps 250
both calodit "$folder/three_times_corrected" fourth

both calocfm_once calocfm calocfm_first --pace 0.015 --steps 1000
both calocfm_twice "$folder/calocfm_once" calocfm_second --pace 0.015 --steps 1000
both calocfm "$folder/calocfm_twice" calocfm_third --pace 0.015 --steps 1200

# with more showers below 16 GeV; the second time above 0.7 alone
made=
generate step_low 256MeV:16.384GeV 0.74:0.86 9000 1201 21000000
generate all_low 256MeV:16.384GeV 0:1.35 12000 1203 21200000
low="$low$made"
both teacher_once calodit_teacher teacher_first --pace 0.015 --steps 800
# shellcheck disable=SC2086
correct teacher_second "$folder/teacher_once" 0.7:1.35 $low $middle $more $middle $more $top $high \
    --steps 800
[ -e "$folder/calodit_teacher/model.json" ] || calovox export "$folder/teacher_once" \
    --correction "$folder/teacher_second" --no-fastcalosim -o "$folder/calodit_teacher"

for model in calodit calocfm calodit_teacher; do
    rm -rf "${shipped:?}/$model"
    cp -r "$folder/$model" "$shipped/$model"
done
