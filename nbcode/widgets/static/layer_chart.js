// One number per layer on a logarithmic scale, as a bar from 1 up or down, with a dot at its end; one layer is chosen.
import { raised, svg } from "./kit.js";
import { Plot } from "./plot.js";

const RING = "m-3.5,0 a3.5,3.5 0 1,0 7,0 a3.5,3.5 0 1,0 -7,0";
const power = value => Math.log10(value);

// The powers of ten for a chart of all these numbers, and those of them that are written; 0 has none.
export function decades(values) {
  const powers = values.filter(value => value > 0).map(power);
  const low = Math.min(-6, Math.floor(Math.min(...powers))), high = Math.max(1, Math.ceil(Math.max(...powers)));
  const step = [1, 2, 5, 10, 20].find(each => (high - low) / each <= 6);
  const written = Array.from({ length: high - low + 1 }, (_, k) => low + k).filter(each => each % step === 0);
  return { low: Number(`1e${low}`), high: Number(`1e${high}`), ticks: written.map(each => Number(`1e${each}`)) };
}

export class LayerChart {
  constructor(parent, { height, name, kind, role }) {
    this.plot = new Plot(parent, { height, names: ["", name], log: true, role, text: tick => raised(Math.round(power(tick))) });
    this.plot.svg.classList.add(`nb-signal-${kind}`);
    const part = (tag, style, attributes = {}) => svg(this.plot.inner, tag, { class: style, ...attributes });
    this.column = part("rect", "nb-column");
    this.one = part("path", "nb-one-line");
    this.bars = part("path", "nb-bars");
    this.second = part("path", "nb-second-line");
    this.dots = part("path", "nb-tips");
    this.zeros = part("path", "nb-zeros");
    this.mark = part("path", "nb-mark");
  }
  // values, and a second row of them that may be shorter; scale: what decades gives; numbers: the layers written below.
  draw(values, second, { low, high, ticks }, chosen, numbers) {
    const { plot } = this, depth = values.length;
    plot.frame([0.4, depth + 0.6], [low, high], [numbers, ticks]);
    const at = (value, k) => plot.place([k + 1, Math.max(value, low)]), one = plot.y(1).toFixed(1);
    const pick = (holds, drawn) => values.map((value, k) => (holds(value) ? drawn(value, k) : "")).join("");
    const wide = plot.x(2) - plot.x(1), bottom = plot.y(low), top = plot.y(high);
    for (const [name, value] of Object.entries({ x: plot.x(chosen - 0.5), y: top, width: wide, height: bottom - top })) this.column.setAttribute(name, value);
    this.one.setAttribute("d", `M${plot.x(plot.left)},${one}H${plot.x(plot.right)}`);
    this.bars.setAttribute("d", pick(() => true, (value, k) => `M${plot.x(k + 1).toFixed(1)},${one}L${at(value, k)}`));
    this.bars.style.strokeWidth = Math.min(16, 0.55 * wide);
    this.dots.setAttribute("d", pick(value => value > 0, (value, k) => `M${at(value, k)}h0`));
    this.zeros.setAttribute("d", pick(value => value === 0, (value, k) => `M${at(value, k)}${RING}`));
    this.mark.setAttribute("d", `M${at(values[chosen - 1], chosen - 1)}m-6,0 a6,6 0 1,0 12,0 a6,6 0 1,0 -12,0`);
    this.second.setAttribute("d", second.length ? `M${second.map(at).join("L")}` : "");
  }
}
