"""Prints the lowest version of each package that pyproject.toml lets in, as constraints for pip."""

import re
import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
extras = project["optional-dependencies"]
wanted = [*project["dependencies"]]
for name in ("test", "samples", "sentences", "gui", "dask", "seal"):
    wanted += extras[name]
for each in wanted:
    if found := re.match(r"([\w-]+)(?:\[[\w,]+\])?>=([\w.]+)", each):
        print(f"{found[1]}=={found[2]}")
