"""What the commands of the samples have in common: options, signals, standard streams, whole files."""
