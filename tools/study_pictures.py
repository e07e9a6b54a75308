#!/usr/bin/env python3
"""Draws the pictures of docs/study: tools/study_pictures.py [FOLDER]. Standard library only; the same bytes every time."""

import argparse
import cmath
import json
import math
import random
from pathlib import Path

PICTURES = Path(__file__).parent.parent / "docs/study/pictures"
STYLE = """
.bg{fill:#fff} text{fill:#222} .soft{fill:#555} .line{stroke:#555;fill:none} .tip{fill:#555} .mark{stroke:#b00;fill:none}
.markt{fill:#b00} .blue{fill:#cfe3ff;stroke:#555} .orange{fill:#ffe2b8;stroke:#555} .green{fill:#d3efd3;stroke:#555}
.grey{fill:#eee;stroke:#555} .none{fill:none;stroke:#555} .dot{fill:#2b6cb0} .bluel{stroke:#2b6cb0;fill:none}
.orangel{stroke:#c2660a;fill:none} .greenl{stroke:#2f855a;fill:none}
@media (prefers-color-scheme: dark){
.bg{fill:#1b1e24} text{fill:#e6e6e6} .soft{fill:#a9afb8} .line{stroke:#a9afb8} .tip{fill:#a9afb8} .mark{stroke:#ff7b72}
.markt{fill:#ff7b72} .blue{fill:#24415f;stroke:#a9afb8} .orange{fill:#5c4420;stroke:#a9afb8} .green{fill:#264d30;stroke:#a9afb8}
.grey{fill:#2c3037;stroke:#a9afb8} .none{stroke:#a9afb8} .dot{fill:#7fb3ec} .bluel{stroke:#7fb3ec}
.orangel{stroke:#f0a95b} .greenl{stroke:#7ccf97}}"""


def number(x):
    return f"{x:.1f}".rstrip("0").rstrip(".")


class Picture:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" '
            f'font-size="14" role="img"><title>{title}</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="bg" width="{width}" height="{height}" rx="8"/>',
            '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        ]

    def text(self, x, y, words, size=14, anchor="start", kind="", bold=False):
        weight = ' font-weight="bold"' if bold else ""
        words = words.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text class="{kind}" x="{number(x)}" y="{number(y)}" font-size="{size}" '
                          f'text-anchor="{anchor}"{weight}>{words}</text>')

    def title(self, x, y, words, below=()):
        self.text(x, y, words, 15, bold=True)
        for i, line in enumerate(below):
            self.text(x, y + 18 + 15 * i, line, 12, kind="soft")

    def box(self, x, y, width, height, kind, words="", size=12, dashed=False):
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(width)}" '
                          f'height="{number(height)}" rx="4"{dash}/>')
        if words:
            self.text(x + width / 2, y + height / 2 + size * 0.36, words, size, "middle")

    def path(self, points, kind="line", width=1.5, arrow=False, dashed=False):
        d = " ".join(("M" if i == 0 else "L") + f"{number(x)} {number(y)}" for i, (x, y) in enumerate(points))
        tip = ' marker-end="url(#a)"' if arrow else ""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<path class="{kind}" d="{d}" stroke-width="{width}"{tip}{dash}/>')

    def arrow(self, x1, y1, x2, y2):
        self.path([(x1, y1), (x2, y2)], arrow=True)

    def circle(self, x, y, r, kind, width=1.5, dashed=False):
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<circle class="{kind}" cx="{number(x)}" cy="{number(y)}" r="{number(r)}" '
                          f'stroke-width="{width}"{dash}/>')

    def save(self, path):
        path.write_text("\n".join(self.parts) + "\n</svg>\n")


