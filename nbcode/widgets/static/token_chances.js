// The most probable tokens of one step as bars, beside what they were as trained.
import { html } from "./kit.js";
import { percent } from "./token_rows.js";

const MOST = 5;

export class TokenChances {
  constructor(parent) {
    this.table = html(parent, "table", { class: "nb-chances" });
  }
  // shares, trained: the probability of each token at the chosen temperature and at 1; taken: which was written.
  draw(shares, trained, taken, names) {
    const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a] || a - b), top = order.slice(0, MOST);
    if (!top.includes(taken)) top[MOST - 1] = taken;
    this.table.replaceChildren();
    const head = html(html(this.table, "thead"), "tr"), body = html(this.table, "tbody");
    for (const name of ["token", "probability"]) html(head, "th", { scope: "col" }, name);
    for (const i of top) {
      const row = html(body, "tr", { "data-token": i, "data-share": shares[i], "data-taken": i === taken });
      html(row, "th", { scope: "row" }, names[i] + (i === taken ? " ◂" : ""));
      const cell = html(row, "td", { class: "nb-weight" });
      html(cell, "span", { class: "nb-bar" }).style.width = `${(100 * shares[i]).toFixed(2)}%`;
      html(cell, "span", { class: "nb-tick", "aria-hidden": "true" }).style.left = `${(100 * trained[i]).toFixed(2)}%`;
      html(cell, "span", { class: "nb-share" }, percent(shares[i]));
    }
  }
}
