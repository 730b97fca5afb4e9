#!/bin/sh
# Fits where showers lie about the impacts of their photons, and puts the file into the folders of the
# shipped models: about 80 core-minutes of Geant4. Stopped at any moment, the same command continues.
# The showers of octaves are the first ones of make_training_hits.sh; none of the others is judged.
# usage: sample/make_centers.sh FOLDER [WORKERS]
set -eu
folder=$1
workers=${2:-2}
here=$(dirname "$0")
shipped=$here/../src/calovox/shipped
mkdir -p "$folder"

# dataset NAME BITS OPTIONS...: voxels without phi modulation, energies rounded to BITS if there are any
dataset() {
    name=$1
    bits=$2
    shift 2
    [ -e "$folder/$name.h5" ] || calovox geant4 "$@" --workers "$workers" -o "$folder/$name.h5"
    # shellcheck disable=SC2086
    calovox voxelize "$folder/$name.h5" --phi-modulation "$here/phi_curve.h5" --no-cells $bits \
        --force -o "$folder/voxels_$name.h5"
}

# octave K SHOWERS: 2^K to 2^(K+1) MeV
octave() {
    dataset "octave_$1" "" --energy "log:$((1 << $1))MeV:$((1 << ($1 + 1)))MeV" --eta abs:0:1.35 \
        -n "$2" --seed $((200 + $1 - 7)) --first-event $((1000000 + $1 * 10000))
}

for k in 8 9 10 11; do octave $k 1500; done
octave 12 600
octave 13 160
dataset mid "--precision-bits 10" --energy log:16.384GeV:131.072GeV --eta abs:0:1.35 -n 4000 \
    --seed 1002 --first-event 10100000
dataset transition "--precision-bits 10" --energy log:131.072GeV:2.097152TeV --eta abs:0.7:0.9 \
    -n 300 --seed 1001 --first-event 10000000

cp "$here/phi_removed.h5" "$folder/"
(
    cd "$folder"
    calovox train centers voxels_octave_8.h5 voxels_octave_9.h5 voxels_octave_1?.h5 voxels_mid.h5 \
        voxels_transition.h5 phi_removed.h5 --force -o centers.json
)
cp "$folder/centers.json" "$here/centers.json"
# models that were trained before they could know where the centroid of their voxels lies
centroids=
for name in octave_8 octave_9 octave_10 octave_11 octave_12 octave_13 mid transition; do
    centroids="$centroids --centroid-from $folder/voxels_$name.h5"
done
for model in calocfm calodit_teacher calodit; do
    # shellcheck disable=SC2086
    calovox export "$shipped/$model" --centers "$here/centers.json" $centroids --no-fastcalosim \
        -o "$folder/$model"
    rm -rf "${shipped:?}/$model"
    mv "$folder/$model" "$shipped/$model"
done
