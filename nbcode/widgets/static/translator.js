// A trained transformer that translates dates in the page: tokens, steps with their probabilities, every head's map,
// and interventions: hide source tokens from the decoder, switch heads off, change the temperature.
import { button, choice, clamp, html, live, number, sizeSlider, tidy } from "./kit.js";
import { Network, fromHalves, headName } from "./translator_arithmetic.js";
import { END, UNKNOWN, decode, encode, names, refusal, shown, strangers, tokenize } from "./translator_tokens.js";
import { greedy, inSlices, probabilities, sampler, translating } from "./translator_run.js";
import { TokenRows, percent } from "./token_rows.js";
import { TokenChances } from "./token_chances.js";
import { HeadMaps, LargeMap, PARTS, namesOf, strongest } from "./head_maps.js";

const EXAMPLES = ["Tuesday, January 23, 2029", "31 February 2024", "march 23, 2029", "2029 March 23", "March 23"];
const CHOICES = { greedy: "the most probable", sampled: "at random" };
const TEMPERATURES = [0.1, 10], SEEDS = 10_000;                // as in nbcode/widgets/translator.py
const PAUSE = 120;         // milliseconds without a key before a typed text is translated
const EAST_ASIAN = /\p{Script=Han}/u;

const WAITING = "A stored example: steps, temperature and maps can be looked at. It translates what you type as soon as the trained weights are here.";
const NOTHING = "No weights and no example are here yet. A lab that has trained a transformer hands them over.";

// What each step looks at in the source: the mean over all heads of the cross-attention.
function meanLooks(cross, step, places) {
  const heads = cross.flat(), looks = new Float64Array(places);
  for (const map of heads) map[step].forEach((weight, i) => { looks[i] += weight / heads.length; });
  return looks;
}

function sureness(shares, words) {
  const least = shares.indexOf(Math.min(...shares)), value = percent(shares[least]);
  if (shares[least] >= 0.995) return `Every step is at least ${value} sure.`;
  return `Least sure at step ${least + 1}, “${words[least]}”: ${value}.`;
}

