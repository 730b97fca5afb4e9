"""Mutations of XML: attributes, elements, and entities that grow or point elsewhere."""

from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import numpy as np

from fuzz.mutations.trees import ODD_NUMBERS, ODD_TEXTS

__all__ = ["mutate_xml"]

_GROWING: Final = (
    '<!DOCTYPE b [<!ENTITY a "0,1,2,3">'
    + "".join(f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(8))
    + "]>"
)
_OUTSIDE: Final = '<!DOCTYPE b [<!ENTITY a SYSTEM "../outside/secret.txt">]>'


def mutate_xml(path: Path, rng: np.random.Generator) -> str:
    """Change attributes and elements of an XML file, or put entities into it."""
    if rng.random() < 0.1:
        entities = _GROWING if rng.random() < 0.5 else _OUTSIDE
        name = "i" if entities == _GROWING else "a"
        text = path.read_text(encoding="utf-8").replace("<Bins>", f"{entities}<Bins>&{name};", 1)
        path.write_text(text, encoding="utf-8")
        return "XML: entities"
    tree = ElementTree.parse(path)
    done = []
    for _ in range(int(rng.integers(1, 4))):
        elements = list(tree.iter())
        element = elements[rng.integers(len(elements))]
        done.append(_change(element, elements, rng))
    tree.write(path)
    return "XML: " + ", ".join(done)


def _change(
    element: ElementTree.Element, elements: list[ElementTree.Element], rng: np.random.Generator
) -> str:
    names = list(element.attrib)
    draw = rng.random()
    if names and draw < 0.7:
        name = names[rng.integers(len(names))]
        element.attrib[name] = _odd_attribute(element.attrib[name], rng)
        return f"{element.tag}.{name}"
    if names and draw < 0.8:
        del element.attrib[names[rng.integers(len(names))]]
        return f"{element.tag} lacks an attribute"
    if len(element) and draw < 0.9:
        element.remove(element[int(rng.integers(len(element)))])
        return f"{element.tag} lacks an element"
    other = elements[rng.integers(len(elements))]
    if element not in other.iter():
        element.append(other)
        return f"{other.tag} in {element.tag}"
    element.tag = "Bin"
    return "renamed"


def _odd_attribute(text: str, rng: np.random.Generator) -> str:
    draw = rng.random()
    odd = str(ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))])
    if draw < 0.4:
        parts = text.split(",")
        parts[rng.integers(len(parts))] = odd
        return ",".join(parts)
    if draw < 0.6:
        return ",".join(reversed(text.split(",")))
    if draw < 0.8:
        return odd
    known = [entry for entry in ODD_TEXTS if entry.isprintable()]
    return known[rng.integers(len(known))]
