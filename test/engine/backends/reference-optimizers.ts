/** The optimizers beyond SGD and Adam in plain JavaScript, written from the formulas of torch.optim's documentation. */
import type { Numbers, Reference } from "./reference.ts";

type Arrays = Readonly<Record<string, Numbers>>;

/** Runs `each` on every element with its gradient (negated to maximize, decayed), after counting the step. */
function optimizer(
  decayAt: number | null,
  prepare: (hyper: Numbers, scalars: Numbers, flags: number) => (arrays: Arrays, i: number, g: number) => void,
  decoupled = false,
): Reference {
  return (arrays, { n, flags }) => {
    const { param, grad, hyper, scalars } = arrays;
    scalars![0]! += 1;
    const each = prepare(hyper!, scalars!, flags!);
    const decay = decayAt === null ? 0 : hyper![decayAt]!;
    const apart = decoupled && (flags! & 4) !== 0;
    for (let i = 0; i < n!; i++) {
      let g = flags! & 2 ? -grad![i]! : grad![i]!;
      if (apart) param![i]! *= 1 - hyper![0]! * decay;
      else g += decay * param![i]!;
      each(arrays, i, g);
    }
  };
}

const mix = (kept: number, before: number, now: number): number => kept * before + (1 - kept) * now;

export const optimizerReferences = {
  rmsprop: optimizer(3, ([lr, alpha, eps, , mu], _scalars, flags) => (arrays, i, g) => {
    const { param, squareAvg, gradAvg, momentum } = arrays;
    squareAvg![i] = mix(alpha!, squareAvg![i]!, g * g);
    let variance = squareAvg![i]!;
    if (flags & 1) {
      gradAvg![i] = mix(alpha!, gradAvg![i]!, g);
      variance -= gradAvg![i]! ** 2;
    }
    let update = g / (Math.sqrt(variance) + eps!);
    if (flags & 4) update = momentum![i] = mu! * momentum![i]! + update;
    param![i]! -= lr! * update;
  }),
  adagrad: optimizer(2, ([lr, lrDecay, , eps], scalars) => ({ param, sum }, i, g) => {
    sum![i]! += g * g;
    param![i]! -= ((lr! / (1 + (scalars[0]! - 1) * lrDecay!)) * g) / (Math.sqrt(sum![i]!) + eps!);
  }),
  adadelta: optimizer(3, ([lr, rho, eps]) => ({ param, squareAvg, accDelta }, i, g) => {
    squareAvg![i] = mix(rho!, squareAvg![i]!, g * g);
    const delta = (Math.sqrt(accDelta![i]! + eps!) / Math.sqrt(squareAvg![i]! + eps!)) * g;
    accDelta![i] = mix(rho!, accDelta![i]!, delta * delta);
    param![i]! -= lr! * delta;
  }),
  adamax: optimizer(4, ([lr, beta1, beta2, eps], scalars) => ({ param, expAvg, expInf }, i, g) => {
    expAvg![i] = mix(beta1!, expAvg![i]!, g);
    expInf![i] = Math.max(beta2! * expInf![i]!, Math.abs(g) + eps!);
    param![i]! -= ((lr! / (1 - beta1! ** scalars[0]!)) * expAvg![i]!) / expInf![i]!;
  }),
  nadam: optimizer(
    4,
    ([lr, beta1, beta2, eps, , psi], scalars) => {
      const mu = (t: number): number => beta1! * (1 - 0.5 * 0.96 ** (t * psi!));
      const now = mu(scalars[0]!);
      const next = mu(scalars[0]! + 1);
      scalars[1]! *= now;
      const product = scalars[1]!;
      return ({ param, expAvg, expAvgSq }, i, g) => {
        expAvg![i] = mix(beta1!, expAvg![i]!, g);
        expAvgSq![i] = mix(beta2!, expAvgSq![i]!, g * g);
        const root = Math.sqrt(expAvgSq![i]! / (1 - beta2! ** scalars[0]!)) + eps!;
        param![i]! -=
          (lr! * ((1 - now) / (1 - product)) * g + lr! * (next / (1 - product * next)) * expAvg![i]!) / root;
      };
    },
    true,
  ),
  radam: optimizer(
    4,
    ([lr, beta1, beta2, eps], scalars) => {
      const t = scalars[0]!;
      const longest = 2 / (1 - beta2!) - 1;
      const length = longest - (2 * t * beta2! ** t) / (1 - beta2! ** t);
      const rect = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
      return ({ param, expAvg, expAvgSq }, i, g) => {
        expAvg![i] = mix(beta1!, expAvg![i]!, g);
        expAvgSq![i] = mix(beta2!, expAvgSq![i]!, g * g);
        const corrected = expAvg![i]! / (1 - beta1! ** t);
        const adaptive =
          length > 5 ? (Math.sqrt(rect) * Math.sqrt(1 - beta2! ** t)) / (Math.sqrt(expAvgSq![i]!) + eps!) : 1;
        param![i]! -= lr! * corrected * adaptive;
      };
    },
    true,
  ),
  rprop: optimizer(null, ([lr, slower, faster, least, most], scalars) => ({ param, previous, stepSize }, i, g) => {
    if (scalars[0] === 1) stepSize![i] = lr!;
    const agreement = g * previous![i]!;
    const factor = agreement > 0 ? faster! : agreement < 0 ? slower! : 1;
    stepSize![i] = Math.min(Math.max(stepSize![i]! * factor, least!), most!);
    const used = agreement < 0 ? 0 : g;
    param![i]! -= Math.sign(used) * stepSize![i]!;
    previous![i] = used;
  }),
  asgd: (arrays, { n, flags }) => {
    const { param, average, grad, hyper, scalars } = arrays;
    const [lr, lambda, alpha, t0, decay] = hyper!;
    const [before, kept, mu] = scalars!;
    const eta = before === 0 ? lr : kept;
    scalars![0]! += 1;
    for (let i = 0; i < n!; i++) {
      const g = (flags! & 2 ? -grad![i]! : grad![i]!) + decay! * param![i]!;
      param![i] = param![i]! * (1 - lambda! * eta!) - eta! * g;
      average![i] = mu === 1 ? param![i]! : average![i]! + mu! * (param![i]! - average![i]!);
    }
    scalars![1] = lr! / (1 + lambda! * lr! * scalars![0]!) ** alpha!;
    scalars![2] = 1 / Math.max(1, scalars![0]! - t0!);
  },
  lion: optimizer(null, ([lr, beta1, beta2, decay]) => ({ param, expAvg }, i, g) => {
    const direction = Math.sign(mix(beta1!, expAvg![i]!, g));
    param![i] = param![i]! * (1 - lr! * decay!) - lr! * direction;
    expAvg![i] = mix(beta2!, expAvg![i]!, g);
  }),
} satisfies Record<string, Reference>;
