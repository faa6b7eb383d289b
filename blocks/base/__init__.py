"""What all other packages use: errors, checks, times, sizes, tables as text."""
