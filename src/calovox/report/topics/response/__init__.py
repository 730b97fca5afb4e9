"""E_tot / E_kin and the layers against abs(eta) (note, Figure 12)."""
