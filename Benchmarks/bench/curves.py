"""Fan-out by subscribers as a picture: how much is delivered, and how long it takes until all have a change."""
import html
import math

from bench.report import shown

# Always the same colours, whoever is missing; fibd's line is the thick one.
NAMES = ["fibd", "plain C", "redis", "nchan", "netlink", "etcd"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 500, 270, 70, 80, 92, 64
STYLE = """
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .quiet { fill: #59636e; }
    .grid { stroke: #d1d9e0; }
    polyline { fill: none; stroke-width: 1.5; }
    .fibd { stroke: #1a7f5a; fill: #1a7f5a; } polyline.fibd { stroke-width: 3.5; fill: none; }
    .plain-C { stroke: #59636e; fill: #59636e; } polyline.plain-C { stroke-dasharray: 5 3; fill: none; }
    .redis { stroke: #c93c37; fill: #c93c37; } polyline.redis { fill: none; }
    .nchan { stroke: #0969da; fill: #0969da; } polyline.nchan { fill: none; }
    .netlink { stroke: #8250df; fill: #8250df; } polyline.netlink { fill: none; }
    .etcd { stroke: #b08800; fill: #b08800; } polyline.etcd { fill: none; }
    text.label { stroke: none; font-weight: 600; }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3; }
        .quiet { fill: #9198a1; }
        .grid { stroke: #3d444d; }
        .plain-C { stroke: #9198a1; fill: #9198a1; }
    }
"""


def curves(figures):
    """The panels, each a title, its unit, and by name the points (subscribers, value). Those without a point are left out."""
    for unit, value, title in (("deliveries/s", lambda figure, name: figure["figures"].get(name), "deliveries a second"),
                               ("ms", lambda figure, name: figure["spread"].get(name, {}).get("p99"),
                                "ms until all have a change, p99")):
        for outstanding, how in ((1, "one change at a time"), (16, "16 changes outstanding")):
            points = {name: [] for name in NAMES}
            for figure in figures:
                at = figure.get("at", {})
                if figure["row"] == "fanout" and figure["unit"] == unit and at.get("outstanding") == outstanding:
                    for name in NAMES:
                        if value(figure, name):
                            points[name].append((at["subscribers"], value(figure, name)))
            if any(points.values()):
                yield f"{title}, {how}", unit, {name: line for name, line in points.items() if line}


def drawn(described, figures):
    """The picture, or None if these figures have no fan-out."""
    panels = list(curves(figures))
    if not panels:
        return None
    parts = [panel(*one, x=number % 2 * (WIDTH + 10), y=TOP + number // 2 * (HEIGHT + GAP))
             for number, one in enumerate(panels)]
    width, height = 2 * WIDTH + 10, TOP + (len(panels) + 1) // 2 * (HEIGHT + GAP) - 10
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>Fan-out by subscribers</title>
<style>{STYLE}</style>
<text class="title" x="10" y="20">Fan-out by subscribers</text>
<text class="quiet" x="10" y="38">{html.escape(described)}; both axes are logarithmic</text>
{chr(10).join(parts)}
</svg>
"""


def panel(title, unit, lines, x, y):
    audiences = sorted({subscribers for line in lines.values() for subscribers, _ in line})
    values = [value for line in lines.values() for _, value in line]
    low, high = (math.log10(value) for value in (min(values) / 1.3, max(values) * 1.3))

    def across(subscribers):
        share = math.log(subscribers) / math.log(audiences[-1]) if audiences[-1] > 1 else 0
        return x + LEFT + share * (WIDTH - LEFT - RIGHT)

    def down(value):
        return y + HEIGHT - (math.log10(value) - low) / (high - low) * HEIGHT

    parts = [f'<text class="title" x="{x + 10}" y="{y - 14}">{html.escape(title)}</text>']
    for power in range(math.ceil(low), math.floor(high) + 1):
        parts.append(f'<line class="grid" x1="{x + LEFT}" x2="{x + WIDTH - RIGHT}" y1="{down(10 ** power):.1f}" '
                     f'y2="{down(10 ** power):.1f}"/><text class="quiet" text-anchor="end" x="{x + LEFT - 8}" '
                     f'y="{down(10 ** power) + 4:.1f}">{shown(10 ** power, unit)}</text>')
    for subscribers in audiences:
        parts.append(f'<text class="quiet" text-anchor="middle" x="{across(subscribers):.1f}" y="{y + HEIGHT + 18}">'
                     f'{subscribers:,}</text>')
    for name, line in reversed(lines.items()):
        parts.append(curve(name, [(across(subscribers), down(value)) for subscribers, value in sorted(line)]))
    ends = {name: down(max(line)[1]) for name, line in lines.items()}
    for name, place in apart(ends).items():
        parts.append(f'<text class="label {name.replace(" ", "-")}" x="{x + WIDTH - RIGHT + 10}" y="{place + 4:.1f}">'
                     f'{html.escape(name)}</text>')
    return "\n".join(parts)


def curve(name, points):
    css = name.replace(" ", "-")
    dots = "".join(f'<circle class="{css}" cx="{a:.1f}" cy="{b:.1f}" r="{4 if name == "fibd" else 2.5}"/>' for a, b in points)
    return f'<polyline class="{css}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>{dots}'


def apart(places, least=14):
    """The places from top to bottom, neighbours that are too close moved away from each other until none is."""
    order = sorted(places, key=places.get)
    moved = [places[name] for name in order]
    for _ in range(100):
        for upper in range(len(moved) - 1):
            lacking = max(0, least - (moved[upper + 1] - moved[upper])) / 2
            moved[upper] -= lacking
            moved[upper + 1] += lacking
    return dict(zip(order, moved))
