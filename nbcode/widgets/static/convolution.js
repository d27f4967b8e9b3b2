// A convolution stepped over an image: the window, its nine products and their sum, and the output as far as visited.
import { button, choice, clamp, describe, handle, html, live, number, signed, slider, svg } from "./kit.js";
import { SIDE, convolve, outputSize, padded, productsOf, under } from "./convolution_arithmetic.js";

const WIDTH = 320;         // of both pictures
const MOST = 5;            // of a weight, as in nbcode/widgets/convolution.py
const STRIDES = { "stride 1": "1", "stride 2": "2" };
const PADDINGS = { "padding 0": "0", "padding 1": "1" };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const sized = n => `${n} × ${n}`;
const whole = n => n.toLocaleString("en-US");

// A picture made of square cells with a number in each.
class Cells {
  constructor(parent, role) {
    this.svg = svg(parent, "svg", { class: "nb-plane", role });
    this.inner = svg(this.svg, "g", { "aria-hidden": "true" });
  }
  // All pictures of one convolution have cells of one size, so that the output's size can be seen.
  frame(rows, cell) {
    this.cell = cell;
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${rows.length * cell}`);
    this.inner.replaceChildren();
  }
  put(i, j, text, { fill = "", share = 0, style = "" }) {
    const { cell } = this, x = j * cell, y = i * cell;
    const node = svg(this.inner, "g", { class: `nb-pixel ${style}` });
    svg(node, "rect", { x, y, width: cell, height: cell });
    if (fill) svg(node, "rect", { x, y, width: cell, height: cell, class: fill, "fill-opacity": (0.45 * share).toFixed(3) });
    // Stripes for what is negative: color alone would not tell everyone.
    if (fill === "nb-minus") svg(node, "path", { d: [0.33, 0.67, 1].map(t => `M${x},${y + t * cell}l${t * cell},${-t * cell}`).join("") });
    svg(node, "text", { x: x + cell / 2, y: y + cell / 2 + 5, "text-anchor": "middle", class: text.length > 3 ? "nb-long" : "" }).textContent = text;
  }
  // Row and column of the pointer, in cells and parts of them.
  at(event) {
    const box = this.svg.getBoundingClientRect(), unit = WIDTH / box.width;
    return [(event.clientY - box.top) * unit / this.cell, (event.clientX - box.left) * unit / this.cell];
  }
  outline(node, i, j, span) {
    for (const [name, value] of Object.entries({ x: j * this.cell, y: i * this.cell, width: span * this.cell, height: span * this.cell })) node.setAttribute(name, value);
  }
}

function drawImage(cells, wide, padding, cell) {
  cells.frame(wide, cell);
  const last = wide.length - 1 - padding;
  wide.forEach((line, i) => line.forEach((pixel, j) => {
    const added = Math.min(i, j) < padding || Math.max(i, j) > last;
    cells.put(i, j, number(pixel, 0), { fill: "nb-ink", share: pixel / 16, style: added ? "nb-added" : pixel ? "" : "nb-zero-pixel" });
  }));
}

function drawOutput(cells, rows, cell, isShown) {
  cells.frame(rows, cell);
  const largest = Math.max(1, ...rows.flat().map(Math.abs));
  rows.forEach((line, i) => line.forEach((value, j) => {
    if (!isShown(i, j)) return cells.put(i, j, "?", { style: "nb-unknown" });
    cells.put(i, j, number(value, 0), { fill: value < 0 ? "nb-minus" : value > 0 ? "nb-plus" : "", share: Math.abs(value) / largest });
  }));
}

// Three rows of three numbers with a caption; the numbers are buttons where `pick` is given.
function square(parent, caption, pick, signal) {
  const box = html(parent, "div", { class: "nb-square", role: "group", "aria-label": caption }), grid = html(box, "div", { class: "nb-three" });
  html(box, "div", { class: "nb-legend", "aria-hidden": "true" }, caption);
  return Array.from({ length: SIDE * SIDE }, (_, k) => (pick ? button(grid, "", () => pick(k), signal) : html(grid, "span")));
}

function render({ model, el }) {
  const traits = ["image", "kernel", "stride", "padding", "row", "column"];
  return live(model, el, "convolution", traits, (root, write, signal) => {
    const images = model.get("images"), kernels = model.get("kernels");
    // Entries stay hidden until they are visited, so that they can be predicted.
    let visited = new Set(), all = false, seen = "", chosen = 4;
    const named = names => Object.fromEntries(Object.keys(names).map(name => [name, name]));
    const size = () => outputSize(images[model.get("image")].length, model.get("stride"), model.get("padding"));
    const place = () => [model.get("row"), model.get("column")].map(at => Math.min(at, size() - 1));

    const top = html(root, "div", { class: "nb-settings" });
    const setting = (label, options, onChoose) => {
      html(top, "span", {}, label);
      return choice(top, { label, options, signal, onChoose });
    };
    const picture = setting("Image", named(images), key => write({ image: Number(key) }));
    const stride = setting("Stride", STRIDES, key => write({ stride: Number(key.at(-1)), row: 0, column: 0 }));
    const padding = setting("Padding", PADDINGS, key => write({ padding: Number(key.at(-1)), row: 0, column: 0 }));

    const left = html(root, "div", { class: "nb-left" });
    const imageTitle = html(left, "p", { class: "nb-title" });
    const image = new Cells(left, "group");
    const pane = svg(image.svg, "rect", { class: "nb-window", rx: 4 });
    const terms = html(left, "div", { class: "nb-terms" });
    const pixels = square(terms, "window");
    html(terms, "span", { class: "nb-sign", "aria-hidden": "true" }, "×");
    const weights = square(terms, "weights", k => choose(k), signal);
    html(terms, "span", { class: "nb-sign", "aria-hidden": "true" }, "=");
    const products = square(terms, "products");

    const right = html(root, "div", { class: "nb-left" });
    const outputTitle = html(right, "p", { class: "nb-title" });
    const output = new Cells(right, "img");
    const mark = svg(output.svg, "rect", { class: "nb-mark", rx: 4 });
    const buttons = html(right, "div", { class: "nb-choice" });
    button(buttons, "Step", step, signal, { name: "step" });
    const allButton = button(buttons, "", () => { all = !all; visited.clear(); draw(); }, signal, { name: "all" });
    const sum = html(right, "output", { name: "sum", "aria-live": "polite" });
    const more = html(root, "div", { class: "nb-left" });
    const weight = slider(more, { label: "chosen weight", name: "weight", max: MOST, step: 1, digits: 0, signal, onInput: value => setWeight(value) });
    const preset = choice(more, { label: "Kernel", options: named(kernels), signal, onChoose: name => write({ kernel: kernels[name] }) });
    const counted = html(root, "div", { class: "nb-left" });
    const count = html(counted, "output", { name: "count", "aria-live": "off" });

    function goTo(i, j) { write({ row: clamp(i, 0, size() - 1), column: clamp(j, 0, size() - 1) }); }
    function step() {
      const [row, column] = place(), next = (row * size() + column + 1) % size() ** 2;
      goTo(Math.floor(next / size()), next % size());
    }
    // The window whose middle is nearest to the pointer.
    function goToPointer(event) { goTo(...image.at(event).map(at => Math.round((at - SIDE / 2) / model.get("stride")))); }
    function choose(k) { chosen = k; draw(); weights[k].focus(); }
    function setWeight(value) {
      const kernel = model.get("kernel").map(line => [...line]);
      kernel[Math.floor(chosen / SIDE)][chosen % SIDE] = clamp(value, -MOST, MOST);
      write({ kernel });
    }

    handle(pane, {
      signal,
      onMove: goToPointer,
      onKey: ([dx, dy]) => { const [row, column] = place(); goTo(row - Math.sign(dy), column + Math.sign(dx)); },
      onPress: step,
    });
    // A click, not a press: a finger that scrolls the page over the picture moves nothing.
    image.svg.addEventListener("click", event => { if (event.target !== pane) goToPointer(event); }, { signal });
    output.svg.addEventListener("click", event => { const at = output.at(event).map(Math.floor); if (Math.max(...at) < size()) goTo(...at); }, { signal });
    weights.forEach((node, k) => node.addEventListener("keydown", event => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const move = ARROWS[event.key], change = { "+": 1, "-": -1 }[event.key];
      if (move) {
        const [i, j] = [Math.floor(k / SIDE) + move[0], k % SIDE + move[1]].map(at => clamp(at, 0, SIDE - 1));
        choose(i * SIDE + j);
      } else if (change) setWeight(model.get("kernel").flat()[chosen] + change);
      else return;
      event.preventDefault();
    }, { signal }));

    function drawTerms(patch, kernel, found) {
      const numbers = [patch.flat(), kernel.flat(), found];
      [pixels, weights, products].forEach((nodes, kind) => nodes.forEach((node, k) => { node.textContent = number(numbers[kind][k], 0); }));
      weights.forEach((node, k) => {
        node.setAttribute("aria-pressed", String(k === chosen));
        node.setAttribute("aria-label", `Weight in row ${Math.floor(k / SIDE) + 1}, column ${k % SIDE + 1}: ${node.textContent}`);
        node.tabIndex = k === chosen ? 0 : -1;
      });
    }
    function draw() {
      const given = images[model.get("image")], kernel = model.get("kernel"), s = model.get("stride"), p = model.get("padding");
      const wide = padded(given, p), rows = convolve(given, kernel, s, p), n = rows.length, cell = WIDTH / wide.length;
      const [row, column] = place(), now = JSON.stringify([model.get("image"), kernel, s, p]);
      if (now !== seen) { visited = new Set(); seen = now; }
      visited.add(row * n + column);
      picture.set(String(model.get("image")));
      preset.set(Object.keys(kernels).find(name => JSON.stringify(kernels[name]) === JSON.stringify(kernel)));
      stride.set(`stride ${s}`);
      padding.set(`padding ${p}`);
      weight.set(kernel.flat()[chosen]);

      drawImage(image, wide, p, cell);
      drawOutput(output, rows, cell, (i, j) => all || visited.has(i * n + j));
      image.outline(pane, row * s, column * s, SIDE);
      output.outline(mark, row, column, 1);
      imageTitle.textContent = `Image, ${sized(given.length)}${p ? ", with zeros around it" : ""}`;
      outputTitle.textContent = `Output, ${sized(n)}`;
      image.svg.setAttribute("aria-label", imageTitle.textContent);
      output.svg.setAttribute("aria-label", `${outputTitle.textContent}: ${all ? "all" : visited.size} of ${n * n} entries shown`);

      const patch = under(wide, s, row, column), found = productsOf(patch, kernel), result = number(rows[row][column], 0);
      drawTerms(patch, kernel, found);
      const added = found.map((term, k) => (k ? signed(term, 0) : number(term, 0))).join("");
      sum.textContent = `Row ${row + 1}, column ${column + 1}: ${added} = ${result}`;
      describe(pane, "Window", row * n + column, `row ${row + 1}, column ${column + 1}: ${result}`, [0, n * n - 1]);
      allButton.textContent = all ? "Hide" : "Show all";
      count.textContent = `Weights: 9, and a bias (0 here), the same at all ${n * n} places. A dense layer from 64 pixels to ${n * n} outputs would have 64 · ${n * n} = ${whole(64 * n * n)} weights, and ${n * n} biases.`;
    }
    return draw;
  });
}
export default { render };
