// Every attention head as a small map with a switch, and one of them large: rows look, columns are looked at.
import { button, clamp, describe, handle, html, number, svg } from "./kit.js";
import { headName } from "./translator_arithmetic.js";
import { toolbar } from "./toolbar.js";

export const PARTS = { encoder: "Encoder", decoder: "Decoder, masked", cross: "Cross-attention" };
const TELLS = {
  encoder: "the source looks at the source",
  decoder: "each step looks at what is written so far, never ahead",
  cross: "each step looks at the source",
};
const INK = [0, 114, 178];               // of the small maps; in dark mode the style sheet makes it brighter

// The places of a row in falling order of their weights, at most n.
export const strongest = (row, n) => [...row.keys()].sort((a, b) => row[b] - row[a] || a - b).slice(0, n);

// One pixel a weight: the darker, the more. The style sheet makes squares of the pixels.
function paint(canvas, rows, width) {
  Object.assign(canvas, { width, height: rows.length });
  const context = canvas.getContext("2d"), image = context.createImageData(width, rows.length);
  rows.forEach((row, y) => row.forEach((weight, x) => image.data.set([...INK, Math.round(255 * weight)], 4 * (y * width + x))));
  context.putImageData(image, 0, 0);
}

// The map of one head among all.
class SmallMap {
  constructor(parent, [part, layer, head], { onChoose, onSwitch, signal }) {
    this.at = [part, layer, head];
    this.name = `${PARTS[part]}, layer ${layer + 1}, head ${head + 1}`;
    this.map = button(parent, "", () => onChoose(this.at), signal, { class: "nb-small-map", tabindex: -1 });
    this.canvas = html(this.map, "canvas", { width: 1, height: 1 });
    this.row = html(this.map, "span", { class: "nb-row" });
    this.switch = button(parent, "", () => onSwitch(this.at), signal, { class: "nb-switch", tabindex: -1, "aria-label": `${this.name}, on` });
  }
  draw(rows, width, row, { told, off, chosen, fixed }) {
    paint(this.canvas, rows, width);
    this.map.setAttribute("aria-label", `${this.name}${off ? ", switched off" : ""}. ${told}`);
    this.map.setAttribute("aria-pressed", String(chosen));
    this.map.dataset.off = off;
    Object.assign(this.row.style, { top: `${100 * row / rows.length}%`, height: `${100 / rows.length}%` });
    this.switch.disabled = fixed;
    this.switch.setAttribute("aria-pressed", String(!off));
    this.switch.textContent = `${this.at[2] + 1} ${off ? "off" : "on"}`;
  }
}

export class HeadMaps {
  // counts: the number of layers of each part; heads: in each layer. onSwitch gets a list of heads and whether to turn them off.
  constructor(parent, counts, heads, { onChoose, onSwitch, signal }) {
    this.small = [];
    this.bars = [];
    for (const [part, layers] of Object.entries(counts)) {
      const group = html(parent, "div", { class: "nb-part" }), top = html(group, "div", { class: "nb-part-title" });
      html(top, "p", { class: "nb-title" }, PARTS[part]);
      const all = Array.from({ length: layers }, (_, l) => Array.from({ length: heads }, (_, h) => [part, l, h])).flat();
      const switchAll = button(top, "", () => onSwitch(all), signal, { name: `all-${part}`, class: "nb-switch-all" });
      html(group, "p", { class: "nb-legend" }, TELLS[part]);
      const grid = html(group, "div", { class: "nb-heads" });
      grid.style.setProperty("--nb-heads", heads);
      this.bars.push({ part, all, switchAll, refresh: toolbar(grid, `${PARTS[part]}: maps and switches of all heads`, signal, { columns: 2 * heads }) });
      for (const at of all) {
        if (at[2] === 0) html(grid, "span", { class: "nb-layer" }, `layer ${at[1] + 1}`);
        this.small.push(new SmallMap(html(grid, "div", { class: "nb-head" }), at, { onChoose, onSwitch: one => onSwitch([one]), signal }));
      }
    }
  }
  // rows: of each part, the chosen one; names: of each part, [rows, columns] in words; off: a set of names of heads.
  draw(maps, { chosen, off, rows, names, fixed }) {
    for (const each of this.small) {
      const [part, layer, head] = each.at, map = maps[part][layer][head], row = map[rows[part]], [best] = strongest(row, 1);
      const told = `“${names[part][0][rows[part]]}” looks most at “${names[part][1][best]}”: ${number(row[best])}`;
      const is = { told, off: off.has(headName(...each.at)), chosen: String(each.at) === String(chosen), fixed };
      each.draw(map, names[part][1].length, rows[part], is);
    }
    for (const { part, all, switchAll, refresh } of this.bars) {
      const allOff = all.every(at => off.has(headName(...at)));
      switchAll.textContent = allOff ? "all on" : "all off";
      switchAll.setAttribute("aria-label", `${PARTS[part]}: switch all heads ${allOff ? "on" : "off"}`);
      switchAll.disabled = fixed;
      refresh();
    }
  }
}

