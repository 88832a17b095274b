/**
 * Optimizers as a table: for each, the formulas of its state and of the parameter, in the order in which they are
 * computed; each is one pass over all elements, and sees what those before have written.
 *
 * In a formula, g is the gradient with all that belongs to it, p the parameter, t the step's number; names of `state`
 * and `hyper` are their values, and `rest_name` is 1 − name, to the accuracy that its float64 has.
 */
import type { InstructionName } from "../../../instructions.ts";
import type { Lower, Operand, Pass, Read } from "../lowering.ts";
import { lowering, operand, pass, temporary } from "./kernel-source.ts";

interface Optimizer {
  /** The buffers between the parameter and the step, or scalars. */
  readonly state: readonly string[];
  readonly hyper: readonly string[];
  /** Numbers that hold for the whole step, worked out once. */
  readonly once?: Readonly<Record<string, string>>;
  /** Formulas that set a state tensor, the parameter `p`, or, if their name is none of these, a temporary. */
  readonly set: readonly (readonly [name: string, formula: string])[];
  /** Formulas of scalars after the step's number, set last. */
  readonly scalars?: readonly string[];
  /** There is a weight decay: with flag 4 it shrinks the parameter (`decoupled`), else it is added to the gradient. */
  readonly decay?: "coupled" | "decoupled";
}

const MAXIMIZE = 2;
const DECOUPLED = 4;

type Names = ReadonlyMap<string, string>;

/** An optimizer whose formulas may depend on the flags. */
const optimizer = (define: (flags: number) => Optimizer): Lower =>
  lowering(["n", "flags"], ({ n, flags }) => {
    const { state, hyper, once = {}, set, scalars = [], decay } = define(flags);
    const scalarsAt = operand(1 + state.length);
    const buffers = new Map<string, Operand>([
      ["p", operand(0)],
      ...state.map((name, i) => [name, operand(1 + i)] as const),
      ["scalars", scalarsAt],
      ["gradient", operand(2 + state.length)],
      ["hyper", operand(3 + state.length)],
    ]);
    const shared = Object.entries(once);
    const made = set.map(([name]) => name).filter((name) => !buffers.has(name));
    for (const [i, name] of made.entries()) buffers.set(name, temporary(1 + i));
    if (shared.length > 0) buffers.set("shared", temporary(0));

    const numbers: Names = new Map([
      ["t", "scalars[0] + 1"],
      ...hyper.flatMap((name, i) => [
        [name, `hyper[${2 * i}]`] as const,
        [`rest_${name}`, `(1 - hyper[${2 * i}]) - hyper[${2 * i + 1}]`] as const,
      ]),
      ...Array.from({ length: 4 }, (_, i) => [`scalar${i}`, `scalars[${2 * i}] + scalars[${2 * i + 1}]`] as const),
    ]);
    const apart = decay === "decoupled" && (flags & DECOUPLED) !== 0;
    const gradient = flags & MAXIMIZE ? "0 - gradient[this.thread.x]" : "gradient[this.thread.x]";
    const elements: Names = new Map([
      ...numbers,
      ...shared.map(([name], i) => [name, `shared[${i}]`] as const),
      ["p", apart ? "pOf[this.thread.x] * (1 - lr * decay)" : "pOf[this.thread.x]"],
      ["g", decay && !apart ? `(${gradient}) + decay * p` : gradient],
      ...[...state, ...made].map((name) => [name, `${name}Of[this.thread.x]`] as const),
    ]);

    const step = (name: string, output: readonly [number], formula: string, known: Names, lines = ""): Pass => {
      const { body, reads } = expand(formula, known, buffers, lines);
      const writes = buffers.get(name);
      if (!writes) throw new TypeError(`An optimizer sets ${name}, which is nowhere.`);
      return pass({ output, reads, writes, body });
    };
    const count = pass({
      output: [1],
      components: 2,
      reads: { scalars: scalarsAt },
      writes: scalarsAt,
      body: "return [scalars[0] + 1, scalars[1]];",
    });
    const passes = set.map(([name, formula]) => step(name, [n], formula, elements));
    if (shared.length > 0) {
      const each = shared.map(([, formula], i) => `if (this.thread.x === ${i}) { return ${formula}; }\n`).join("");
      passes.unshift(step("shared", [shared.length], "0", numbers, each));
    }
    const words = 2 + 2 * scalars.length;
    if (scalars.length === 0) passes.push(count);
    else {
      const later = scalars
        .map((formula, i) => `if (this.thread.x === ${2 * i + 2}) { return ${formula}; }\n`)
        .join("");
      const after = temporary(1 + made.length);
      const { body, reads } = expand("0", numbers, buffers, `if (this.thread.x === 0) { return t; }\n${later}`);
      passes.push(pass({ output: [words], reads, writes: after, body }));
      passes.push(pass({ output: [words], reads: { after }, writes: scalarsAt, body: "return after[this.thread.x];" }));
    }
    return { temporaries: [Math.max(1, shared.length), ...made.map(() => n), words], passes };
  });

