// What happens at each part of a transformer, in a sentence.
export const grouped = value => value.toLocaleString("en-US");
const counted = (n, noun) => `${grouped(n)} ${noun}${n === 1 ? "" : "s"}`;

const SENTENCES = {
  "source embedding": s => `Each token is a number that picks its row of ${grouped(s.D)} numbers from a table; all are multiplied by √D.`,
  "source positions": () => "Each place adds a vector of its own, made of sines and cosines: else the order of the tokens would be lost.",
  "encoder attention": s => `In each of ${counted(s.N, "head")}, every source token compares its query with the keys of all ${counted(s.S, "source token")}, and takes a weighted mean of their values.`,
  "encoder norm": () => "What pre-norm layers add up is never normalized, so one more norm follows the last of them.",
  "target embedding": (s, kind) => {
    if (kind === "decoder") return SENTENCES["source embedding"](s);
    return `The target so far, behind a start token, is looked up in ${s.tied ? "the same table as the source" : "a table of its own"}.`;
  },
  "target positions": (s, kind) => (kind === "decoder" ? SENTENCES["source positions"]() : "Places are told apart as in the encoder, by the same sines and cosines."),
  "decoder attention": s => `In each of ${counted(s.N, "head")}, every token looks at itself and at those before it; a mask hides what comes later.`,
  "decoder cross-attention": s => `Here the decoder reads the source: queries come from ${counted(s.T, "target token")}, keys and values from ${counted(s.S, "vector")} of the memory.`,
  "output layer": s => `One number, a logit, for each of ${counted(s.Vt, "token")} that may come next, at each of ${counted(s.T, "place")}.`,
  softmax: () => "At each place, the logits become probabilities of the next token, which add up to 1.",
};
SENTENCES["decoder norm"] = SENTENCES["encoder norm"];
SENTENCES["encoder network"] = SENTENCES["decoder network"] = s =>
  `The same network runs at each place alone: ${grouped(s.D)} numbers become ${grouped(s.F)}, those below 0 become 0, and ${grouped(s.D)} come out.`;

const OF = {
  "encoder attention": "self-attention", "decoder attention": "masked attention", "decoder cross-attention": "cross-attention",
  "encoder network": "the network", "decoder network": "the network",
};

export function sentenceFor(part, sizes, { norm, kind }) {
  const found = OF[part.of];
  if (part.role === "add") return `The residual connection: what ${found} made is added to what came in, which went around it unchanged.`;
  if (part.role === "norm" && norm === "post") return "Post-norm: the sum is normalized. Each vector gets mean 0 and variance 1, then a learned scale and shift.";
  if (part.role === "norm") return `Pre-norm: ${found} reads vectors of mean 0 and variance 1, scaled and shifted as learned. What goes around it stays as it is.`;
  return SENTENCES[part.name](sizes, kind);
}

// What leaves the encoder, told at its last part.
export const LEAVING = { both: "What comes out is the memory.", encoder: "What comes out is for a layer that the task adds.", decoder: "" };

export function costText({ formula, each, times, parameters, isShared }) {
  if (isShared) return "No parameters of its own: the table of the embedding serves again.";
  if (!formula) return "No parameters.";
  const first = `Parameters: ${formula} = ${grouped(each)}`;
  return times === 1 ? `${first}.` : `${first} in each of ${counted(times, "layer")}, together ${grouped(parameters)}.`;
}

// "Norm (decoder, × 6)"
export function titleFor({ name, title, column, layered, times }) {
  if (name === "output layer" || name === "softmax") return title;
  return `${title} (${layered ? `${column}, × ${times}` : name.split(" ")[0]})`;
}