def batch():
    """The three sequences of programs/packed.cpp, padded and packed."""
    p = Picture(860, 300, "Three sequences, padded and packed")
    kinds, rows = ["blue", "orange", "green"], [[1, 2, 3], [4], [5, 6, 7, 8, 9]]
    p.title(20, 30, "padded", ["15 cells, of which 6 hold nothing;", "a mask says which"])
    for s, row in enumerate(rows):
        for t in range(5):
            x, y = 300 + 58 * t, 18 + 36 * s
            if t < len(row):
                p.box(x, y, 54, 30, kinds[s], str(row[t]), 14)
            else:
                p.box(x, y, 54, 30, "grey", dashed=True)
    p.title(20, 172, "packed", ["9 cells and 4 offsets;", "no state passes a red line"])
    x, token = 300, 0
    for s, row in enumerate(rows):
        p.path([(x - 2, 150), (x - 2, 224)], "mark", 2)
        p.text(x - 2, 242, str(token), 14, "middle", "markt")
        for item in row:
            p.box(x, 158, 54, 30, kinds[s], str(item), 14)
            if item != row[-1]:
                p.path([(x + 27, 196), (x + 27, 206), (x + 85, 206), (x + 85, 190)], arrow=True)
            x, token = x + 58, token + 1
    p.path([(x - 2, 150), (x - 2, 224)], "mark", 2)
    p.text(x - 2, 242, str(token), 14, "middle", "markt")
    p.text(20, 242, "offsets")
    p.text(300, 276, "arrows: the state h that the recurrence carries", 12, kind="soft")
    return p


def tape():
    """loss = tanh(w x + w)^2 of programs/tape.cpp with its values and gradients."""
    w, x = 0.5, -2.0
    a, s = w * x, w * x + w
    y = math.tanh(s)
    loss = y * y
    dy = 2 * y
    ds = dy * (1 - y * y)
    p = Picture(860, 270, "A recorded computation and its gradients")
    p.title(20, 30, "forward, left to right: values", [])
    p.text(20, 50, "backward, right to left: gradients of the loss, in red", 12, kind="markt")
    nodes = {"w": (40, 90), "x": (40, 180), "w x": (220, 180), "w x + w": (400, 120), "tanh": (570, 120), "square": (740, 120)}
    values = {"w": (w, ds * x + ds), "x": (x, ds * w), "w x": (a, ds), "w x + w": (s, ds), "tanh": (y, dy), "square": (loss, 1.0)}
    for start, end in [("w", "w x"), ("x", "w x"), ("w x", "w x + w"), ("w", "w x + w"), ("w x + w", "tanh"), ("tanh", "square")]:
        (x1, y1), (x2, y2) = nodes[start], nodes[end]
        p.arrow(x1 + 84, y1 + 17, x2 - 2, y2 + 17)
    for name, (left, top) in nodes.items():
        value, gradient = values[name]
        p.box(left, top, 84, 34, "orange" if name in "wx" else "blue", name, 13)
        p.text(left + 42, top - 8, f"{value:.4f}", 12, "middle")
        p.text(left + 42, top + 50, f"{gradient:.4f}", 12, "middle", "markt")
    p.text(20, 256, f"w has two uses: its gradient is the sum {ds * x:.4f} − {-ds:.4f}", 12, kind="soft")
    return p


