"""E_tot / E_kin in slices of kinetic energy (note, Figures C.1 and C.2)."""
