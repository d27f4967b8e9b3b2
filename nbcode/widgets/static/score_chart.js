// Scores of several methods against the number of labels: a mark at each mean, a dot for each run, and a drawn curve.
import { clamp, number, svg } from "./kit.js";
import { Plot } from "./plot.js";

const MARKS = [
  "m-5,0 a5,5 0 1,0 10,0 a5,5 0 1,0 -10,0z", "m-4.5,-4.5 h9v9h-9z", "m0,-6 l6,10.5h-12z",
  "m0,-6.5 l6.5,6.5l-6.5,6.5l-6.5,-6.5z", "m0,6 l6,-10.5h-12z", "m-6,-3 h12v6h-12z",
];
const APART = 0.09;        // columns between the dots of two methods

export const percent = (share, digits = 1) => number(100 * share, digits);

// The line and mark by which a method is known, in a table or in the chart.
export function look(node, i, pretrained) {
  node.setAttribute("class", `nb-curve-of nb-look-${i} ${pretrained ? "nb-pretrained" : "nb-plain"}`);
}
export function swatch(parent, i, pretrained) {
  const drawing = svg(parent, "svg", { viewBox: "0 0 34 16", "aria-hidden": "true" });
  look(drawing, i, pretrained);
  svg(drawing, "path", { class: "nb-mean", d: "M1,8H33" });
  svg(drawing, "path", { class: "nb-marks", d: `M17,8${MARKS[i % MARKS.length]}` });
}

export class ScoreChart {
  constructor(parent) {
    this.plot = new Plot(parent, { height: 290, names: ["", "% right"], text: tick => String(Math.round(100 * tick)) });
    this.column = svg(this.plot.inner, "rect", { class: "nb-column" });
    this.words = svg(this.plot.inner, "g", { class: "nb-axes", "aria-hidden": "true" });
    this.curves = svg(this.plot.inner, "g");
    this.guess = svg(this.plot.inner, "path", { class: "nb-guess" });
  }
  // sizes: names of the columns; the chosen one is left to its handle.
  frame(sizes, chosen) {
    const { plot } = this, wide = (plot.frame([-0.5, sizes.length - 0.5], [0, 1], [[], [0, 0.25, 0.5, 0.75, 1]]), plot.x(1) - plot.x(0));
    for (const [name, value] of Object.entries({ x: plot.x(chosen - 0.5), y: plot.y(1), width: wide, height: plot.y(0) - plot.y(1) })) this.column.setAttribute(name, value);
    this.words.replaceChildren();
    sizes.forEach((size, k) => {
      if (k !== chosen) svg(this.words, "text", { x: plot.x(k), y: plot.height - 7, "text-anchor": "middle" }).textContent = size;
    });
  }
  // curves: those that are seen, each with its place in the list of methods; count: of all methods.
  draw(curves, count) {
    const { plot } = this, at = (k, score) => plot.place([k, score]);
    this.curves.replaceChildren();
    for (const { cells, i, pretrained } of curves) {
      const group = svg(this.curves, "g"), known = cells.flatMap((cell, k) => (cell ? [[k, cell]] : [])), aside = APART * (i - (count - 1) / 2);
      look(group, i, pretrained);
      svg(group, "path", { class: "nb-runs", d: known.flatMap(([k, { scores }]) => scores.map(score => `M${at(k + aside, score)}h0`)).join("") });
      svg(group, "path", { class: "nb-mean", d: known.length ? `M${known.map(([k, { mean }]) => at(k, mean)).join("L")}` : "" });
      svg(group, "path", { class: "nb-marks", d: known.map(([k, { mean }]) => `M${at(k, mean)}${MARKS[i % MARKS.length]}`).join("") });
    }
  }
  drawGuess(guess) {
    this.guess.setAttribute("d", guess ? `M${guess.map((score, k) => this.plot.place([k, score])).join("L")}` : "");
  }
  // Where the pointer is: the nearest column, and the height there.
  at(event) {
    const last = this.plot.right - 0.5;
    return [clamp(Math.round(this.plot.acrossAt(event)), 0, last), clamp(this.plot.heightAt(event), 0, 1)];
  }
}