def descent():
    """The two walks of programs/wirtinger.cpp."""
    p = Picture(860, 330, "Descent with and without the conjugate")
    target = complex(-3, 4)
    left, top, scale = 500, 20, 62

    def at(z):
        return left + (z.real + 0.2) * scale, top + (4.3 - z.imag) * scale

    p.title(20, 40, "|z² − w|² from z = 2 + i", ["blue: steps along dy conj(2z), to the root 1 + 2i",
                                                     "orange: steps along dy 2z, to 0, which is no root"])
    p.text(20, 120, "grey: where the loss is 1, 10, 40, 100", 12, kind="soft")
    # Level lines: rays from the root, bisected.
    root = complex(1, 2)
    for level in (1, 10, 40, 100):
        line = []
        for k in range(121):
            direction, low, high = cmath.exp(2j * math.pi * k / 120), 0.0, 3.0
            for _ in range(40):
                middle = (low + high) / 2
                inside = abs((root + middle * direction) ** 2 - target) ** 2 < level
                low, high = (middle, high) if inside else (low, middle)
            line.append(root + low * direction)
        parts, current = [], []
        for z in line:
            if -2.6 <= z.real <= 5.5 and -0.5 <= z.imag <= 4.3 and abs(abs(z * z - target) ** 2 - level) < 1e-3:
                current.append(at(z))
            elif current:
                parts.append(current)
                current = []
        parts.append(current)
        for part in parts:
            if len(part) > 1:
                p.path(part, "line", 0.8)
    for conjugated, kind in ((True, "bluel"), (False, "orangel")):
        z, points = complex(2, 1), []
        for _ in range(200):
            if not (-2.6 <= z.real <= 5.5 and -0.6 <= z.imag <= 4.3):
                break
            points.append(at(z))
            slope = 2 * z
            z -= 0.01 * 2 * (z * z - target) * (slope.conjugate() if conjugated else slope)
        p.path(points, kind, 2.5)
        for point in points[:12]:
            p.circle(*point, 2.5, kind, 2)
    p.circle(*at(root), 4, "dot")
    p.text(at(root)[0] - 8, at(root)[1] - 8, "1 + 2i", 13, "end")
    p.circle(*at(complex(2, 1)), 4, "dot")
    p.text(at(complex(2, 1))[0] + 10, at(complex(2, 1))[1] + 5, "2 + i", 13)
    p.circle(*at(0), 4, "dot")
    p.text(at(0)[0] + 10, at(0)[1] + 5, "0", 13)
    return p


def disk():
    p = Picture(860, 340, "The unit disk, the ring, and how powers fall")
    cx, cy, r = 170, 175, 130
    p.path([(cx - r - 20, cy), (cx + r + 24, cy)], arrow=True)
    p.path([(cx, cy + r + 20), (cx, cy - r - 24)], arrow=True)
    p.circle(cx, cy, r, "line", 1.5)
    p.circle(cx, cy, 0.8 * r, "line", 1, dashed=True)
    p.circle(cx, cy, 0.99 * r, "line", 0.7, dashed=True)
    chance = random.Random(1)
    for _ in range(128):
        modulus = math.sqrt(0.8**2 + chance.random() * (0.99**2 - 0.8**2))
        z = cmath.rect(modulus, 2 * math.pi * chance.random())
        p.circle(cx + r * z.real, cy - r * z.imag, 2.2, "dot", 0)
    p.text(cx + r + 8, cy + 18, "1", 13)
    p.text(cx + 6, cy - r - 10, "i", 13)
    p.text(cx, 332, "128 draws: uniform in the area of the ring", 12, "middle", "soft")
    left, bottom, width, height = 420, 290, 400, 230
    p.title(420, 34, "what is left of an input after k steps, |λ|ᵏ", [])
    p.arrow(left, bottom, left + width + 10, bottom)
    p.arrow(left, bottom, left, bottom - height - 10)
    p.path([(left, bottom - height / 2), (left + width, bottom - height / 2)], "line", 0.7, dashed=True)
    p.text(left - 6, bottom - height / 2 + 4, "½", 13, "end")
    p.text(left - 6, bottom - height + 4, "1", 13, "end")
    for k in (10, 20, 30, 40):
        p.text(left + width * k / 40, bottom + 18, str(k), 12, "middle", "soft")
    for modulus, kind in ((0.8, "bluel"), (0.9, "greenl"), (0.99, "orangel")):
        p.path([(left + width * k / 40, bottom - height * modulus**k) for k in range(41)], kind, 2)
        half, y = math.log(0.5) / math.log(modulus), {0.99: 198, 0.9: 218, 0.8: 238}[modulus]
        p.path([(left + 230, y), (left + 254, y)], kind, 2)
        p.text(left + 262, y + 4, f"{modulus}: half after {half:.1f}", 12)
    return p


