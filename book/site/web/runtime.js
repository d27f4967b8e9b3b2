// Runs the book's figures in a built page: no kernel, no require.js, no widget manager, no network.
// A classic script on purpose: a page opened from disk (file://) may not load module scripts, so the text of a
// front end is imported from a Blob.
// Chapters:  <nb-neuron data-state="{...}"> with a still picture inside; front ends come in window.nbFigures. A figure
//            that continues one of the lab has data-lab, more of the state, and data-bytes: its name in window.nbBytes,
//            which a script of its own fills with binary traits, sooner or later.
// Labs:      myst-nb saves the state of all widgets in one script tag, and one more tag per shown view.
(() => {
  const page = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
  const saved = page ? JSON.parse(page.textContent).state : {};
  const modules = new Map(), styled = new Set();

  const binary = data => new DataView(Uint8Array.from(atob(data), letter => letter.charCodeAt(0)).buffer);

  // The part of anywidget's model that front ends use: https://anywidget.dev/en/afm/
  class Model {
    constructor(state, buffers = []) {
      this.state = { ...state };
      this.handlers = new Map();
      for (const { path, data } of buffers) {                   // binary traits are stored in base64
        const holder = path.slice(0, -1).reduce((at, key) => at[key], this.state);
        holder[path[path.length - 1]] = binary(data);
      }
    }
    get(name) { return this.state[name]; }
    set(name, value) {
      const changes = typeof name === "object" ? name : { [name]: value };
      const changed = Object.keys(changes).filter(key => !Object.is(this.state[key], changes[key]));
      Object.assign(this.state, changes);                       // all of them before anyone is told
      for (const key of changed) this.trigger(`change:${key}`, changes[key]);
      if (changed.length) this.trigger("change");
    }
    trigger(event, value) { for (const f of [...(this.handlers.get(event) || [])]) f({}, value); }
    on(events, f) {
      for (const event of events.split(/\s+/)) this.handlers.set(event, (this.handlers.get(event) || new Set()).add(f));
    }
    off(events, f) {
      if (!events) return this.handlers.clear();
      for (const event of events.split(/\s+/)) f ? this.handlers.get(event)?.delete(f) : this.handlers.delete(event);
    }
    save_changes() {}                                           // no kernel to tell
    send() {}
  }

  const models = new Map();
  const savedModel = id => {
    if (!models.has(id)) models.set(id, new Model(saved[id].state, saved[id].buffers));
    return models.get(id);
  };

  function frontEnd(esm) {
    if (!modules.has(esm)) {
      const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
      modules.set(esm, import(url).then(async module => (typeof module.default === "function" ? module.default() : module.default)));
    }
    return modules.get(esm);
  }

  const begun = new WeakMap();     // model -> promise of its one initialization
  async function mount(el, model, esm, css) {
    const experimental = { invoke: () => Promise.reject(new Error("no kernel stands behind this page")) };
    try {
      if (css && !styled.has(css)) {
        styled.add(css);
        document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
      }
      const widget = await frontEnd(esm);
      if (!begun.has(model)) begun.set(model, widget.initialize?.({ model, experimental }));
      await begun.get(model);
      const cleanUp = await widget.render?.({ model, el, experimental });
      el.dataset.nb = "ready";
      return cleanUp;
    } catch (error) {
      el.append(`This interactive figure could not start: ${error.message}`);
      el.dataset.nb = "failed";
      console.error(error);
    }
  }

  // jslink and jsdlink between two saved figures
  for (const { model_name: name, state } of Object.values(saved)) {
    if (name !== "LinkModel" && name !== "DirectionalLinkModel") continue;
    const [[a, from], [b, to]] = [state.source, state.target].map(([id, trait]) => [id.replace("IPY_MODEL_", ""), trait]);
    if (!saved[a]?.state._esm || !saved[b]?.state._esm) continue;
    const [source, target] = [savedModel(a), savedModel(b)];
    target.set(to, source.get(from));
    source.on(`change:${from}`, () => target.set(to, source.get(from)));
    if (name === "LinkModel") target.on(`change:${to}`, () => source.set(from, target.get(to)));
  }

  // A core ipywidget calls Python, which a page does not have: show what it last printed, and say what it needs.
  function needsKernel(el, id) {
    el.className = "nb-needs-kernel cell_output";
    el.textContent = "This control calls Python, so it needs a running kernel: open this lab in Colab or Jupyter.";
    for (const output of outputsBelow(id)) {
      if (output.text) el.append(Object.assign(document.createElement("pre"), { textContent: output.text }));
      const png = output.data?.["image/png"];
      const alt = "What the control shows at its first setting; the text before it says what that is.";
      if (png) el.append(Object.assign(document.createElement("img"), { src: `data:image/png;base64,${png}`, alt }));
    }
  }
  function outputsBelow(id) {
    const model = saved[id];
    if (!model) return [];
    if (model.model_name === "OutputModel") return model.state.outputs;
    return (model.state.children || []).flatMap(child => outputsBelow(child.replace("IPY_MODEL_", "")));
  }

  // views in labs
  for (const script of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) {
    const id = JSON.parse(script.textContent).model_id, state = saved[id]?.state;
    const el = Object.assign(document.createElement("div"), { className: "nb-widget" });
    script.after(el);
    if (state?._esm) mount(el, savedModel(id), state._esm, state._css);
    else needsKernel(el, id);
  }

  // Paper cannot be clicked: while a page is printed, everything closed is open.
  matchMedia("print").addEventListener("change", ({ matches: printing }) => {
    for (const details of document.querySelectorAll(printing ? ".bd-article details:not([open])" : "details[data-nb-opened]")) {
      details.open = printing;
      details.toggleAttribute("data-nb-opened", printing);
    }
  });

  // The theme's arrows in the table of contents have no name for those who cannot see them.
  for (const arrow of document.querySelectorAll("nav summary"))
    arrow.setAttribute("aria-label", `Sections of ${arrow.closest("li")?.querySelector("a")?.textContent.trim()}`);

  // A table wider than the screen scrolls in its box; the arrow keys do that only for a box that can have the focus.
  const boxes = new ResizeObserver(seen => {
    for (const { target: box } of seen) {
      const scrolls = box.scrollWidth > box.clientWidth;
      for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "A table that scrolls sideways"]])
        scrolls ? box.setAttribute(name, value) : box.removeAttribute(name);
    }
  });
  for (const box of document.querySelectorAll(".bd-article .pst-scrollable-table-container")) boxes.observe(box);
  addEventListener("nb-bytes", () => { for (const figure of document.querySelectorAll("[data-bytes]")) figure.receive(); });

  // tags in chapters
  for (const [name, { esm, css }] of Object.entries(window.nbFigures || {}))
    customElements.define(name, class extends HTMLElement {
      connectedCallback() {
        this.model ??= new Model({ ...JSON.parse(this.dataset.state), ...JSON.parse(this.dataset.lab ?? "{}") });
        this.receive();
        this.after(() => mount(this, this.model, esm, css));
      }
      disconnectedCallback() {
        this.after(cleanUp => { cleanUp?.(); delete this.dataset.nb; });
      }
      // Binary traits, as soon as they are here.
      receive() {
        const found = window.nbBytes?.[this.dataset.bytes];
        if (!found || this.received) return;
        this.received = true;
        this.model.set(Object.fromEntries(Object.entries(found).map(([name, data]) => [name, binary(data)])));
      }
      // One step after the other: a figure may be taken out and put back before it has started.
      after(next) { this.step = Promise.resolve(this.step).then(next); }
    });
})();
