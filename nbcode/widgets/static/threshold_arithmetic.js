// What follows from a threshold over predictions; the twin of coverage in nbcode/training/metrics.py.
// A case is { confidence, right, truth, predicted, text }.
const LONGEST = 120;        // characters, as in nbcode/widgets/threshold.py
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

// A text of a stranger on one line, cut where it is too long.
export function shortened(text, most = LONGEST) {
  const letters = [...String(text).slice(0, 4 * LONGEST).replace(UNSEEN, " ").trim()];
  return letters.length <= most ? letters.join("") : `${letters.slice(0, most - 1).join("")}…`;
}

// The cases, the surest first; those of the same confidence keep their order.
export function ranked(predictions) {
  const cases = predictions.map(([confidence, right, truth, predicted, text]) => ({ confidence, right, truth, predicted, text }));
  return cases.sort((a, b) => b.confidence - a.confidence);
}

// How many of the ranked cases are at least so sure.
export function countAt(cases, threshold) {
  let low = 0, high = cases.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cases[middle].confidence >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

// For each confidence that occurs, descending: how many cases are at least so sure, and how many of them are right.
export function coverage(cases) {
  const steps = [];
  let right = 0;
  cases.forEach((each, k) => {
    right += Number(each.right);
    if (cases[k + 1]?.confidence !== each.confidence) steps.push({ threshold: each.confidence, count: k + 1, right, share: (k + 1) / cases.length, accuracy: right / (k + 1) });
  });
  return steps;
}

// What a threshold does: the step of the curve that it leads to, null if no case is so sure.
export function stepAt(steps, threshold) {
  return steps.findLast(step => step.threshold >= threshold) ?? null;
}

// In decisions by a person: those that are left to one, and what the wrong assignments cost.
export function price(step, total, cost) {
  return step ? total - step.count + cost * (step.count - step.right) : total;
}

// The cheapest step, of several the one that leaves the fewest to a person; null if it is cheapest to leave all.
export function cheapest(steps, total, cost) {
  return [null, ...steps].reduce((best, step) => (price(step, total, cost) <= price(best, total, cost) ? step : best));
}

// How many right and wrong cases lie in each of n equally wide bins.
export function bins(cases, n) {
  const counts = Array.from({ length: n }, () => ({ right: 0, wrong: 0 }));
  for (const { confidence, right } of cases) counts[Math.min(n - 1, Math.floor(confidence * n))][right ? "right" : "wrong"] += 1;
  return counts;
}
