#!/bin/sh
# Generates the hits from which the shipped models are trained, validated and judged.
# usage: sample/make_training_hits.sh FOLDER [WORKERS]
# The note's spectrum up to 2^21 MeV in octaves, those below 2^15 MeV twice: 49 850 training and
# 16 600 validation showers, 9 core-hours at 8.5 ms/GeV. Every pass adds to each octave, the cheap ones first, so that
# what exists after a stop is usable; the same command continues. Seeds: training 201 to 214,
# validation 301 to 313, evaluation 401 to 499; event indices of all files are distinct.
set -eu
folder=$1
workers=${2:-2}
mkdir -p "$folder"

# generate NAME OPTIONS...: one file of hits, unless it is there
generate() {
    name=$1
    shift
    [ -e "$folder/$name.h5" ] || calovox geant4 "$@" --workers "$workers" -o "$folder/$name.h5"
}

# octave K PART SHOWERS: part PART (from 0) of the octave 2^K to 2^(K+1) MeV: three quarters of
# its showers for training, one for validation
octave() {
    energy=log:$((1 << $1))MeV:$((1 << ($1 + 1)))MeV
    first=$(($1 * 10000 + $2 * $3))
    generate "train_$1_$2" --energy "$energy" --eta abs:0:1.35 -n $(($3 * 3 / 4)) \
        --seed $((200 + $1 - 7)) --first-event $((1000000 + first))
    generate "val_$1_$2" --energy "$energy" --eta abs:0:1.35 -n $(($3 / 4)) \
        --seed $((300 + $1 - 7)) --first-event $((2000000 + first))
}

# scan K SHOWERS: one energy, 2^K MeV, in the two |eta| bins of Figures C.1, C.2 and D.1
scan() {
    generate "scan_$1_central" --energy $((1 << $1))MeV --eta abs:0.2:0.25 -n "$2" \
        --seed $((400 + $1)) --first-event $((3000000 + $1 * 1000))
    generate "scan_$1_transition" --energy $((1 << $1))MeV --eta abs:0.75:0.85 -n "$2" \
        --seed $((430 + $1)) --first-event $((3500000 + $1 * 1000))
}

for k in 8 9 10 11 12 13 14; do octave $k 0 3672; done
for part in 0 1; do octave 15 $part 918; done
octave 16 0 918
octave 17 0 459
octave 18 0 228
for k in 8 9 10 11 12 13 14 15 16; do scan $k 200; done
for k in 8 9 10 11 12 13; do octave $k 1 3672; done
for part in 2 3; do octave 15 $part 918; done
octave 19 0 160
octave 20 0 80
# more showers where Figure 16 is judged, to train CaloINN with
generate high_transition --energy log:262.144GeV:2.097152TeV --eta abs:0.7:0.9 -n 150 --seed 214 \
    --first-event 4000000
# Figures 13 and 15 around 65 GeV, more showers than in the shipped sample; and Figure D.1
near_65="--energy log:48.75GeV:97.5GeV"
generate gap $near_65 --eta abs:0:0.052 -n 1500 --seed 471 --first-event 3900000
generate transition $near_65 --eta abs:0.748:0.802 -n 1500 --seed 472 --first-event 3910000
generate discrete --energy 65536MeV --eta abs:0:0.05 -n 300 --seed 474 --first-event 3930000
for k in 17 18; do scan $k 200; done
# Figure 16
generate near_1tev --energy log:750GeV:1.5TeV --eta abs:0.748:0.802 -n 500 --seed 473 \
    --first-event 3920000
scan 19 20
scan 20 10
scan 21 5
scan 22 3
