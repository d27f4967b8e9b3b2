// Two columns of boxes, encoder and decoder, drawn from below as in the paper: arrows with shapes between them.
import { describe, handle, svg } from "./kit.js";

const WIDE = 310, FOOT = 18, HEAD = 6;        // so wide that letters on a telephone have the size that they say
const BOX = { wide: 110, tall: 22 }, ADD = 54;
const GAP = 18, BORDER = 30;                  // between boxes, and where a layer begins or ends
const MEMORY = 154;                           // where the memory passes from one column to the other
const CROSS = "decoder cross-attention";
// The middle of the boxes, the line around parts, the ground of a layer, and the side of an arrow where its shape stands.
const COLUMNS = {
  encoder: { middle: 61, around: 3, ground: [0, 152], side: 1, tokens: "source tokens" },
  decoder: { middle: 248, around: 306, ground: [156, 310], side: -1, tokens: "target so far" },
};

const path = points => `M${points.map(point => point.join(",")).join("L")}`;
const tipUp = ([x, y]) => `M${x - 4},${y + 6}L${x},${y}L${x + 4},${y + 6}z`;
const tipAside = ([x, y], side) => `M${x - 6 * side},${y - 4}L${x},${y}L${x - 6 * side},${y + 4}z`;
const gapBelow = (parts, i) => (i > 0 && Boolean(parts[i].layered) !== Boolean(parts[i - 1].layered) ? BORDER : GAP);
const tallOf = parts => FOOT + HEAD + GAP + parts.reduce((sum, _, i) => sum + gapBelow(parts, i) + BOX.tall, 0);

// The parts of a column with the height of each box's upper edge.
function placed(parts, tall) {
  let y = tall - FOOT;
  return parts.map((part, i) => ({ ...part, y: (y -= gapBelow(parts, i) + BOX.tall) }));
}

export class ArchitectureDrawing {
  // choose(name) is called for the part that the reader points at, step(n) for a walk of n parts forward or back.
  constructor(parent, { choose, step, signal }) {
    this.svg = svg(parent, "svg", { class: "nb-plan", role: "group", "aria-label": "Encoder and decoder" });
    this.inner = svg(this.svg, "g", { "aria-hidden": "true" });
    this.cursor = svg(this.svg, "rect", { height: BOX.tall, rx: 5, class: "nb-cursor" });
    handle(this.cursor, { signal, onMove: event => choose(this.nearest(event).name), onKey: ([dx, dy]) => step(dx + dy), onPress: () => step(1) });
    // A click, not a press: a finger that scrolls the page over the picture moves nothing.
    this.svg.addEventListener("click", event => { if (event.target !== this.cursor) choose(this.nearest(event).name); }, { signal });
  }
  // The part that is here and nearest to the pointer.
  nearest(event) {
    const box = this.svg.getBoundingClientRect(), unit = WIDE / box.width;
    const [x, y] = [(event.clientX - box.left) * unit, (event.clientY - box.top) * unit];
    const away = ({ column, y: top }) => Math.hypot(x - COLUMNS[column].middle, y - top - BOX.tall / 2);
    return this.parts.filter(part => part.here).reduce((best, part) => (away(part) < away(best) ? part : best));
  }

  // label(part, parts) gives the shape at the arrow that leaves a part; without a part, of the tokens below a column's parts.
  draw({ parts, active, label, key, said }) {
    const columns = Object.keys(COLUMNS).map(name => parts.filter(part => part.column === name)), tall = Math.max(...columns.map(tallOf));
    const [encoder, decoder] = columns.map(column => placed(column, tall));
    this.svg.setAttribute("viewBox", `0 0 ${WIDE} ${tall}`);
    this.tall = tall;
    this.active = active;
    this.parts = [...encoder, ...decoder];
    this.inner.replaceChildren();
    for (const column of [encoder, decoder]) this.column(column, label);
    this.memory(encoder, decoder);
    key.forEach((text, i) => { svg(this.inner, "text", { x: 2, y: 14 + 16 * i, class: i ? "nb-key-line" : "nb-letter" }).textContent = text; });
    this.placeCursor(said);
  }
  placeCursor(said) {
    const walk = this.parts.filter(part => part.here), at = walk.findIndex(({ name }) => name === this.active.name);
    const { column, y, role } = walk[at], wide = role === "add" ? ADD : BOX.wide;
    for (const [name, value] of Object.entries({ x: COLUMNS[column].middle - wide / 2, y, width: wide })) this.cursor.setAttribute(name, value);
    describe(this.cursor, "Active part", at + 1, `${said}, step ${at + 1} of ${walk.length}`, [1, walk.length]);
  }
  isActive(part) { return part?.name === this.active.name; }

