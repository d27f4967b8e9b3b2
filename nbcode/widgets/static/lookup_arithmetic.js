// Look-ups by one query among a few keys, from the plain average to attention. Tests hold them against torch.
export const total = numbers => numbers.reduce((sum, value) => sum + value, 0);

export const dot = (a, b) => total(a.map((value, k) => value * b[k]));

export function softmax(scores) {
  const top = Math.max(...scores);                       // taken out, so that no power exceeds 1
  const powers = scores.map(score => Math.exp(score - top)), sum = total(powers);
  return powers.map(power => power / sum);
}

// All weight on the best score. Those that tie for it share, as they do in the limit of an ever longer query.
function onlyBest(scores) {
  const top = Math.max(...scores), share = 1 / scores.filter(score => score === top).length;
  return scores.map(score => (score === top ? share : 0));
}

const WEIGHTS = { average: scores => scores.map(() => 1 / scores.length), hard: onlyBest, soft: softmax };

// Entries are [k1, k2, v1, v2]: a key and its value.
export function lookUp(mode, scaled, query, entries) {
  const scores = entries.map(entry => dot(query, entry.slice(0, 2)));
  const used = scores.map(score => score / (scaled ? Math.sqrt(query.length) : 1));
  const weights = WEIGHTS[mode](used);
  const output = [2, 3].map(axis => total(weights.map((weight, i) => weight * entries[i][axis])));
  return { scores, used, weights, output };
}
