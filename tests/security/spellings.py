"""A grammar of spellings: the ways in which one name can be written, some of which mean the same."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

LOOK_ALIKES = str.maketrans({"a": "а", "c": "с", "e": "е", "o": "о", "p": "р", "s": "ѕ", "k": "K"})
FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(0x21, 0x7F))}
BLANKS = ("", " ", "\t", "\n", "\u00a0", " \n ")

Draw = random.Random


def pieces(rng: Draw, text: str) -> list[str]:
    """The text in two to four pieces."""
    cuts = sorted(rng.sample(range(1, len(text)), min(len(text) - 1, rng.randint(1, 3))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def any_case(rng: Draw, text: str) -> str:
    """Letters of either case."""
    return "".join(rng.choice((c.upper(), c.lower())) for c in text)


def escaped(rng: Draw, text: str) -> str:
    """The inside of a Python literal, some of its characters as escapes."""
    forms: list[Callable[[str], str]] = [
        lambda c: c,
        lambda c: f"\\x{ord(c):02x}",
        lambda c: f"\\u{ord(c):04x}",
        lambda c: f"\\{ord(c):03o}",
        lambda c: f"\\N{{{unicodedata.name(c)}}}",
    ]
    return "".join(rng.choice(forms)(c) for c in text)


def literal(rng: Draw, text: str) -> str:
    """A Python literal of the text, or what only looks like one."""
    quote = rng.choice(("'", '"', "'''", '"""'))
    plain, inside = f"{quote}{text}{quote}", f"{quote}{escaped(rng, text)}{quote}"
    parts = pieces(rng, text)
    return rng.choice(
        [
            plain,
            inside,
            rng.choice("ruRU") + plain,
            rng.choice(BLANKS).join(literal_piece(rng, part) for part in parts),
            f"({rng.choice(BLANKS).join(literal_piece(rng, part) for part in parts)})",
            " + ".join(literal_piece(rng, part) for part in parts),
            f"f'{parts[0]}{{\"{''.join(parts[1:])}\"}}'",
            f"'{parts[0]}%s' % '{''.join(parts[1:])}'",
            f"b{plain}",
            f"'{text}'.lower()",
            f"'{text.translate(LOOK_ALIKES)}'",
            f"'{text.translate(FULL_WIDTH)}'",
        ]
    )


def literal_piece(rng: Draw, text: str) -> str:
    quote = rng.choice(("'", '"'))
    return f"{quote}{rng.choice((text, escaped(rng, text), any_case(rng, text)))}{quote}"


def call(rng: Draw, name: str, kind: str) -> str:
    """dbt's object syntax: `Dimension('…')`, `Entity('…')` or `Metric('…', ['product'])`."""
    gap = rng.choice((*BLANKS, " # a remark\n "))
    if kind == "Metric":
        return f"Metric({gap}{literal(rng, name)},{gap}[{literal(rng, 'product')}])"
    *links, element = name.split("__")
    if links and rng.random() < 0.3:
        path = ", ".join(literal(rng, link) for link in links)
        return f"{kind}({gap}{literal(rng, element)},{gap}entity_path=[{path}])"
    wide = kind.translate(FULL_WIDTH) if rng.random() < 0.1 else kind
    return f"{wide}({gap}{literal(rng, name)}{gap})"


def dunder(rng: Draw, name: str) -> str:
    """A bare name, in letters of any case or of other alphabets, with blanks around its parts."""
    blank = rng.choice(BLANKS)
    return rng.choice(
        [
            name,
            any_case(rng, name),
            f"{blank}{name}{blank}",
            f"{blank}__{blank}".join(name.split("__")),
            name.translate(LOOK_ALIKES),
            name.translate(FULL_WIDTH),
            name.replace("_", "\u200b_", 1),
            f"{name}__day",
            f"{name}__extract_month",
        ]
    )


def template(rng: Draw, inside: str) -> str:
    """A reference in a filter."""
    blank = rng.choice(BLANKS)
    opened, closed = rng.choice([("{{", "}}"), ("{{", "}}"), ("{{-", "-}}"), ("{%", "%}"), ("{ {", "} }")])
    return f"{opened}{blank}{inside}{blank}{closed}"


def sql_name(rng: Draw, name: str) -> str:
    """A column of semantic SQL."""
    return rng.choice(
        [
            name,
            any_case(rng, name),
            f'"{name}"',
            f'"{any_case(rng, name)}"',
            f"metrics.{name}",
            f"/* a remark */ {name} -- another\n",
            f"({name})",
            f'"{name.translate(LOOK_ALIKES)}"',
            f'"{name.translate(FULL_WIDTH)}"',
            f"'{name}'",
            f"[{name}]",
            f"`{name}`",
            f'"{"__".join(name.split("__"))}"::VARCHAR',
        ]
    )
