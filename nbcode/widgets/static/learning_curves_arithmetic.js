// Curves of a study: means over runs, gaps between methods run by run, and how far a drawn curve is off.
export const ALL = "all";

export const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

// The numbers of labels a class in ascending order; all of them come last.
export const sizesOf = rows => [...new Set(rows.map(row => row[1]))].sort((a, b) => (a === ALL) - (b === ALL) || a - b);

function cell(runs) {
  const scores = [...runs.values()];
  return scores.length ? { runs, scores, mean: mean(scores), low: Math.min(...scores), high: Math.max(...scores) } : null;
}

// A curve for each method, in the order of the rows: name, and a cell for each size, null where nothing was measured.
export function curvesOf(rows, sizes) {
  const found = new Map();
  for (const [name, labels, seed, accuracy] of rows) {
    if (!found.has(name)) found.set(name, sizes.map(() => new Map()));
    found.get(name)[sizes.indexOf(labels)].set(seed, accuracy);
  }
  return [...found].map(([name, cells]) => ({ name, cells: cells.map(cell) }));
}

// How far the mean of one lies above the other's; in how many of the runs that both have it is above.
export function compare(one, other) {
  const shared = [...one.runs].filter(([run]) => other.runs.has(run));
  return { gap: one.mean - other.mean, ahead: shared.filter(([run, score]) => score > other.runs.get(run)).length, runs: shared.length };
}

// The first size at which a curve reaches a score, or -1.
export const reachedAt = (curve, score) => curve.cells.findIndex(each => each && each.mean >= score);

// A drawn curve with a value for each of n sizes: straight between those that were drawn, level beyond them.
export function filled(drawn, n) {
  const known = [...Array(n).keys()].filter(k => typeof drawn?.[k] === "number");
  if (!known.length) return null;
  return Array.from({ length: n }, (_, k) => {
    const left = known.findLast(i => i <= k) ?? known[0], right = known.find(i => i >= k) ?? known.at(-1);
    return left === right ? drawn[left] : drawn[left] + (k - left) / (right - left) * (drawn[right] - drawn[left]);
  });
}

// The mean distance of a drawn curve from the measured one, over the sizes that were measured.
export function distance(guess, curve) {
  const off = curve.cells.flatMap((each, k) => (each ? [Math.abs(guess[k] - each.mean)] : []));
  return off.reduce((sum, value) => sum + value, 0) / off.length;
}

// Draw a stroke from one place [column, value] to another: all columns that it passes get its height there.
export function stroke(drawn, n, from, to) {
  const made = Array.from({ length: n }, (_, k) => drawn?.[k] ?? null), [k1, v1] = from ?? to, [k2, v2] = to, way = Math.sign(k2 - k1);
  for (let k = k1; k !== k2; k += way) made[k] = v1 + (k - k1) / (k2 - k1) * (v2 - v1);
  made[k2] = v2;
  return made;
}
