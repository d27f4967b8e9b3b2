// Text to tokens and back, by the rule and the special tokens of nbcode/data/vocabulary.py.
const TOKEN = /<[a-z]+>|[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+|./gsu;
export const PADDING = 0;
export const START = 1;
export const END = 2;
export const UNKNOWN = 3;

export const tokenize = text => text.match(TOKEN) ?? [];

// The numbers of tokens; a special one is as unknown in a text as one that is not there.
export function encode(words, tokens) {
  const numbers = new Map(tokens.map((token, i) => [token, i]));
  return words.map(word => Math.max(numbers.get(word) ?? UNKNOWN, UNKNOWN));
}

// The text before the first end token.
export function decode(numbers, tokens) {
  const end = numbers.indexOf(END), before = end < 0 ? numbers : numbers.slice(0, end);
  return before.filter(i => i !== PADDING && i !== START).map(i => (i === UNKNOWN ? "\ufffd" : tokens[i])).join("");
}

// How a token is shown where it stands alone: a space must be seen.
export const shown = token => (token === " " ? "␣" : token);

// The names of all tokens of a vocabulary that may be written, the special ones in words.
export const names = tokens => ["padding", "start", "end", "unknown", ...tokens.slice(4).map(shown)];

const NAMED = 4;            // so many unknown tokens are named; a text may have dozens
const LONGEST = 24;         // of a name, in characters
const quoted = word => `“${shown(word.length > LONGEST ? `${word.slice(0, LONGEST)}…` : word)}”`;

export function listed(words) {
  const names = words.map(quoted);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
}

// What is wrong with a source, in a sentence: nothing can be translated.
export function refusal(words, longest) {
  if (!words.some(word => word.trim())) return "The box is empty. Type a date in English, or take one of the examples.";
  if (words.length > longest)
    return `This text has ${words.length.toLocaleString("en-US")} tokens, and this transformer reads ${longest} at most. Give a shorter one.`;
  return "";
}

// Which tokens it has never seen, in a sentence; nothing if there is none.
export function strangers(words, numbers) {
  const unknown = [...new Set(words.filter((_, i) => numbers[i] === UNKNOWN))];
  if (!unknown.length) return "";
  const rest = unknown.length - NAMED, all = rest > 0 ? `${unknown.slice(0, NAMED).map(quoted).join(", ")} and ${rest} more` : listed(unknown);
  return `${all} never came in training. ${unknown.length > 1 ? "They are" : "It is"} read as one and the same unknown token, so what is written is a guess.`;
}
