// A plot with numbers at its axes; the vertical axis may be logarithmic.
import { svg } from "./kit.js";

const WIDTH = 320;
const PAD = { left: 36, right: 8, top: 20, bottom: 22 };       // room for numbers and names

const plain = value => String(value).replace("-", "−");

export class Plot {
  // text: how the numbers at the vertical axis are written.
  constructor(parent, { height, names, log = false, role = "group", text = plain }) {
    Object.assign(this, { height, log, text });
    this.svg = svg(parent, "svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "nb-plane nb-plot", role });
    svg(this.svg, "rect", { x: PAD.left, y: PAD.top, width: WIDTH - PAD.left - PAD.right, height: height - PAD.top - PAD.bottom, class: "nb-paper" });
    this.axes = svg(this.svg, "g", { class: "nb-axes", "aria-hidden": "true" });
    const [across, up] = names, fixed = svg(this.svg, "g", { class: "nb-axes", "aria-hidden": "true" });
    svg(fixed, "text", { x: WIDTH - PAD.right, y: height - 6, "text-anchor": "end", class: "nb-axis" }).textContent = across;
    svg(fixed, "text", { x: PAD.left, y: 14, class: "nb-axis" }).textContent = up;
    this.inner = svg(this.svg, "g");
  }
  // The range of both axes, and where each has numbers.
  frame([left, right], [low, high], ticks) {
    const key = JSON.stringify([left, right, low, high, ticks]);
    if (key === this.key) return;         // an animation asks for the same frame again and again
    Object.assign(this, { key, left, right, low, high });
    this.axes.replaceChildren();
    for (const tick of ticks[0]) {
      svg(this.axes, "line", { x1: this.x(tick), x2: this.x(tick), y1: PAD.top, y2: this.height - PAD.bottom });
      svg(this.axes, "text", { x: this.x(tick), y: this.height - 7, "text-anchor": "middle" }).textContent = plain(tick);
    }
    for (const tick of ticks[1]) {
      svg(this.axes, "line", { x1: PAD.left, x2: WIDTH - PAD.right, y1: this.y(tick), y2: this.y(tick) });
      svg(this.axes, "text", { x: PAD.left - 5, y: this.y(tick) + 4, "text-anchor": "end" }).textContent = this.text(tick);
    }
  }
  x(value) { return PAD.left + (value - this.left) / (this.right - this.left) * (WIDTH - PAD.left - PAD.right); }
  y(value) {
    const [at, low, high] = [value, this.low, this.high].map(v => (this.log ? Math.log10(v) : v));
    return this.height - PAD.bottom - (at - low) / (high - low) * (this.height - PAD.top - PAD.bottom);
  }
  // Where the pointer is along the horizontal axis.
  acrossAt(event) {
    const box = this.svg.getBoundingClientRect(), x = (event.clientX - box.left) * WIDTH / box.width;
    return this.left + (x - PAD.left) / (WIDTH - PAD.left - PAD.right) * (this.right - this.left);
  }
  place([x, y]) { return `${this.x(x).toFixed(1)},${this.y(y).toFixed(1)}`; }
  // The height of the pointer in the plot's own numbers; for an axis that is not logarithmic.
  heightAt(event) {
    const box = this.svg.getBoundingClientRect(), y = (event.clientY - box.top) * WIDTH / box.width;
    return this.low + (this.height - PAD.bottom - y) / (this.height - PAD.top - PAD.bottom) * (this.high - this.low);
  }
}
