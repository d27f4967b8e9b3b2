// The forward pass of nbcode.models.transformer for one source, with its attention maps; tests hold it against torch.
// A sequence is an array of vectors, one a place. Sums are taken in float64, whatever the weights were stored in.
import { ACTIVATIONS } from "./activations.js";

export const headName = (part, layer, head) => `${part} ${layer} ${head}`;     // part: encoder, decoder or cross

// Numbers in half precision, little endian: a sign, five bits of exponent, ten of fraction.
export function fromHalves(view) {
  const numbers = new Float32Array(view.byteLength >> 1);
  for (let i = 0; i < numbers.length; i++) {
    const bits = view.getUint16(2 * i, true), exponent = bits >> 10 & 31, fraction = bits & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;   // 31 would be infinite: refused in Python
    numbers[i] = bits >> 15 ? -size : size;
  }
  return numbers;
}

export function softmax(scores) {
  let top = -Infinity, sum = 0;
  for (const score of scores) if (score > top) top = score;      // taken out, so that no power exceeds 1
  const powers = Float64Array.from(scores, score => Math.exp(score - top));
  for (const power of powers) sum += power;
  return powers.map(power => power / sum);
}

const added = (x, y) => x.map((value, d) => value + y[d]);

// W x + b for rows from..to of W (all of them unless told), as in torch.nn.Linear.
function linear({ weight, bias }, x, from = 0, to = weight.length / x.length) {
  const width = x.length, out = new Float64Array(to - from);
  for (let row = from; row < to; row++) {
    let sum = bias ? bias[row] : 0;
    for (let d = 0, at = row * width; d < width; d++) sum += weight[at + d] * x[d];
    out[row - from] = sum;
  }
  return out;
}

function layerNorm({ weight, bias, eps }, x) {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const spread = Math.sqrt(variance + eps);
  return x.map((value, d) => weight[d] * (value - mean) / spread + bias[d]);
}

// Where a token stands: sines and cosines, as in nbcode/models/positions.py.
export function position(place, width) {
  return Float64Array.from({ length: width }, (_, d) => {
    const angle = place / 10000 ** ((d - d % 2) / width);
    return d % 2 ? Math.cos(angle) : Math.sin(angle);
  });
}

// Around each part of a layer: x + part(norm(x)) if the norm is first, else norm(x + part(x)).
function residual(norm, first, x, part) {
  const sum = added(x, part(first ? layerNorm(norm, x) : x));
  return first ? sum : layerNorm(norm, sum);
}

// One query looks at all keys, with each head in its own slice of the width. hidden: whether a key is; off: whether a
// head adds nothing. A query that may see nothing gets zeros.
function attend({ output, heads }, query, keys, values, hidden, off) {
  const slice = query.length / heads, mixed = new Float64Array(query.length), weights = [];
  for (let head = 0; head < heads; head++) {
    const from = head * slice, seen = keys.map((_, s) => s).filter(s => !hidden(s));
    const shares = softmax(seen.map(s => {
      let sum = 0;
      for (let k = from; k < from + slice; k++) sum += query[k] * keys[s][k];
      return sum / Math.sqrt(slice);
    }));
    const row = new Float64Array(keys.length);
    seen.forEach((s, i) => { row[s] = shares[i]; });
    weights.push(row);
    if (!off(head)) seen.forEach((s, i) => { for (let k = from; k < from + slice; k++) mixed[k] += shares[i] * values[s][k]; });
  }
  return { change: linear(output, mixed), weights };
}

// Of the three projections, one below the other: 0 for queries, 1 for keys, 2 for values.
const projected = ({ project }, which, x) => linear(project, x, which * x.length, (which + 1) * x.length);
const feedForward = ({ inner, outer, activation }, x) => linear(outer, linear(inner, x).map(activation));

const visible = () => false;

