"""Leaves 0 if `pyright --outputjson --verifytypes` knows the types of enough symbols of an installed package."""

import json
import sys
from pathlib import Path

report, environment, wanted = Path(sys.argv[1]), Path(sys.argv[2]).resolve(), float(sys.argv[3])
found = json.loads(report.read_text(encoding="utf-8"))
types = found["typeCompleteness"]
symbols, score = types["exportedSymbolCounts"], types["completenessScore"]
known, total = symbols["withKnownType"], sum(symbols.values())
name, folder = types["moduleName"], types["moduleRootDirectory"]
print(f"{name}: the types of {known:,} of its {total:,} symbols are known ({score:.2%})")
for diagnostic in found["generalDiagnostics"]:
    print(diagnostic["message"])
if not folder or not Path(folder).resolve().is_relative_to(environment):
    sys.exit(f"{name} was looked for in {environment} and found in {folder or 'no folder'}")
if not total:
    sys.exit(f"{name} has no symbols")
if score < wanted:
    for symbol in types["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            print(symbol["name"])
    sys.exit(f"the types of at least {wanted:.1%} of its symbols must be known")
