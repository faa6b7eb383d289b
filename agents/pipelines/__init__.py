"""The front door: pipelines that are composed in a line, and run from any kind of program."""
