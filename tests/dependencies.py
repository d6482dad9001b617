#!/usr/bin/env python3
"""What we depend on: every crate and npm package comes from its registry, as locked, under a licence that we can pass on.

Known weaknesses need a database from the network and are not looked for here: `cargo audit` and `npm audit` do that.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"

# May be part of what we give out.
LICENCES = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}
# May be used to build and test with.
TOOL_LICENCES = LICENCES | {"MPL-2.0"}


def is_allowed(expression, allowed):
    """Whether an SPDX expression, old style with `/` too, can be satisfied: an OR by one side, an AND by both."""
    tokens = re.findall(r"\(|\)|/|[^\s()/]+", expression or "")
    tokens = ["OR" if token == "/" else token for token in tokens]

    def either():
        met = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = both() or met
        return met

    def both():
        met = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        token = tokens.pop(0) if tokens else ""
        if token == "(":
            met = either()
            return bool(tokens) and tokens.pop(0) == ")" and met
        if tokens and tokens[0] == "WITH":
            token = " ".join([token, tokens.pop(0), tokens.pop(0) if tokens else ""])
        return token in allowed

    return either() and not tokens


def crates():
    """What is wrong with crates: with all that are locked, and with the licences of those that are built here."""
    lock = (ROOT / "Cargo.lock").read_text()
    for package in lock.split("[[package]]")[1:]:
        known = dict(re.findall(r'^(\w+) = "(.*)"$', package, re.M))
        name = f"{known['name']} {known['version']}"
        if known.get("source", CRATES_IO) != CRATES_IO:
            yield f"{name} comes from {known['source']}"
        elif "source" in known and "checksum" not in known:
            yield f"{name} is locked without a checksum"
    host = re.search(r"^host: (\S+)$", output("rustc", "-vV"), re.M).group(1)
    metadata = output("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host)
    for package in json.loads(metadata)["packages"]:
        if package["source"] and not is_allowed(package["license"], LICENCES):
            yield f"{package['name']} {package['version']} has the licence {package['license']}"


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def npm_packages():
    """What is wrong with npm packages. Those for development alone leave no trace in what we give out."""
    lock = json.loads((ROOT / "web/package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if not path:
            continue
        if not package.get("integrity", "").startswith("sha512-"):
            yield f"{path} is locked without a checksum"
        if not is_allowed(package.get("license"), TOOL_LICENCES if package.get("dev") else LICENCES):
            yield f"{path} has the licence {package.get('license')}"


def main():
    """Exits with 1 when something is wrong."""
    assert is_allowed("(MIT OR GPL-3.0) AND Unicode-3.0", LICENCES) and is_allowed("GPL-2.0/MIT", LICENCES)
    assert not is_allowed("MIT AND GPL-3.0", LICENCES) and not is_allowed(None, LICENCES)
    wrong = [*crates(), *npm_packages()]
    for what in wrong:
        print(f"dependencies: {what}", file=sys.stderr)
    if not wrong:
        print("dependencies: from their registries, locked, under licences that can be passed on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
