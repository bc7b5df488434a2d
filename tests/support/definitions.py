"""Objects of kinds that Kubernetes doesn't know by itself, strictly against their CustomResourceDefinitions: those in the *.yaml files of the folder
$QUORATE_DEFINITIONS (Flux's, Emissary's, the Gateway API's, as their projects publish them). Fields that a schema doesn't name are faults, too."""

import os
import pathlib
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def load():
    """{(group/version, kind): schema}; None when no folder is named."""
    folder = os.environ.get("QUORATE_DEFINITIONS")
    if not folder:
        return None
    import yaml
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*.yaml")):
        for definition in yaml.load_all(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if definition and definition.get("kind") == "CustomResourceDefinition":
                spec = definition["spec"]
                for version in (v for v in spec["versions"] if v["served"]):
                    found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    assert found, f"{folder} has no definitions"
    return found


def bounds(value, schema, at):
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} is not as {schema['pattern']}"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: {value!r} is too short or too long"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{at}: {value} is not between {schema.get('minimum')} and {schema.get('maximum')}"


def faults(value, schema, at=""):
    """Every way in which the value isn't what the schema says."""
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, (int, str)) or isinstance(value, bool):
            yield f"{at}: {value!r} is neither a number nor a text"
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == "boolean")):
        yield f"{at}: {value!r} is no {kind}"
        return
    yield from bounds(value, schema, at)
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from faults(one, schema.get("items", {}), f"{at}[{index}]")
    elif isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties")
        for name in set(schema.get("required", ())) - set(value):
            yield f"{at}.{name} is missing"
        for name, one in value.items():
            if name in known:
                yield from faults(one, known[name], f"{at}.{name}")
            elif isinstance(more, dict):
                yield from faults(one, more, f"{at}.{name}")
            elif not (more or kind is None or schema.get("x-kubernetes-preserve-unknown-fields") or at == ".metadata"):
                yield f"{at}.{name} is not known"


def check(definitions, objects):
    """How many objects had a definition; every fault of theirs ends the test."""
    seen, bad = 0, []
    for o in objects:
        schema = definitions.get((o["apiVersion"], o["kind"]))
        if schema:
            seen += 1
            bad += [f"{o['kind']} {o['metadata']['name']}{text}" for text in faults(o, schema)]
    assert not bad, "\n".join(bad)
    return seen
