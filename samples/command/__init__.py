"""The common parts of the commands: options, signals, standard streams, whole files."""
