// One translation from start to end: which token is taken at each step, with what probability, and where the heads look.
import { Decoder, softmax } from "./translator_arithmetic.js";
import { END, START } from "./translator_tokens.js";
import { uniforms } from "./noise.js";

// The probabilities of logits at a temperature; at 1 they are as trained.
export const probabilities = (logits, temperature) => softmax(Float64Array.from(logits, logit => logit / temperature));

// The most probable token; of several, the first, as in torch.
export const greedy = logits => logits.indexOf(Math.max(...logits));

// Draws each token with its probability. The same seed draws the same numbers.
export function sampler(temperature, seed) {
  const next = uniforms(seed);
  return logits => {
    let left = next();
    const shares = probabilities(logits, temperature), found = shares.findIndex(share => (left -= share) < 0);
    return found < 0 ? greedy(logits) : found;                 // the shares may add up to a hair less than 1
  };
}

// A step a yield. Returns a trace: the numbers of the tokens read and written, logits at each step, and maps:
// encoder, decoder and cross, each [layer][head][place][place].
export function* translating(network, source, { hidden = [], off = [], choose = greedy, longest = network.config.max_length } = {}) {
  const maps = { encoder: [], decoder: [], cross: [] }, written = [], logits = [];
  const switched = new Set(off);
  const decoder = new Decoder(network, yield* network.encode(source, switched, maps), hidden, switched);
  while (written.length < longest && written.at(-1) !== END) {
    const step = decoder.read(written.at(-1) ?? START);
    for (const [part, rows] of [["decoder", step.own], ["cross", step.cross]])
      rows.forEach((heads, l) => heads.forEach((row, head) => ((maps[part][l] ??= [])[head] ??= []).push(row)));
    logits.push(step.logits);
    written.push(choose(step.logits));
    yield;
  }
  return { source, written, logits, maps };
}

// All at once.
export function translate(...given) {
  const run = translating(...given);
  for (;;) {
    const { done, value } = run.next();
    if (done) return value;
  }
}

const SLICE = 20;           // milliseconds of work before the page gets a turn

// In slices, so that typing stays fluent; calls back with the trace, unless it is stopped before. What takes one slice
// is there at once.
export function inSlices(run, onDone, signal) {
  const until = performance.now() + SLICE;
  while (performance.now() < until) {
    const { done, value } = run.next();
    if (done) return onDone(value);
  }
  setTimeout(() => { if (!signal.aborted) inSlices(run, onDone, signal); });
}