def scan_tree():
    """Algorithm 1 on the numbers of programs/scan_by_hand.cpp."""
    p = Picture(860, 420, "Algorithm 1 as a tree")
    h = [0.0, 0.0, 8.0, 0.0, 0.0, 4.0, 0.0, 2.0]
    p.title(20, 40, "x, padded on the left", ["λ = ½; grey cells are padding", "and never stored"])
    left, width = 290, 66

    def row(y, changed):
        for i, value in enumerate(h):
            kind = "grey" if i < 2 else "orange" if i in changed else "blue"
            p.box(left + width * i, y, width - 8, 30, kind, number(value) if value % 0.5 == 0 else f"{value:g}", 13, dashed=i < 2)

    row(24, [])
    y, half = 24, 1
    for round_ in range(3):
        changed, nexty = [], y + 110
        for start in range(0, 8, 2 * half):
            last = start + half - 1
            for i in range(half):
                target = start + half + i
                if last >= 2:
                    h[target] += 0.5 ** (i + 1) * h[last]
                    p.arrow(left + width * last + 29, y + 32, left + width * target + 29 - 4, nexty - 2)
                changed.append(target)
        title = ["round 1: join pairs", "round 2: join fours", "round 3: join eights"][round_]
        p.title(20, nexty + 14, title, [["add λ times the left one"], ["add λ, λ² times the end of the left half"],
                                        ["add λ … λ⁴ times the end of the left half"]][round_])
        row(nexty, [c for c in changed if c >= 2])
        y, half = nexty, 2 * half
    p.text(left, 408, "orange: right halves, all computed side by side; after round 3 every cell is its h", 12, kind="soft")
    return p


def reversed_scan():
    p = Picture(860, 300, "The scan and the reversed scan of two segments")
    p.title(20, 50, "forward", ["h_t = λ h_{t−1} + x_t"])
    p.title(20, 216, "backward", ["g_t = dh_t + conj(λ) g_{t+1}"])
    segments = [[1, 2, 3], [4, 5]]
    x = 270
    for s, segment in enumerate(segments):
        kind = ["blue", "orange"][s]
        p.path([(x - 14, 20), (x - 14, 280)], "mark", 2)
        for t in segment:
            p.box(x, 46, 56, 32, kind, f"h{t}", 13)
            p.text(x + 28, 24, f"x{t}", 12, "middle", "soft")
            p.arrow(x + 28, 28, x + 28, 44)
            p.arrow(x + 28, 80, x + 28, 118)
            p.text(x + 28, 136, "loss", 12, "middle", "soft")
            p.arrow(x + 28, 142, x + 28, 196)
            p.text(x + 32, 172, f"dh{t}", 12, kind="markt")
            p.box(x, 198, 56, 32, kind, f"g{t}", 13)
            p.arrow(x + 28, 232, x + 28, 262)
            p.text(x + 28, 278, f"dx{t} = g{t}", 12, "middle")
            if t != segment[-1]:
                p.arrow(x + 58, 62, x + 108, 62)
                p.text(x + 82, 56, "λ", 13, "middle")
                p.arrow(x + 108, 214, x + 58, 214)
                p.text(x + 84, 206, "conj(λ)", 12, "middle", "markt")
            x += 112
        x += 6
    p.path([(x - 14, 20), (x - 14, 280)], "mark", 2)
    return p