// shapes: [name, shape] of each parameter, in the order of the weights.
export class Network {
  constructor(config, shapes, weights) {
    this.config = config;
    this.named = new Map();
    let from = 0;
    for (const [name, shape] of shapes) {
      const to = from + shape.reduce((product, size) => product * size, 1);
      this.named.set(name, weights.subarray(from, to));
      from = to;
    }
    if (from !== weights.length) throw new Error(`the weights are ${weights.length} numbers, and their shapes say ${from}`);
    const { d_model: width, source_vocabulary: source, target_vocabulary: target, tied } = config;
    this.source = this.take("source_embedding.weight", source * width);
    this.target = tied ? this.source : this.take("target_embedding.weight", target * width);
    this.output = { weight: tied ? this.source : this.take("output.weight", target * width) };
    this.encoder = this.layers("encoder", config.encoder_layers);
    this.decoder = this.layers("decoder", config.decoder_layers);
    [this.encoderNorm, this.decoderNorm] = ["encoder_norm", "decoder_norm"].map(name => (config.final_norm ? this.norm(name) : null));
  }
  take(name, size) {
    const found = this.named.get(name);
    if (found?.length !== size) throw new Error(`${name} has ${found?.length ?? "no"} numbers, and the configuration needs ${size}`);
    return found;
  }
  linear(name, rows, columns) { return { weight: this.take(`${name}.weight`, rows * columns), bias: this.take(`${name}.bias`, rows) }; }
  norm(name) {
    const { d_model: width, eps } = this.config;
    return { weight: this.take(`${name}.weight`, width), bias: this.take(`${name}.bias`, width), eps };
  }
  attention(name) {
    const { d_model: width, n_heads: heads } = this.config;
    return { project: this.linear(`${name}.project`, 3 * width, width), output: this.linear(`${name}.output`, width, width), heads };
  }
  layers(part, count) {
    const { d_model: width, d_ff: inside, activation } = this.config, names = ["attention", "feed_forward", ...(part === "decoder" ? ["cross"] : [])];
    return Array.from({ length: count }, (_, l) => {
      const at = `${part}.${l}`, inner = this.linear(`${at}.feed_forward.inner`, inside, width), outer = this.linear(`${at}.feed_forward.outer`, width, inside);
      return {
        attention: this.attention(`${at}.attention`),
        cross: part === "decoder" ? this.attention(`${at}.cross_attention`) : null,
        feed_forward: { inner, outer, activation: ACTIVATIONS[activation].of },
        norms: Object.fromEntries(names.map(name => [name, this.norm(`${at}.around_${name}.norm`)])),
      };
    });
  }
  embedded(table, token, place) {
    const width = this.config.d_model, scale = Math.sqrt(width);
    return position(place, width).map((value, d) => table[token * width + d] * scale + value);
  }
  around(norm, x, part) { return residual(norm, this.config.norm_first, x, part); }

  // The memory of a source, a step a layer, so that whoever calls can pause between them.
  // Appends to maps.encoder one entry a layer: [head][place][source].
  *encode(tokens, off, maps) {
    let x = tokens.map((token, place) => this.embedded(this.source, token, place));
    for (const [l, { attention, feed_forward: inside, norms }] of this.encoder.entries()) {
      const read = x.map(each => (this.config.norm_first ? layerNorm(norms.attention, each) : each));
      const [keys, values] = [1, 2].map(which => read.map(each => projected(attention, which, each)));
      const rows = [];
      x = x.map(each => this.around(norms.attention, each, h => {
        const { change, weights } = attend(attention, projected(attention, 0, h), keys, values, visible, head => off.has(headName("encoder", l, head)));
        rows.push(weights);
        return change;
      }));
      x = x.map(each => this.around(norms.feed_forward, each, h => feedForward(inside, h)));
      maps.encoder.push(rows[0].map((_, head) => rows.map(weights => weights[head])));
      yield;
    }
    return this.encoderNorm ? x.map(each => layerNorm(this.encoderNorm, each)) : x;
  }
}

// Reads target tokens one by one; keys and values of those before, and of the memory, are kept.
export class Decoder {
  constructor(network, memory, hidden, off) {
    Object.assign(this, { network, hidden: new Set(hidden), off, place: 0 });
    this.kept = network.decoder.map(({ cross }) => ({
      keys: [], values: [], memory: [1, 2].map(which => memory.map(each => projected(cross, which, each))),
    }));
  }
  // The logits of what follows a token, and where each head looked: one entry a layer, [head][place].
  read(token) {
    const { network, kept, hidden } = this, own = [], crossed = [];
    let y = network.embedded(network.target, token, this.place++);
    network.decoder.forEach(({ attention, cross, feed_forward: inside, norms }, l) => {
      const { keys, values, memory } = kept[l];
      const look = (part, layer, h, ...from) => {
        const { change, weights } = attend(layer, projected(layer, 0, h), ...from, head => this.off.has(headName(part, l, head)));
        (part === "cross" ? crossed : own).push(weights);
        return change;
      };
      y = network.around(norms.attention, y, h => {
        keys.push(projected(attention, 1, h));
        values.push(projected(attention, 2, h));
        return look("decoder", attention, h, keys, values, visible);
      });
      y = network.around(norms.cross, y, h => look("cross", cross, h, ...memory, s => hidden.has(s)));
      y = network.around(norms.feed_forward, y, h => feedForward(inside, h));
    });
    const logits = linear(network.output, network.decoderNorm ? layerNorm(network.decoderNorm, y) : y);
    return { logits, own, cross: crossed };
  }
}