/** A formula with the definitions of all names in it before it, and the buffers that these read. */
function expand(
  formula: string,
  names: Names,
  buffers: ReadonlyMap<string, Operand>,
  lines: string,
): { body: string; reads: Record<string, Read> } {
  const head: string[] = [];
  const seen = new Set<string>();
  const reads: Record<string, Read> = {};
  const define = (text: string): void => {
    for (const [name] of text.matchAll(/\b[A-Za-z]\w*/g)) {
      const buffer = buffers.get(name.replace(/Of$/, ""));
      const value = names.get(name);
      if (seen.has(name)) continue;
      seen.add(name);
      if (value !== undefined) {
        define(value);
        head.push(`const ${name} = ${value};\n`);
      } else if (buffer) reads[name] = buffer;
    }
  };
  define(lines + formula);
  return { body: `${head.join("")}${lines}return ${formula};`, reads };
}

const adaptive = ["lr", "beta1", "beta2", "eps", "decay"] as const;
const first = "expAvg + rest_beta1 * (g - expAvg)";
const second = "beta2 * expAvgSq + rest_beta2 * g * g";
/** 1 − βᵗ without the cancellation of small t. */
const correction = (beta: string): string => `0 - exponentialM1(t * logarithm1p(0 - rest_${beta}))`;

