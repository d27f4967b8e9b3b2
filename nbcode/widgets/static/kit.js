// What all figures share: elements, numbers as text, controls, and handles that move by pointer, touch and key.
// A figure registers every listener with one AbortSignal; its clean-up function aborts it.
const SVG = "http://www.w3.org/2000/svg";

export const LIMIT = 10;      // of each parameter of a neuron or a line, as in the Python classes

export function svg(parent, tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  parent.append(node);
  return node;
}

export function html(parent, tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.textContent = text;
  parent.append(node);
  return node;
}

// Whatever can have the focus needs this: else JupyterLab takes arrow keys and Enter for shortcuts of the notebook.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// Trailing digits of binary fractions (0.30000000000000004) are of no use to a reader or to a slider.
export const tidy = (value, digits = 2) => Number(value.toFixed(digits)) || 0;

// A real minus sign, and never "-0.00".
export function number(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

// " + 1.50" or " − 1.50", for sums.
export const signed = (value, digits = 2) => (value < 0 && number(value, digits) !== number(0, digits) ? " − " : " + ") + number(Math.abs(value), digits);

// A number of any size in a few digits: 0.0900, 12.3, −4.56e7.
export function brief(value, digits = 3) {
  const size = Math.abs(value), inRange = size === 0 || (size >= 0.001 && size < 1000);
  const text = size === 0 ? "0" : inRange ? size.toPrecision(digits) : size.toExponential(digits - 1);
  return (value < 0 ? "−" : "") + text.replace("e+", "e").replace("e-", "e−");
}

// A power of ten as a reader writes it: 10⁻³.
export const raised = power => `10${[...String(power)].map(sign => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("")}`;

function sliderRow(parent, label, attributes, onInput, signal) {
  const row = html(parent, "label", { class: "nb-slider" });
  html(row, "span", { class: "nb-name" }, label);
  const input = html(row, "input", { type: "range", ...attributes, ...OWN_KEYS });
  const value = html(row, "span", { class: "nb-value" });
  input.addEventListener("input", () => onInput(Number(input.value)), { signal });
  const show = text => { input.setAttribute("aria-valuetext", text); value.textContent = text; };
  return { input, show };
}

// A slider from -max to max, or from another min, which then stays.
export function slider(parent, { label, name, max, min = -max, step, digits = 2, unit = "", onInput, signal }) {
  const { input, show } = sliderRow(parent, label, { name, min, max, step }, onInput, signal);
  return {
    set(v) {
      const reach = Math.max(max, Math.ceil(Math.abs(v)));       // a handle may have gone further than the slider
      Object.assign(input, { min: min === -max ? -reach : min, max: reach, value: v });
      show(number(v, digits) + unit);
    },
  };
}

// A slider for a positive size, on a logarithmic scale: 200 steps make it ten times as large.
export function sizeSlider(parent, { label, name, min, max, onInput, signal }) {
  const range = { name, min: Math.log10(min), max: Math.log10(max), step: 0.005 };
  const { input, show } = sliderRow(parent, label, range, power => onInput(clamp(Number((10 ** power).toPrecision(3)), min, max)), signal);
  return {
    set(v) {
      input.value = Math.log10(v);
      show(brief(v));
    },
  };
}

// A slider over a few values in ascending order, such as whole numbers or powers of two.
export function listSlider(parent, { label, name, values, onInput, signal }) {
  const { input, show } = sliderRow(parent, label, { name, min: 0, max: values.length - 1, step: 1 }, i => onInput(values[i]), signal);
  return {
    set(v) {
      const next = values.findIndex(value => value >= v);        // code may have set a value between two of them
      input.value = next < 0 ? values.length - 1 : next;
      show(number(v, 0));
    },
  };
}

export function button(parent, text, onClick, signal, attributes = {}) {
  const node = html(parent, "button", { type: "button", ...OWN_KEYS, ...attributes }, text);
  node.addEventListener("click", onClick, { signal });
  return node;
}

// A row of buttons of which one is pressed at a time.
export function choice(parent, { label, options, onChoose, signal }) {
  const group = html(parent, "div", { class: "nb-choice", role: "group", "aria-label": label });
  const buttons = {};
  for (const [key, text] of Object.entries(options))
    buttons[key] = button(group, text, () => onChoose(key), signal, { name: key, "aria-pressed": "false" });
  return {
    set(chosen) {
      for (const key in buttons) buttons[key].setAttribute("aria-pressed", String(key === chosen));
    },
  };
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// Make an SVG element a handle: onMove gets the pointer's event, onKey a direction ([dx, dy], up is +1).
// Shift makes a key step ten times as large. onPress, if given, answers to Enter and the space bar.
export function handle(node, { onMove, onKey, onPress, onFocus, signal }) {
  for (const name in OWN_KEYS) node.setAttribute(name, OWN_KEYS[name]);
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "slider");
  node.classList.add("nb-handle");
  let dragging = false;
  node.addEventListener("pointerdown", event => {
    if (event.button || !event.isPrimary) return;     // a right click, or a second finger
    dragging = true;
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    event.preventDefault();
  }, { signal });
  // For parts of an SVG, Chromium does not heed touch-action: without this a finger would scroll the page instead.
  node.addEventListener("touchstart", event => event.preventDefault(), { passive: false, signal });
  node.addEventListener("pointermove", event => dragging && onMove(event), { signal });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
    node.addEventListener(end, () => { dragging = false; }, { signal });
  node.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;   // the browser's own shortcuts
    const direction = KEYS[event.key];
    if (direction) onKey(direction.map(d => d * (event.shiftKey ? 10 : 1)));
    else if (onPress && (event.key === "Enter" || event.key === " ")) onPress();
    else return;
    event.preventDefault();
  }, { signal });
  if (onFocus) node.addEventListener("focus", onFocus, { signal });
}

// Say what a handle is and where it stands. A handle in the plane has two values; the text tells both.
export function describe(node, label, value, text, [low, high]) {
  node.setAttribute("aria-label", label);
  node.setAttribute("aria-valuenow", tidy(value));
  node.setAttribute("aria-valuetext", text);
  node.setAttribute("aria-valuemin", low);
  node.setAttribute("aria-valuemax", high);
}

// The life of a figure: root element, signal for listeners, and redrawing whenever one of the traits changes.
// Returns the clean-up function that anywidget calls when the view goes away.
export function live(model, el, tag, traits, build) {
  const stop = new AbortController();
  const root = html(el, "div", { class: `nb-root nb-${tag}` });
  let writing = false;                  // several traits change together: draw once, when all of them have
  const redraw = () => { if (!writing) draw(); };
  const write = changes => {
    writing = true;
    for (const name in changes) model.set(name, changes[name]);
    writing = false;
    model.save_changes();
    draw();
  };
  const draw = build(root, write, stop.signal);
  for (const name of traits) model.on(`change:${name}`, redraw);
  draw();
  return () => {
    stop.abort();
    for (const name of traits) model.off(`change:${name}`, redraw);
    root.remove();
  };
}
