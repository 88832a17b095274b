// Optimizer steps, in PyTorch's order of operations (torch.optim._functional with foreach=False): scalars are computed
// in float64 and rounded to float32 where PyTorch hands them to a tensor operation.
import { Lanes } from "./lanes";

const NESTEROV = 1;
const HAS_MOMENTUM = 4;
const MAXIMIZE = 2;
const AMSGRAD = 1;
const DECOUPLED = 4;

export function sgd(param: usize, momentum: usize, step: usize, grad: usize, hyper: usize, n: i32, flags: i32): void {
  const decay = load<f64>(hyper, 24);
  const first = load<f64>(step) == 0;
  store<f64>(step, load<f64>(step) + 1);
  const lr = f32x4.splat(-(<f32>load<f64>(hyper)));
  const mu = f32x4.splat(<f32>load<f64>(hyper, 8));
  const fresh = f32x4.splat(<f32>(1 - load<f64>(hyper, 16)));
  const lambda = f32x4.splat(<f32>decay);

  for (; n > 0; n -= 4, param += 16, momentum += 16, grad += 16) {
    const p = v128.load(param);
    let g = v128.load(grad);
    if (flags & MAXIMIZE) g = f32x4.neg(g);
    if (decay != 0) g = Lanes.madd(p, lambda, g);
    if (flags & HAS_MOMENTUM) {
      // The first gradient starts the buffer whole, without dampening.
      const m = first ? g : f32x4.add(f32x4.mul(v128.load(momentum), mu), f32x4.mul(g, fresh));
      Update.store(momentum, m, n);
      g = flags & NESTEROV ? Lanes.madd(m, mu, g) : m;
    }
    Update.store(param, Lanes.madd(g, lr, p), n);
  }
}

export function adam(
  param: usize,
  expAvg: usize,
  expAvgSq: usize,
  maxExpAvgSq: usize,
  step: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  const rate = load<f64>(hyper);
  const beta1 = load<f64>(hyper, 8);
  const beta2 = load<f64>(hyper, 16);
  const decay = load<f64>(hyper, 32);
  const t = load<f64>(step) + 1;
  store<f64>(step, t);
  const correction1 = 1 - power(beta1, t);
  const correction2 = f32x4.splat(<f32>sqrt<f64>(1 - power(beta2, t)));
  const negativeStep = f32x4.splat(<f32>(-rate / correction1));
  const eps = f32x4.splat(<f32>load<f64>(hyper, 24));
  const weight1 = <f32>(1 - beta1);
  const keep2 = f32x4.splat(<f32>beta2);
  const weight2 = f32x4.splat(<f32>(1 - beta2));
  const lambda = f32x4.splat(<f32>decay);
  const shrink = f32x4.splat(<f32>(1 - rate * decay));
  const coupled = decay != 0 && !(flags & DECOUPLED);
  const decoupled = decay != 0 && (flags & DECOUPLED) != 0;

  for (; n > 0; n -= 4, param += 16, expAvg += 16, expAvgSq += 16, maxExpAvgSq += 16, grad += 16) {
    let p = v128.load(param);
    let g = v128.load(grad);
    if (flags & MAXIMIZE) g = f32x4.neg(g);
    if (coupled) g = Lanes.madd(p, lambda, g);
    if (decoupled) p = f32x4.mul(p, shrink);

    const m = Update.lerp(v128.load(expAvg), g, weight1);
    let v = f32x4.mul(v128.load(expAvgSq), keep2);
    v = f32x4.add(v, f32x4.mul(f32x4.mul(weight2, g), g));
    Update.store(expAvg, m, n);
    Update.store(expAvgSq, v, n);
    if (flags & AMSGRAD) {
      v = f32x4.max(v128.load(maxExpAvgSq), v);
      Update.store(maxExpAvgSq, v, n);
    }
    const denominator = f32x4.add(f32x4.div(f32x4.sqrt(v), correction2), eps);
    p = f32x4.add(p, f32x4.div(f32x4.mul(negativeStep, m), denominator));
    Update.store(param, p, n);
  }
}

export class Update {
  /** Stores four elements, or as many as are left. */
  @inline static store(to: usize, value: v128, left: i32): void {
    if (left >= 4) v128.store(to, value);
    else Lanes.storePartial(to, value, left);
  }

  /** keep·average + fresh·value */
  @inline static decay(average: v128, keep: v128, fresh: f32, value: v128): v128 {
    return f32x4.add(f32x4.mul(average, keep), f32x4.mul(f32x4.splat(fresh), value));
  }

  /** torch.lerp: from the nearer end, so that weight 1 gives exactly `end`. */
  @inline static lerp(start: v128, end: v128, weight: f32): v128 {
    const difference = f32x4.sub(end, start);
    if (weight < 0.5) return f32x4.add(start, f32x4.mul(f32x4.splat(weight), difference));
    return f32x4.sub(end, f32x4.mul(difference, f32x4.splat(1 - weight)));
  }
}

/** baseⁿ for a whole number n ≥ 0, by squaring. */
export function power(base: f64, n: f64): f64 {
  let result: f64 = 1;
  for (let bits = <u64>n; bits != 0; bits >>= 1, base *= base) if (bits & 1) result *= base;
  return result;
}
