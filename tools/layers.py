"""Reads src/layers.txt: who may use whom, and under which prefixes a library exports symbols."""

import pathlib


class Library:
    def __init__(self, name, prefixes, uses):
        self.name = name
        self.prefixes = tuple(prefixes)
        self.uses = uses


def read(root):
    """The libraries by name, lowest first. Exits with a message where the table contradicts itself."""
    libraries = {}
    path = pathlib.Path(root) / "src" / "layers.txt"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.split() for column in line.split("|")]
        if len(columns) != 3 or len(columns[0]) != 1:
            raise SystemExit(f"{path}:{number}: three columns are needed: library | prefixes | uses")
        name, uses = columns[0][0], columns[2]
        for used in uses:
            if used not in libraries:
                raise SystemExit(f"{path}:{number}: {name} uses {used}, which is not a lower layer")
        libraries[name] = Library(name, columns[1], uses)
    return libraries
