// Random numbers that a page and Python draw alike, to the last bit: the twin of nbcode/data/noise.py, which says why
// it makes do with sums, products and shifts.
const TERMS = 12;          // uniform numbers per normal one: each has the variance 1/12

// A function that gives the next number from 0 to below 1 (mulberry32).
export function uniforms(seed) {
  let state = seed | 0;
  return () => {
    state = state + 0x6D2B79F5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

// Nearly normal numbers, with mean 0 and variance 1.
export function normals(seed, count) {
  const next = uniforms(seed);
  return Float64Array.from({ length: count }, () => {
    let sum = 0;
    for (let k = 0; k < TERMS; k++) sum += next();
    return sum - TERMS / 2;
  });
}