  column(parts, label) {
    const { middle, ground, side, tokens } = COLUMNS[parts[0].column], isHere = parts[0].here;
    const group = svg(this.inner, "g", { class: isHere ? "" : "nb-missing" });
    const layer = parts.filter(part => part.layered), y = layer.at(-1).y - BORDER / 2, bottom = layer[0].y + BOX.tall + BORDER / 2;
    svg(group, "rect", { x: ground[0], y, width: ground[1] - ground[0], height: bottom - y, rx: 8, class: "nb-ground" });
    const network = layer.findLast(part => part.role === "part");
    svg(group, "text", { x: middle + 72 * side, y: network.y + 15.5, "text-anchor": "middle", class: "nb-letter" }).textContent = `× ${network.times}`;
    svg(group, "text", { x: middle, y: this.tall - 5, "text-anchor": "middle" }).textContent = tokens;
    for (const part of parts) this.box(group, part, isHere);
    for (const part of layer) if (part.role === "add" && part.here === isHere) this.around(group, layer.find(({ of }) => of === part.of), part);
    for (let i = 0; i <= parts.length; i++) this.arrow(group, parts, i, isHere && label);
  }
  box(group, { name, title, column, y, here, role }, isHere) {
    const { middle } = COLUMNS[column], wide = role === "add" ? ADD : BOX.wide;
    const node = svg(group, "g", { class: isHere && !here ? "nb-part nb-missing" : "nb-part", "data-part": name, "data-here": here });
    svg(node, "rect", { x: middle - wide / 2, y, width: wide, height: BOX.tall, rx: role === "add" ? 11 : 5, class: name === this.active.name ? "nb-active" : "" });
    svg(node, "text", { x: middle, y: y + 15.5, "text-anchor": "middle" }).textContent = title;
  }
  // Arrow i leads into box i, the last one out of the column. At a part that is missing it has no tip: the line goes on above.
  arrow(group, parts, i, label) {
    const { middle, side } = COLUMNS[parts[0].column], into = parts[i], from = parts[i - 1], isOut = into === undefined;
    const low = from ? from.y : this.tall - FOOT, high = isOut ? from.y - GAP : into.y + BOX.tall, isThrough = label && !isOut && !into.here;
    const next = parts.slice(i).find(part => part.here) ?? this.readerOf(parts), last = parts.slice(0, i).findLast(part => part.here);
    const style = this.isActive(next) || this.isActive(last) ? "nb-flow nb-now" : "nb-flow";
    svg(group, "path", { d: path([[middle, low], [middle, high]]), class: style });
    if (isThrough) return;
    if (!isOut || parts[0].column === "decoder") svg(group, "path", { d: tipUp([middle, high]), class: `${style} nb-tip` });
    if (!label) return;
    const atBorder = isOut || gapBelow(parts, i) === GAP ? 0 : into.layered ? 7 : -7;      // on the outer side
    const text = svg(group, "text", { x: middle + 5 * side, y: (low + high) / 2 + 4 + atBorder, "text-anchor": side > 0 ? "start" : "end", class: `nb-size ${style}` });
    const { shape, said } = label(last, parts);
    text.textContent = said;
    Object.assign(text.dataset, { from: last?.name ?? "", into: next?.name ?? "", shape });
  }
  // What reads that which leaves a column: the memory is read by cross-attention.
  readerOf([{ column }]) { return this.parts.find(part => column === "encoder" && part.here && part.name === CROSS); }
  // The residual connection: from below the first box around a part to the sum.
  around(group, first, add) {
    const { middle, around, side } = COLUMNS[add.column], low = first.y + BOX.tall + GAP / 2, y = add.y + BOX.tall / 2, edge = middle - side * ADD / 2;
    const style = this.isActive(add) ? "nb-flow nb-now" : "nb-flow";
    svg(group, "path", { d: path([[middle, low], [around, low], [around, y], [edge, y]]), class: style });
    svg(group, "path", { d: tipAside([edge, y], side), class: `${style} nb-tip` });
  }
  // What leaves the encoder: to cross-attention, or, without a decoder, out of the picture.
  memory(encoder, decoder) {
    const { middle } = COLUMNS.encoder, y = encoder.at(-1).y - GAP, cross = decoder.find(({ name }) => name === CROSS);
    const leaves = encoder.findLast(part => part.here), isAlone = leaves && !cross.here;
    const group = svg(this.inner, "g", { class: leaves ? "" : "nb-missing" });
    const style = this.isActive(leaves) || (leaves && this.isActive(cross)) ? "nb-flow nb-now" : "nb-flow";
    svg(group, "text", { x: middle + 5, y: y - 5, "text-anchor": isAlone ? "middle" : "start" }).textContent = isAlone ? "to the task's layer" : "memory";
    if (isAlone) return svg(group, "path", { d: tipUp([middle, y]), class: `${style} nb-tip` });
    const end = [COLUMNS.decoder.middle - BOX.wide / 2, cross.y + BOX.tall / 2];
    svg(group, "path", { d: path([[middle, y], [MEMORY, y], [MEMORY, end[1]], end]), class: style });
    svg(group, "path", { d: tipAside(end, 1), class: `${style} nb-tip` });
  }
}
