// What the learning curves say in words.
import { ALL, distance, reachedAt } from "./learning_curves_arithmetic.js";
import { percent } from "./score_chart.js";

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
export const labeled = size => (size === ALL ? "all labels" : `${size} label${size === 1 ? "" : "s"} a class`);

// What is asked, or what the chosen method reached with the chosen number of labels.
export function words({ curves, method, chosen, sizes, seen }, guess) {
  const own = curves.find(curve => curve.name === method), size = labeled(sizes[chosen]), cell = own.cells[chosen];
  const mine = guess && `${percent(guess[chosen], 0)}\u00a0%`;
  if (!seen(own)) return guess ? `Your guess for ${method} with ${size}: ${mine}.` : `What do you expect of ${method}? Draw its curve.`;
  return cell ? `${capital(method)} with ${size}: ${percent(cell.mean)}\u00a0%.${guess ? ` Your guess: ${mine}.` : ""}` : `${capital(method)} was not measured with ${size}.`;
}

// How good the guess was, and how many labels the methods without pre-training need to get as far.
export function moreWords({ curves, method, chosen, sizes, seen, pretrained }, guess) {
  const own = curves.find(curve => curve.name === method), cell = own.cells[chosen];
  if (!seen(own)) return guess ? "When the curve is as you expect it, show what was measured." : "Drag or tap in the picture, or move the rings with the arrow keys.";
  const told = guess ? [`Your curve is ${percent(distance(guess, own))} points off, on average over all numbers of labels.`] : [];
  const others = curves.filter(curve => cell && seen(curve) && pretrained.includes(method) && !pretrained.includes(curve.name));
  for (const curve of others) {
    const at = reachedAt(curve, cell.mean);
    told.push(at < 0 ? `${capital(curve.name)} gets as far with no number of labels that was measured.` : `${capital(curve.name)} needs ${labeled(sizes[at])} to get as far.`);
  }
  return told.join(" ");
}
