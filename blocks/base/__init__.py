"""Words and values that every other room uses: errors, checks, times, sizes, tables as text."""