function render({ model, el }) {
  const traits = ["text", "hidden", "off", "step", "place", "head", "temperature", "choose", "seed", "config", "shapes", "weights", "source_tokens", "target_tokens", "example"];
  return live(model, el, "translator", traits, (root, write, signal) => {
    const get = name => model.get(name);
    let typing = null, network = null, fault = "", parts = [], begun = "", job = null, found = null, maps = null, built = "", drawing = false;

    const ask = html(root, "div", { class: "nb-ask" });
    const label = html(ask, "label", {}, "A date in English");
    const box = html(label, "input", { type: "text", name: "text", autocomplete: "off", spellcheck: "false", "data-lm-suppress-shortcuts": "true" });
    const examples = html(ask, "div", { class: "nb-choice", role: "group", "aria-label": "Examples" });
    for (const text of EXAMPLES) button(examples, text, () => askFor(text), signal, { class: "nb-example" });
    const written = html(ask, "output", { name: "written", "aria-live": "polite" });
    const told = html(ask, "output", { name: "told", "aria-live": "polite" });

    const body = html(root, "div", { class: "nb-body", hidden: "" });
    const rows = new TokenRows(body, { onHide: i => write({ hidden: toggled(get("hidden"), i) }), onStep: step => write({ step }), signal });
    const middle = html(body, "div", { class: "nb-middle" }), chances = html(middle, "div", { class: "nb-half" });
    const asked = html(chances, "p", { class: "nb-title" });
    const table = new TokenChances(chances);
    const knobs = html(middle, "div", { class: "nb-half" });
    const temperature = sizeSlider(knobs, { label: "temperature", name: "temperature", min: TEMPERATURES[0], max: TEMPERATURES[1], signal, onInput: value => write({ temperature: value }) });
    html(knobs, "p", { class: "nb-legend" }, "Logits are divided by it before the softmax. At 1 (the upright lines) the probabilities are as trained. Which token is the most probable does not change.");
    const taking = html(knobs, "div", { class: "nb-choice" });
    html(taking, "span", {}, "Each step takes");
    const takes = choice(taking, { label: "Which token each step takes", options: CHOICES, signal, onChoose: choose => write({ choose }) });
    const again = button(taking, "Draw again", () => write({ seed: (get("seed") + 1) % SEEDS }), signal, { name: "again" });
    const undo = button(knobs, "Undo all changes", () => write({ hidden: [], off: [], temperature: 1, choose: "greedy", seed: 0 }), signal, { name: "undo" });
    const below = html(body, "div", { class: "nb-middle nb-attention" }), one = html(below, "div", { class: "nb-half" });
    const all = html(below, "div", { class: "nb-half" }), title = html(one, "p", { class: "nb-title" });
    html(one, "p", { class: "nb-legend" }, "A row looks, a column is looked at. The stronger the color, the more; a row adds up to 1. Choose a row, here or above.");
    const large = new LargeMap(one, { onRow: row => write(get("head")[0] === "encoder" ? { place: row } : { step: row }), signal });
    const look = html(one, "output", { name: "look", "aria-live": "off" });

    const toggled = (list, i) => (list.includes(i) ? list.filter(each => each !== i) : [...list, i]);
    function askFor(text) {
      clearTimeout(typing);
      typing = null;
      write(text === get("text") ? {} : { text, hidden: [] });             // hidden places belong to a text
    }
    box.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => askFor(box.value), PAUSE); }, { signal });
    box.addEventListener("change", () => askFor(box.value), { signal });
    signal.addEventListener("abort", () => { clearTimeout(typing); job?.abort(); });

    // Some heads on or off: if all of them are off, on.
    function switchHeads(heads) {
      const names = heads.map(at => headName(...at)), off = get("off"), isOff = at => names.includes(headName(...at));
      const kept = off.filter(at => !isOff(at));
      write({ off: off.length - kept.length === heads.length ? kept : [...kept, ...heads] });
    }

    // The weights come once; what is made of them stays until others come.
    function prepared() {
      const now = ["config", "shapes", "weights"].map(get);
      if (now.every((part, i) => part === parts[i])) return;
      [parts, network, fault, begun] = [now, null, "", ""];
      if (!now[2]) return;
      try { network = new Network(now[0], now[1], fromHalves(now[2])); } catch (error) { fault = `These weights cannot be used: ${error.message}.`; }
    }
    function settings() {
      const sampled = get("choose") === "sampled";
      return {
        hidden: get("hidden"), off: get("off").map(at => headName(...at)),
        choose: sampled ? sampler(get("temperature"), get("seed")) : greedy, sampled,
      };
    }
    // With the reader's changes, and as trained: without.
    function* compared(source, changed, given) {
      const plain = changed ? yield* translating(network, source) : null;
      return { trace: yield* translating(network, source, given), plain: plain?.written ?? null };
    }
    function begin() {
      const words = tokenize(get("text")), source = encode(words, get("source_tokens"));
      const given = settings(), changed = given.hidden.length + given.off.length > 0 || given.sampled;
      const key = JSON.stringify([get("text"), given.hidden, given.off, given.sampled && [get("temperature"), get("seed")]]);
      if (key === begun) return;
      begun = key;
      job?.abort();
      job = new AbortController();
      const refused = refusal(words, network.config.max_length);
      root.dataset.busy = !refused;
      if (refused) { found = { refused }; return; }
      inSlices(compared(source, changed, given), result => {
        found = { ...result, words, source };
        root.dataset.busy = false;
        if (!drawing) show();                                            // else draw() is about to
      }, job.signal);
    }
    function stored() {
      const example = get("example"), words = tokenize(example.text ?? "");
      found = words.length ? { words, source: encode(words, get("source_tokens")), trace: example, plain: null, fixed: true } : { refused: NOTHING };
    }

    function draw() {
      prepared();
      if (typing === null && box.value !== get("text")) box.value = get("text");
      drawing = true;
      if (fault) found = { refused: fault };
      else if (network) begin();
      else stored();
      drawing = false;
      if (found) show();
    }

    function show() {
      try {
        if (!found.refused) showTranslation();
      } catch (error) {                                                  // a stored example from a stranger
        found = { refused: `This cannot be shown: ${error.message}.` };
      }
      body.hidden = written.hidden = Boolean(found.refused);
      box.readOnly = Boolean(found.fixed);
      if (found.refused) told.textContent = found.refused;
    }
    function showTranslation() {
      const { trace, plain, fixed } = found, vocabulary = names(get("target_tokens")), words = found.words.map(shown);
      const wrote = trace.written.map(i => vocabulary[i]), step = clamp(get("step"), 0, wrote.length - 1);
      const shares = trace.logits.map((logits, t) => probabilities(logits, get("temperature"))[trace.written[t]]);
      drawText(wrote, shares);
      const hidden = new Set(get("hidden"));
      body.hidden = false;                                               // threads are drawn where the tokens are
      rows.drawTarget(wrote, shares, step, plain?.map(i => vocabulary[i]) ?? null);
      rows.drawSource(words, { hidden, strange: i => found.source[i] === UNKNOWN, fixed, looks: meanLooks(trace.maps.cross, step, words.length) });
      rows.drawThreads();
      drawStep(step, vocabulary, wrote);
      drawMaps(step, words, wrote);
      drawKnobs(fixed);
    }
    function drawText(wrote, shares) {
      const { words, source, trace, plain, fixed } = found, result = decode(trace.written, get("target_tokens"));
      written.textContent = result || "(nothing)";
      written.lang = EAST_ASIAN.test(result) ? "zh" : "";
      const before = plain && decode(plain, get("target_tokens"));
      told.textContent = [
        fixed ? WAITING : "",
        strangers(words, source),
        trace.written.at(-1) === END ? "" : `No end token came in ${trace.written.length} steps, so it was stopped.`,
        plain === null ? "" : before === result ? "The same as without your changes." : `Without your changes: ${before}.`,
        sureness(shares, wrote),
      ].filter(Boolean).join(" ");
    }
    function drawStep(step, vocabulary, wrote) {
      const logits = found.trace.logits[step], before = wrote.slice(0, step).join("");
      asked.textContent = `Step ${step + 1} of ${wrote.length}: ${before ? `what comes after “${before}”?` : "what comes first?"}`;
      table.draw(probabilities(logits, get("temperature")), probabilities(logits, 1), found.trace.written[step], vocabulary);
    }
    function drawMaps(step, words, wrote) {
      const { trace, fixed } = found, place = clamp(get("place"), 0, words.length - 1), at = { encoder: place, decoder: step, cross: step };
      const counts = Object.fromEntries(Object.keys(PARTS).map(part => [part, trace.maps[part].length]).filter(([, layers]) => layers));
      const heads = get("config").n_heads, now = JSON.stringify([counts, heads]), named = namesOf(words, wrote);
      if (now !== built) {
        all.replaceChildren();
        maps = new HeadMaps(all, counts, heads, { onChoose: head => write({ head }), onSwitch: switchHeads, signal });
        built = now;
      }
      const off = new Set(get("off").map(each => headName(...each)));
      maps.draw(trace.maps, { chosen: get("head"), off, rows: at, names: named, fixed });
      const [part, layer, head] = get("head"), map = trace.maps[part]?.[layer]?.[head];
      one.hidden = !map;
      if (!map) return;
      const row = at[part], [down, across] = named[part], name = `${PARTS[part]}, layer ${layer + 1}, head ${head + 1}`;
      title.textContent = name + (off.has(headName(part, layer, head)) ? ": switched off" : "");
      large.draw(map, named[part], row, name);
      const best = strongest(map[row], 3).filter(i => map[row][i] >= 0.005).map(i => `“${across[i]}” ${number(map[row][i])}`);
      look.textContent = `“${down[row]}” (row ${row + 1}) ${best.length ? `looks at ${best.join(", ")}` : "sees nothing"}.`;
    }
    function drawKnobs(fixed) {
      temperature.set(tidy(get("temperature"), 3));
      takes.set(get("choose"));
      again.hidden = get("choose") !== "sampled";
      for (const each of [...taking.querySelectorAll("button"), undo]) each.disabled = fixed;
    }
    return draw;
  });
}
export default { render };
