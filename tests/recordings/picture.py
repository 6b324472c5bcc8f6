"""Frames of a terminal as text and as SVG. An SVG with several frames moves; where motion is not wanted, it shows the last one."""

import unicodedata
from xml.sax.saxutils import escape

# The colours of the palette that many terminals have on a dark ground.
COLOURS = ["#6e7681", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#e6edf3"]
GROUND, INK = "#0d1117", "#e6edf3"
# Several blanks in a row would be drawn as one.
BLANK = "\u00a0"
WIDTH, HEIGHT, SIZE, MARGIN = 8.4, 19.0, 14, 14
# Nobody wants to look at a still picture for so long; the last frame stays longer.
LONGEST, LAST = 1.6, 6.0


def as_text(frames):
    """What the screen shows; with several frames, each time from the first line on that has changed, with its time."""
    out = frames[0].text()
    before, seen = out, _without_clock(out)
    for number, frame in enumerate(frames[1:], 2):
        lines = frame.text()
        if number < len(frames) and _without_clock(lines) == seen:
            continue
        same = next((at for at, pair in enumerate(zip(lines, before)) if pair[0] != pair[1]), min(len(lines), len(before)))
        out += [f"── after {frame.at:.1f} s " + "─" * 20, *lines[same:]]
        before, seen = lines, _without_clock(lines)
    return "\n".join(out) + "\n"


def _without_clock(lines):
    """Lines in which elapsed seconds do not count."""
    return [[word for word in line.split() if not word.isdigit()] for line in lines]


def as_svg(frames, columns, title):
    """A picture of the screen; moving when there are several frames."""
    width = columns * WIDTH + 2 * MARGIN
    height = max(len(frame.lines) for frame in frames) * HEIGHT + 2 * MARGIN
    known = {}
    groups = []
    for number, frame in enumerate(frames):
        uses = []
        for row, line in enumerate(frame.lines):
            drawn = _line(line)
            if drawn:
                name = known.setdefault(drawn, f"l{len(known)}")
                uses.append(f'<use href="#{name}" y="{row * HEIGHT:g}"/>')
        last = " last" if number + 1 == len(frames) else ""
        groups.append(f'<g class="f{last}" id="f{number}">{"".join(uses)}</g>')
    lines = "".join(f'<g id="{name}">{drawn}</g>' for drawn, name in known.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
        f' role="img" aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n'
        f"<style>{_style(frames)}</style>\n<defs>{lines}</defs>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>\n'
        f'<g transform="translate({MARGIN} {MARGIN + SIZE})">\n' + "\n".join(groups) + "\n</g>\n</svg>\n"
    )


def _style(frames):
    rules = [
        f"text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:{INK}}}",
        ".b{font-weight:700}.d{opacity:.62}",
        *[f".c{number}{{fill:{colour}}}" for number, colour in enumerate(COLOURS)],
    ]
    if len(frames) == 1:
        return "".join(rules)
    rests = [min(LONGEST, after.at - frame.at) for frame, after in zip(frames, frames[1:])] + [LAST]
    whole = sum(rests)
    rules.append(".f{visibility:hidden}.last{visibility:visible}")
    moving = []
    begin = 0.0
    for number, rest in enumerate(rests):
        first, last = 100 * begin / whole, 100 * (begin + rest) / whole
        begin += rest
        hidden = "" if number == 0 else "0%{visibility:hidden}"
        after = "" if number + 1 == len(rests) else f"{last:.2f}%,100%{{visibility:hidden}}"
        moving.append(f"@keyframes k{number}{{{hidden}{first:.2f}%{{visibility:visible}}{after}}}")
        moving.append(f"#f{number}{{animation:k{number} {whole:.1f}s step-end infinite}}")
    rules.append("@media (prefers-reduced-motion:no-preference){" + "".join(moving) + "}")
    return "".join(rules)


def _line(runs):
    drawn = []
    column = 0
    for text, look in runs:
        columns = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
        blank = len(text) - len(text.lstrip(" "))
        shown = text.strip(" ")
        if shown:
            kind = " ".join(
                ["b"] * look.bold + ["d"] * look.faint + ([f"c{look.colour}"] if look.colour is not None else [])
            )
            kind = f' class="{kind}"' if kind else ""
            length = (columns - (len(text) - len(shown))) * WIDTH
            # The length keeps columns in line whatever font the reader has.
            drawn.append(
                f'<text x="{(column + blank) * WIDTH:g}" textLength="{length:g}" lengthAdjust="spacingAndGlyphs"{kind}>{escape(shown).replace(" ", BLANK)}</text>'
            )
        column += columns
    return "".join(drawn)
