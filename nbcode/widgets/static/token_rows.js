// The tokens that are read, those that are written, and threads between them: how much the chosen step looks where.
import { button, html, number, svg } from "./kit.js";
import { toolbar } from "./toolbar.js";

export const percent = share => (share >= 0.99995 ? "100 %" : share < 0.0001 ? "< 0.01 %" : `${number(100 * share, share > 0.99 || share < 0.01 ? 2 : 1)} %`);

// A row of tokens, each a button with a small line below it.
class TokenRow {
  constructor(parent, { label, name, follow, onClick, signal }) {
    this.node = html(parent, "div", { class: `nb-tokens nb-${name}` });
    this.refresh = toolbar(this.node, label, signal, { follow });
    Object.assign(this, { onClick, signal, buttons: [], key: "" });
  }
  // The same tokens keep their buttons: one of them may have the focus.
  set(words) {
    if (this.key === JSON.stringify(words)) return;
    this.key = JSON.stringify(words);
    this.node.replaceChildren();
    this.buttons = words.map((word, i) => {
      const node = button(this.node, "", () => this.onClick(i), this.signal, { tabindex: -1 });
      html(node, "span", { class: "nb-token" }, word);
      node.append(html(node, "span", { class: "nb-below" }));
      return node;
    });
  }
}

export class TokenRows {
  constructor(parent, { onHide, onStep, signal }) {
    const stage = this.stage = html(parent, "div", { class: "nb-stage-of-tokens" });
    this.threads = svg(stage, "svg", { class: "nb-threads", "aria-hidden": "true" });
    html(stage, "p", { class: "nb-legend" }, "Read by the encoder. Press a token to hide it from the decoder.");
    this.source = new TokenRow(stage, { label: "Source tokens, to hide from the decoder", name: "source", onClick: onHide, signal });
    this.target = new TokenRow(stage, { label: "Written tokens, one for each step", name: "target", follow: true, onClick: onStep, signal });
    html(stage, "p", { class: "nb-legend" }, "Written by the decoder, one token a step, with its probability. Choose a step: threads show where it looks, the mean over all heads of the cross-attention.");
    // In a frame of its own: else the new size would be reported within the report of the old one.
    const widths = new ResizeObserver(() => requestAnimationFrame(() => { if (!signal.aborted) this.drawThreads(); }));
    widths.observe(stage);
    signal.addEventListener("abort", () => widths.disconnect());
  }
  // read: tokens as they are shown; hidden: a set of places; strange: whether a place holds an unknown token; fixed: whether nothing can be
  // hidden; looks: how much the chosen step looks at each place.
  drawSource(read, { hidden, strange, fixed, looks }) {
    this.looks = looks;
    this.source.set(read);
    this.source.buttons.forEach((node, i) => {
      node.disabled = fixed;
      node.setAttribute("aria-pressed", String(hidden.has(i)));
      node.setAttribute("aria-label", `Hide ${read[i]}, token ${i + 1}${strange(i) ? ", unknown" : ""}; looked at ${number(looks[i])}`);
      node.lastChild.style.setProperty("--nb-share", looks[i].toFixed(4));
      node.classList.toggle("nb-strange", strange(i));
    });
    this.source.refresh();
  }
  // shares: the probability of each written token; plain: what would be written without the reader's changes.
  drawTarget(written, shares, step, plain) {
    this.step = step;
    this.target.set(written);
    this.target.buttons.forEach((node, t) => {
      const other = plain !== null && plain[t] !== written[t];
      node.setAttribute("aria-pressed", String(t === step));
      node.setAttribute("aria-label", `Step ${t + 1}: ${written[t]}, ${percent(shares[t])}${other ? ", changed" : ""}`);
      node.classList.toggle("nb-other", other);
      node.lastChild.style.setProperty("--nb-share", shares[t].toFixed(4));
    });
    const at = this.target.buttons[step];
    if (at && !this.target.node.contains(document.activeElement)) for (const node of this.target.buttons) node.tabIndex = node === at ? 0 : -1;
    this.target.refresh();
  }
  drawThreads() {
    const to = this.target.buttons[this.step];
    this.threads.replaceChildren();
    if (!to || !this.looks) return;
    const x2 = to.offsetLeft + to.offsetWidth / 2, y2 = to.offsetTop;
    this.source.buttons.forEach((from, i) => {
      if (this.looks[i] < 0.01) return;
      const x1 = from.offsetLeft + from.offsetWidth / 2, y1 = from.offsetTop + from.offsetHeight, bend = (y2 - y1) / 2;
      const thread = svg(this.threads, "path", { d: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}` });
      thread.style.strokeWidth = 1 + 9 * this.looks[i];
      thread.style.strokeOpacity = 0.2 + 0.7 * this.looks[i];
    });
  }
}