const WIDE = 340, EDGE = 4;

// One map with the names of its rows and columns. The marked row is a handle.
export class LargeMap {
  constructor(parent, { onRow, signal }) {
    this.svg = svg(parent, "svg", { class: "nb-plane nb-large-map" });
    this.cells = svg(this.svg, "g", { role: "img" });
    this.mark = svg(this.svg, "rect", { class: "nb-mark", rx: 3 });
    const at = event => {
      const box = this.svg.getBoundingClientRect();
      return clamp(Math.floor(((event.clientY - box.top) * WIDE / box.width - this.top) / this.size), 0, this.count - 1);
    };
    handle(this.mark, { signal, onMove: event => onRow(at(event)), onKey: ([, dy]) => onRow(clamp(this.chosen - dy, 0, this.count - 1)) });
    this.svg.addEventListener("click", event => { if (event.target !== this.mark) onRow(at(event)); }, { signal });
  }
  draw(rows, [down, across], chosen, name) {
    const longest = words => Math.max(...words.map(word => [...word].length));
    const left = 14 + 8 * longest(down), top = 14 + 8 * longest(across), size = Math.min(34, (WIDE - left - EDGE) / across.length);
    Object.assign(this, { left, top, size, count: rows.length, chosen });
    this.svg.setAttribute("viewBox", `0 0 ${WIDE} ${top + size * rows.length + EDGE}`);
    this.cells.replaceChildren();
    svg(this.cells, "rect", { x: left, y: top, width: size * across.length, height: size * rows.length, class: "nb-paper" });
    rows.forEach((row, y) => row.forEach((weight, x) => {
      if (weight > 0.002) svg(this.cells, "rect", { x: left + size * x, y: top + size * y, width: size, height: size, class: "nb-cell" }).style.fillOpacity = weight;
    }));
    const fit = Math.min(13, size);
    across.forEach((word, x) => {
      const isUpright = [...word].length === 1, center = left + size * (x + 0.5);        // turned, "␣" looks like another sign
      if (isUpright) this.text(word, `translate(${center} ${top - 9})`, "middle", fit);
      else this.text(word, `translate(${center + fit / 3} ${top - 5}) rotate(-90)`, "start", fit);
    });
    down.forEach((word, y) => this.text(word, `translate(${left - 6} ${top + size * (y + 0.5) + fit / 3})`, "end", fit, y === chosen));
    const mark = { x: left - 1, y: top + size * chosen - 1, width: size * across.length + 2, height: size + 2 };
    for (const key in mark) this.mark.setAttribute(key, mark[key]);
    this.cells.setAttribute("aria-label", `${name}. ${this.words(rows, down, across)}`);
    const [best] = strongest(rows[chosen], 1);
    describe(this.mark, "Chosen row", chosen + 1, `${down[chosen]}, most at ${across[best]}, ${number(rows[chosen][best])}`, [1, rows.length]);
  }
  text(word, transform, anchor, size, bold = false) {
    svg(this.cells, "text", { transform, "text-anchor": anchor, "font-size": size, class: bold ? "nb-chosen" : "" }).textContent = word;
  }
  words(rows, down, across) {
    return `Row by row, where it looks most: ${rows.map((row, y) => { const [best] = strongest(row, 1); return `${down[y]} at ${across[best]} ${number(row[best])}`; }).join("; ")}.`;
  }
}

// The names of rows and columns in each part. A step is named by what it writes; it has read what was written before.
export function namesOf(source, target) {
  return { encoder: [source, source], decoder: [target, ["start", ...target.slice(0, -1)]], cross: [target, source] };
}
