// A small graph of boxes: from left to right, or from top to bottom where there is little room.
import { svg } from "./kit.js";

const BOX = { wide: 106, tall: 68 };          // less wide where there are many columns
const ROOM = { most: 110, least: 44, side: 28, down: 54 };   // between columns, between rows; from top to bottom
const WIDE = 780, NARROW = 300;               // of the two drawings; text is 13 high in both
const MARGIN = 3;

// The column of each node: an operation stands after its parents, an input just before what uses it first.
function columns(nodes) {
  const column = new Map();
  for (const node of nodes.filter(each => each.parents.length))
    column.set(node, 1 + Math.max(0, ...node.parents.filter(parent => parent.parents.length).map(parent => column.get(parent))));
  for (const node of nodes.filter(each => !each.parents.length))
    column.set(node, Math.min(...nodes.filter(each => each.parents.includes(node)).map(each => column.get(each))) - 1);
  const found = Array.from({ length: 1 + Math.max(...column.values()) }, () => []);
  for (const operations of [true, false])
    for (const node of nodes) if (Boolean(node.parents.length) === operations) found[column.get(node)].push(node);
  return found;
}

// The middle of each box, how wide all of them are, and the size of the drawing.
function places(nodes, across) {
  const found = columns(nodes), most = Math.max(...found.map(column => column.length));
  const gaps = found.length - 1, length = WIDE - 2 * MARGIN;
  const wide = across ? Math.min(BOX.wide, (length - gaps * ROOM.least) / found.length) : BOX.wide;
  const gap = Math.min(ROOM.most, (length - found.length * wide) / gaps);
  const along = across ? wide + gap : BOX.tall + ROOM.down;
  const side = across ? BOX.tall + ROOM.side : (NARROW - 2 * MARGIN) / most;
  const at = new Map();
  const first = MARGIN + (across ? wide : BOX.tall) / 2;
  found.forEach((column, i) => column.forEach((node, k) => {
    const main = first + i * along, other = MARGIN + side * (most / 2 + k - (column.length - 1) / 2);
    at.set(node.name, across ? [main, other] : [other, main]);
  }));
  const size = [2 * first + gaps * along, 2 * MARGIN + most * side];
  return { at, wide, size: across ? size : size.reverse() };
}

// Where an edge's number stands: beside its middle, on the outer side, so that no line crosses it. Between two columns
// there is little room, so there it is as far off as half its width.
function beside([x1, y1], [x2, y2], spread, across) {
  const length = Math.hypot(x2 - x1, y2 - y1), below = spread > 0 || (spread === 0 && y1 === y2);
  const side = below === across ? 1 : -1;
  const nx = side * (y1 - y2) / length, ny = side * (x2 - x1) / length;
  const off = (across ? 21 : 5) * Math.abs(nx) + 10 * Math.abs(ny);
  if (across && Math.abs(nx) > 0.8) return { x: (x1 + x2) / 2 + 20 * Math.sign(nx), y: (y1 + y2) / 2 + 4, "text-anchor": "middle" };
  const anchor = across || Math.abs(nx) < 0.4 ? "middle" : nx > 0 ? "start" : "end";
  return { x: (x1 + x2) / 2 + nx * off, y: (y1 + y2) / 2 + ny * off + 4, "text-anchor": anchor };
}

export class GraphDrawing {
  // The nodes of one expression; their values may change later, their names and parents do not.
  constructor(parent, nodes, across, label) {
    const { at, wide, size: [width, height] } = places(nodes, across);
    this.wide = wide;
    this.svg = svg(parent, "svg", { viewBox: `0 0 ${width} ${height}`, class: "nb-graph", role: "group", "aria-label": label });
    this.svg.style.maxWidth = `${across ? width : 1.25 * width}px`;
    this.under = svg(this.svg, "g", { "aria-hidden": "true" });
    this.boxes = new Map(nodes.map(node => [node.name, this.box(this.svg, at.get(node.name))]));
    this.over = svg(this.svg, "g", { "aria-hidden": "true" });
    // Edges by the name of the operation that they lead to; two of them end a little apart.
    const edgesTo = ({ name, parents }) => parents.map((parent, i) => this.edge(at.get(parent.name), at.get(name), i - (parents.length - 1) / 2, across));
    this.edges = new Map(nodes.map(node => [node.name, edgesTo(node)]));
  }
  box(group, [x, y]) {
    const node = svg(group, "g", { class: "nb-box", role: "img", transform: `translate(${x - this.wide / 2} ${y - BOX.tall / 2})` });
    svg(node, "rect", { width: this.wide, height: BOX.tall, rx: 6 });
    const line = (top, name) => svg(node, "text", { x: this.wide / 2, y: top, "text-anchor": "middle", class: name });
    return { node, title: line(19, "nb-letter"), value: line(39, ""), gradient: line(58, "nb-gradient") };
  }
  edge([x1, y1], [x2, y2], spread, across) {
    const from = across ? [x1 + this.wide / 2, y1] : [x1, y1 + BOX.tall / 2];
    const to = across ? [x2 - this.wide / 2, y2 + 22 * spread] : [x2 + 40 * spread, y2 - BOX.tall / 2];
    const node = svg(this.under, "g", { class: "nb-edge" });
    svg(node, "line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1] });
    const degrees = Math.atan2(to[1] - from[1], to[0] - from[0]) * 180 / Math.PI;
    const tip = ([x, y], turn, name) =>
      svg(node, "polygon", { points: "-9,-5 0,0 -9,5", transform: `translate(${x} ${y}) rotate(${degrees + turn})`, class: name });
    tip(to, 0, "nb-forward");
    tip(from, 180, "nb-backward-tip");
    return { node, slope: svg(this.over, "text", { ...beside(from, to, spread, across), class: "nb-slope" }) };
  }
}
