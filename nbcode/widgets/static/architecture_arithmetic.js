// The parts of a transformer in the order in which a token meets them: shapes, parameters, and names in nbcode.
// Shapes are lists of letters: B batch, S source, T target, D width, N heads, K head width, F, V vocabulary (Vs and Vt
// where source and target each have one).
const LENGTH = { encoder: "S", decoder: "T" };
const ORDER = { pre: ["norm", "part", "add"], post: ["part", "add", "norm"] };

const FREE = { formula: "", count: () => 0 };
const ATTENTION = { formula: "4·D² + 4·D", count: s => 4 * s.D * s.D + 4 * s.D };
const NETWORK = { formula: "2·D·F + F + D", count: s => 2 * s.D * s.F + s.F + s.D };
const NORM = { formula: "2·D", count: s => 2 * s.D };
const table = letter => ({ formula: `${letter}·D`, count: s => s[letter] * s.D });

export function sizesOf(preset, batch, source, target) {
  const { d_model: D, n_heads: N, d_ff: F, source_vocabulary: Vs, target_vocabulary: Vt, tied } = preset;
  const layers = { encoder: preset.encoder_layers, decoder: preset.decoder_layers };
  return { B: batch, S: source, T: target, D, N, K: D / N, F, V: Vs, Vs, Vt, tied, layers };
}

// What the rows of a part's inside say, each with a shape. The first is what it reads, the last what it gives.
function attentionInside(queries, keys, masked) {
  const weights = ["B", "N", queries, keys], found = ["B", queries, "D"];
  return [
    [queries === keys ? "reads" : "reads the target", found],
    ...(queries === keys ? [] : [["and the memory", ["B", keys, "D"]]]),
    ["queries, all heads", ["B", "N", queries, "K"]],
    ["keys, and values", ["B", "N", keys, "K"]],
    [masked ? "scores q · k / √K, the future hidden" : "scores q · k / √K", weights],
    ["weights: softmax", weights],
    ["means of values", ["B", "N", queries, "K"]],
    ["heads side by side", found],
    ["mixed by a layer", found],
  ];
}

const networkInside = L => [["reads", ["B", L, "D"]], ["widened by a layer", ["B", L, "F"]], ["ReLU", ["B", L, "F"]], ["back by a layer", ["B", L, "D"]]];
const addInside = L => [["what came in", ["B", L, "D"]], ["what the part made", ["B", L, "D"]], ["their sum", ["B", L, "D"]]];
const normInside = L => [["reads", ["B", L, "D"]], ["scale, and shift", ["D"]], ["normalized", ["B", L, "D"]]];

// A part of a layer, with its norm and the sum behind it.
function sublayer(norm, { column, name, title, at, around, inside, cost }) {
  const L = LENGTH[column], code = `${column}[0]`;
  const made = {
    part: { name, title, code: `${code}.${at}`, inside, ...cost },
    add: { name: `${name} add`, title: "Add", code: `${code}.${around}`, inside: addInside(L), ...FREE },
    norm: { name: `${name} norm`, title: "Norm", code: `${code}.${around}.norm`, inside: normInside(L), ...NORM },
  };
  return ORDER[norm].map(role => ({ ...made[role], role, column, layered: true, of: name }));
}

const attention = (norm, column) => sublayer(norm, {
  column, name: `${column} attention`, title: column === "encoder" ? "Self-attention" : "Masked attention", at: "attention", around: "around_attention",
  inside: attentionInside(LENGTH[column], LENGTH[column], column === "decoder"), cost: ATTENTION,
});
const crossAttention = norm => sublayer(norm, {
  column: "decoder", name: "decoder cross-attention", title: "Cross-attention", at: "cross_attention", around: "around_cross", inside: attentionInside("T", "S"), cost: ATTENTION,
});
const network = (norm, column) => sublayer(norm, {
  column, name: `${column} network`, title: "Feed-forward", at: "feed_forward", around: "around_feed_forward", inside: networkInside(LENGTH[column]), cost: NETWORK,
});

function entrance(column, letter, isShared) {
  const L = LENGTH[column], name = column === "encoder" ? "source" : "target";
  const lookedUp = [["token numbers", ["B", L]], ["the table", [letter, "D"]], ["rows of it, times √D", ["B", L, "D"]]];
  const placed = [["vectors of tokens", ["B", L, "D"]], ["vectors of places", [L, "D"]], ["their sum", ["B", L, "D"]]];
  return [
    { name: `${name} embedding`, title: "Embedding", code: `${name}_embedding`, inside: lookedUp, ...(isShared ? FREE : table(letter)), isShared },
    { name: `${name} positions`, title: "+ positions", code: "positions", inside: placed, ...FREE },
  ].map(part => ({ ...part, column }));
}

const finalNorm = column => ({ name: `${column} norm`, title: "Final norm", code: `${column}_norm`, column, inside: normInside(LENGTH[column]), ...NORM });

function exit(letter, isShared) {
  const logits = ["B", "T", letter], layer = [["reads", ["B", "T", "D"]], ["weights", [letter, "D"]], ["logits", logits]];
  return [
    { name: "output layer", title: "Output layer", code: "output", inside: layer, ...(isShared ? FREE : table(letter)), isShared },
    { name: "softmax", title: "Softmax", code: "logits.softmax(-1)", inside: [["logits", logits], ["probabilities", logits]], ...FREE },
  ].map(part => ({ ...part, column: "decoder" }));
}

// All parts, in order. `here` is false for those that this kind or this order of norms does not have.
export function partsOf(sizes, norm, kind) {
  const [source, target] = sizes.tied ? ["V", "V"] : ["Vs", "Vt"];
  const all = [
    ...entrance("encoder", source, false), ...attention(norm, "encoder"), ...network(norm, "encoder"), finalNorm("encoder"),
    ...entrance("decoder", target, sizes.tied && kind !== "decoder"), ...attention(norm, "decoder"), ...crossAttention(norm), ...network(norm, "decoder"), finalNorm("decoder"),
    ...exit(target, sizes.tied),
  ];
  const isHere = ({ name, column, of }) =>
    (kind === "both" || kind === column) && (of !== "decoder cross-attention" || kind === "both") && (norm === "pre" || name !== `${column} norm`);
  return all.map(part => {
    const each = part.count(sizes), times = part.layered ? sizes.layers[part.column] : 1;
    return { ...part, here: isHere(part), each, times, parameters: each * times };
  });
}

// Where the walk stands: at a part that is here, else at the next one that is, else at the last.
export function standing(parts, name) {
  const at = Math.max(0, parts.findIndex(part => part.name === name)), next = parts.findIndex((part, i) => i >= at && part.here);
  return next < 0 ? parts.findLastIndex(part => part.here) : next;
}

export const parametersOf = parts => parts.reduce((sum, part) => sum + (part.here ? part.parameters : 0), 0);