def fused():
    p = Picture(860, 350, "What moves through memory")
    p.title(20, 36, "composed", ["every arrow crosses memory,", "but for Re, which is a view"])
    p.title(20, 216, "fused", ["one tile of tokens after the", "other, in cache"])

    def tensor(x, y, name, height, kind="blue"):
        p.box(x, y + 60 - height, 42, height, kind, name, 13)

    def operation(x, y, name, width=70):
        p.box(x, y + 14, width, 34, "grey", name, 12)

    y, x = 50, 220
    heights = {"x": 15, "p": 60, "u": 60, "h": 60, "c": 30, "y": 15}
    steps = [("x", "B x + b"), ("p", "γ ·"), ("u", "scan"), ("h", "C h + c"), ("c", "Re"), ("y", None)]
    for name, op in steps:
        tensor(x, y, {"p": "Bx", "c": "Ch+c"}.get(name, name), heights[name], "orange" if name in "xy" else "blue")
        if op:
            width = {"γ ·": 36, "Re": 36, "scan": 46}.get(op, 62)
            p.arrow(x + 44, y + 45, x + 54, y + 45)
            p.box(x + 56, y + 30, width, 28, "grey", op, 12)
            p.arrow(x + 58 + width, y + 45, x + 68 + width, y + 45)
            x += 70 + width
    p.text(220, 134, "heights: bytes a token, float, with H inputs and D = 2H complex channels", 12, kind="soft")
    y = 220
    tensor(220, y, "x", 15, "orange")
    p.arrow(264, y + 52, 300, y + 52)
    p.box(302, y - 30, 330, 110, "none", dashed=True)
    p.text(312, y - 12, "registers and cache", 12, kind="soft")
    for left, width, name in ((316, 92, "γ B x + γ b"), (432, 62, "scan"), (518, 98, "Re(C h) + c")):
        p.box(left, y + 10, width, 34, "grey", name, 12)
    p.arrow(410, y + 27, 430, y + 27)
    p.arrow(496, y + 27, 516, y + 27)
    p.arrow(634, y + 52, 670, y + 52)
    tensor(672, y, "y", 15, "orange")
    p.path([(463, y + 46), (463, y + 92), (760, y + 92), (760, y + 64)], arrow=True)
    tensor(709 + 30, y, "h", 60)
    p.text(463, y + 110, "h is written once, for the backward", 12, kind="soft")
    return p


def eigenvalues(file):
    """Those of a run, as lrurec report --json has them."""
    run = json.loads(file.read_text())
    p = Picture(860, 420, "The eigenvalues of both blocks, before and after training")
    r, cy = 150, 200
    for b, block in enumerate(run["blocks"]):
        cx = 215 + 430 * b
        p.circle(cx, cy, r, "line", 1.5)
        p.circle(cx, cy, 0.8 * r, "line", 1, dashed=True)
        p.path([(cx - r - 12, cy), (cx + r + 14, cy)], width=0.7)
        p.path([(cx, cy + r + 12), (cx, cy - r - 14)], width=0.7)
        p.text(cx + r + 5, cy + 15, "1", 12, kind="soft")
        p.text(cx + 5, cy - r - 5, "i", 12, kind="soft")
        for (x0, y0), (x1, y1) in zip(block["initial"], block["trained"]):
            p.path([(cx + r * x0, cy - r * y0), (cx + r * x1, cy - r * y1)], "line", 0.4)
        for x, y in block["initial"]:
            p.circle(cx + r * x, cy - r * y, 1.8, "none", 0.8)
        for x, y in block["trained"]:
            p.circle(cx + r * x, cy - r * y, 2.4, "dot", 0)
        mean = [sum(math.hypot(*z) for z in block[when]) / len(block[when]) for when in ("initial", "trained")]
        p.text(cx, 24, f"block {b + 1}", 15, "middle", bold=True)
        p.text(cx, 384, f"mean |λ| {mean[0]:.3f} before, {mean[1]:.3f} after", 13, "middle")
    p.text(430, 408, f"{run['run']}, step {run['step']:,}: where each of 128 began (rings) and where it is (dots); "
           "dashed: |λ| = .8, where the ring begins", 12, "middle", "soft")
    return p


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, default=PICTURES, help="default: docs/study/pictures")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (batch, tape, descent, disk, scan_tree, reversed_scan, fused):
        draw().save(folder / (draw.__name__.replace("_", "-") + ".svg"))
    for file in sorted(PICTURES.parent.glob("*-eigenvalues.json")):
        eigenvalues(file).save(folder / f"{file.stem}.svg")


if __name__ == "__main__":
    main()