export const optimizers = {
  sgd: optimizer((flags) => {
    const momentum = (flags & 4) !== 0;
    const direction = flags & 1 ? "(g + momentum * buffer)" : "buffer";
    return {
      state: ["buffer"],
      hyper: ["lr", "momentum", "dampening", "decay"],
      decay: "coupled",
      set: [
        ...(momentum ? [["buffer", "t === 1 ? g : momentum * buffer + rest_dampening * g"] as const] : []),
        ["p", `p - lr * ${momentum ? direction : "g"}`],
      ],
    };
  }),
  adam: optimizer((flags) => {
    const most = (flags & 1) !== 0;
    return {
      state: ["expAvg", "expAvgSq", "maxExpAvgSq"],
      hyper: adaptive,
      decay: "decoupled",
      once: { rate: `lr / (${correction("beta1")})`, root: `Math.sqrt(${correction("beta2")})` },
      set: [
        ["expAvg", first],
        ["expAvgSq", second],
        ...(most ? [["maxExpAvgSq", "maxExpAvgSq > expAvgSq ? maxExpAvgSq : expAvgSq"] as const] : []),
        ["p", `p - rate * expAvg / (Math.sqrt(${most ? "maxExpAvgSq" : "expAvgSq"}) / root + eps)`],
      ],
    };
  }),
  rmsprop: optimizer((flags) => {
    const [centered, momentum] = [(flags & 1) !== 0, (flags & 4) !== 0];
    const variance = centered ? "squareAvg - gradAvg * gradAvg" : "squareAvg";
    const update = `g / (Math.sqrt(${variance}) + eps)`;
    return {
      state: ["squareAvg", "gradAvg", "velocity"],
      hyper: ["lr", "alpha", "eps", "decay", "momentum"],
      decay: "coupled",
      set: [
        ["squareAvg", "alpha * squareAvg + rest_alpha * g * g"],
        ...(centered ? [["gradAvg", "alpha * gradAvg + rest_alpha * g"] as const] : []),
        ...(momentum ? [["velocity", `momentum * velocity + ${update}`] as const] : []),
        ["p", `p - lr * ${momentum ? "velocity" : update}`],
      ],
    };
  }),
  adagrad: optimizer(() => ({
    state: ["sum"],
    hyper: ["lr", "lrDecay", "decay", "eps"],
    decay: "coupled",
    set: [
      ["sum", "sum + g * g"],
      ["p", "p - lr / (1 + (t - 1) * lrDecay) * g / (Math.sqrt(sum) + eps)"],
    ],
  })),
  adadelta: optimizer(() => ({
    state: ["squareAvg", "accDelta"],
    hyper: ["lr", "rho", "eps", "decay"],
    decay: "coupled",
    set: [
      ["squareAvg", "rho * squareAvg + rest_rho * g * g"],
      ["delta", "Math.sqrt(accDelta + eps) / Math.sqrt(squareAvg + eps) * g"],
      ["accDelta", "rho * accDelta + rest_rho * delta * delta"],
      ["p", "p - lr * delta"],
    ],
  })),
  adamax: optimizer(() => ({
    state: ["expAvg", "expInf"],
    hyper: adaptive,
    decay: "coupled",
    once: { rate: `lr / (${correction("beta1")})` },
    set: [
      ["expAvg", first],
      ["expInf", "beta2 * expInf > Math.abs(g) + eps ? beta2 * expInf : Math.abs(g) + eps"],
      ["p", "p - rate * expAvg / expInf"],
    ],
  })),
  nadam: optimizer(() => {
    const mu = (step: string) => `beta1 * (1 - 0.5 * exponential(${step} * psi * ${Math.log(0.96)}))`;
    const product = `scalar1 * (${mu("t")})`;
    return {
      state: ["expAvg", "expAvgSq"],
      hyper: [...adaptive, "psi"],
      decay: "decoupled",
      once: {
        fresh: `lr * (1 - ${mu("t")}) / (1 - ${product})`,
        rate: `lr * ${mu("(t + 1)")} / (1 - ${product} * ${mu("(t + 1)")})`,
        size: correction("beta2"),
      },
      set: [
        ["expAvg", first],
        ["expAvgSq", second],
        ["p", "p - (fresh * g + rate * expAvg) / (Math.sqrt(expAvgSq / size) + eps)"],
      ],
      scalars: [product],
    };
  }),
  radam: optimizer(() => ({
    state: ["expAvg", "expAvgSq"],
    hyper: adaptive,
    decay: "decoupled",
    once: {
      rate: `lr / (${correction("beta1")})`,
      size: correction("beta2"),
      rectified: "radamRectified(rest_beta2, t)",
    },
    set: [
      ["expAvg", first],
      ["expAvgSq", second],
      ["p", "p - rate * expAvg * (rectified > 0 ? rectified * Math.sqrt(size) / (Math.sqrt(expAvgSq) + eps) : 1)"],
    ],
  })),
  rprop: optimizer(() => {
    const agreement = "g * previous";
    return {
      state: ["previous", "stepSize"],
      hyper: ["lr", "slower", "faster", "least", "most"],
      set: [
        ["wanted", `(t === 1 ? lr : stepSize) * (${agreement} > 0 ? faster : (${agreement} < 0 ? slower : 1))`],
        ["stepSize", "wanted < least ? least : (wanted > most ? most : wanted)"],
        ["previous", `${agreement} < 0 ? 0 : g`],
        ["p", "p - (previous > 0 ? stepSize : (previous < 0 ? 0 - stepSize : 0))"],
      ],
    };
  }),
  asgd: optimizer(() => ({
    state: ["average"],
    hyper: ["lr", "lambda", "alpha", "t0", "decay"],
    decay: "coupled",
    once: { eta: "t === 1 ? lr : scalar1", mu: "scalar2" },
    set: [
      ["p", "p * (1 - lambda * eta) - eta * g"],
      ["average", "mu === 1 ? p : average + mu * (p - average)"],
    ],
    scalars: ["lr * exponential((0 - alpha) * logarithm1p(lambda * lr * t))", "t - t0 > 1 ? 1 / (t - t0) : 1"],
  })),
  lion: optimizer(() => {
    const mixed = "beta1 * expAvg + rest_beta1 * g";
    return {
      state: ["expAvg"],
      hyper: ["lr", "beta1", "beta2", "decay"],
      set: [
        ["p", `p * (1 - lr * decay) - (${mixed} > 0 ? lr : (${mixed} < 0 ? 0 - lr : 0))`],
        ["expAvg", "beta2 * expAvg + rest_beta2 * g"],
      ],
    };
  }),
} satisfies Partial<Record<InstructionName, Lower>>;
