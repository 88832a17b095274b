// The optimizers beyond SGD and Adam, in PyTorch's order of operations; see optimizers.ts for how scalars are rounded.
import { Lanes } from "./lanes";
import { power, Update } from "./optimizers";

const CENTERED = 1;
const MAXIMIZE = 2;
const MOMENTUM = 4;
const DECOUPLED = 4;

export function rmsprop(
  param: usize,
  squareAvg: usize,
  gradAvg: usize,
  momentum: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  store<f64>(scalars, load<f64>(scalars) + 1);
  const rate = f32x4.splat(-(<f32>load<f64>(hyper)));
  const alpha = load<f64>(hyper, 8);
  const keep = f32x4.splat(<f32>alpha);
  const fresh = <f32>(1 - alpha);
  const eps = f32x4.splat(<f32>load<f64>(hyper, 16));
  const mu = f32x4.splat(<f32>load<f64>(hyper, 32));
  for (; n > 0; n -= 4, param += 16, squareAvg += 16, gradAvg += 16, momentum += 16, grad += 16) {
    const p = v128.load(param);
    const g = Gradient.of(grad, p, load<f64>(hyper, 24), flags);
    const square = Update.decay(v128.load(squareAvg), keep, fresh, f32x4.mul(g, g));
    Update.store(squareAvg, square, n);
    let average = square;
    if (flags & CENTERED) {
      const mean = Update.lerp(v128.load(gradAvg), g, fresh);
      Update.store(gradAvg, mean, n);
      average = f32x4.sub(square, f32x4.mul(mean, mean));
    }
    const root = f32x4.add(f32x4.sqrt(average), eps);
    if (flags & MOMENTUM) {
      const m = f32x4.add(f32x4.mul(v128.load(momentum), mu), f32x4.div(g, root));
      Update.store(momentum, m, n);
      Update.store(param, Lanes.madd(m, rate, p), n);
    } else Update.store(param, f32x4.add(p, f32x4.div(f32x4.mul(rate, g), root)), n);
  }
}

export function adagrad(param: usize, sum: usize, scalars: usize, grad: usize, hyper: usize, n: i32, flags: i32): void {
  const step = load<f64>(scalars) + 1;
  store<f64>(scalars, step);
  const rate = f32x4.splat(<f32>(-load<f64>(hyper) / (1 + (step - 1) * load<f64>(hyper, 8))));
  const eps = f32x4.splat(<f32>load<f64>(hyper, 24));
  for (; n > 0; n -= 4, param += 16, sum += 16, grad += 16) {
    const p = v128.load(param);
    const g = Gradient.of(grad, p, load<f64>(hyper, 16), flags);
    const total = f32x4.add(v128.load(sum), f32x4.mul(g, g));
    Update.store(sum, total, n);
    Update.store(param, f32x4.add(p, f32x4.div(f32x4.mul(rate, g), f32x4.add(f32x4.sqrt(total), eps))), n);
  }
}

export function adadelta(
  param: usize,
  squareAvg: usize,
  accDelta: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  store<f64>(scalars, load<f64>(scalars) + 1);
  const rate = f32x4.splat(-(<f32>load<f64>(hyper)));
  const rho = load<f64>(hyper, 8);
  const keep = f32x4.splat(<f32>rho);
  const fresh = <f32>(1 - rho);
  const eps = f32x4.splat(<f32>load<f64>(hyper, 16));
  for (; n > 0; n -= 4, param += 16, squareAvg += 16, accDelta += 16, grad += 16) {
    const p = v128.load(param);
    const g = Gradient.of(grad, p, load<f64>(hyper, 24), flags);
    const square = Update.decay(v128.load(squareAvg), keep, fresh, f32x4.mul(g, g));
    Update.store(squareAvg, square, n);
    const before = v128.load(accDelta);
    const ratio = f32x4.div(f32x4.sqrt(f32x4.add(before, eps)), f32x4.sqrt(f32x4.add(square, eps)));
    const delta = f32x4.mul(ratio, g);
    Update.store(accDelta, Update.decay(before, keep, fresh, f32x4.mul(delta, delta)), n);
    Update.store(param, Lanes.madd(delta, rate, p), n);
  }
}

export function adamax(
  param: usize,
  expAvg: usize,
  expInf: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  const step = load<f64>(scalars) + 1;
  store<f64>(scalars, step);
  const beta1 = load<f64>(hyper, 8);
  const rate = f32x4.splat(<f32>(-load<f64>(hyper) / (1 - power(beta1, step))));
  const fresh = <f32>(1 - beta1);
  const keep = f32x4.splat(<f32>load<f64>(hyper, 16));
  const eps = f32x4.splat(<f32>load<f64>(hyper, 24));
  for (; n > 0; n -= 4, param += 16, expAvg += 16, expInf += 16, grad += 16) {
    const p = v128.load(param);
    const g = Gradient.of(grad, p, load<f64>(hyper, 32), flags);
    const m = Update.lerp(v128.load(expAvg), g, fresh);
    const largest = f32x4.max(f32x4.mul(v128.load(expInf), keep), f32x4.add(f32x4.abs(g), eps));
    Update.store(expAvg, m, n);
    Update.store(expInf, largest, n);
    Update.store(param, f32x4.add(p, f32x4.div(f32x4.mul(rate, m), largest)), n);
  }
}

export function nadam(
  param: usize,
  expAvg: usize,
  expAvgSq: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  const step = load<f64>(scalars) + 1;
  store<f64>(scalars, step);
  const lr = load<f64>(hyper);
  const beta1 = load<f64>(hyper, 8);
  const beta2 = load<f64>(hyper, 16);
  const decay = load<f64>(hyper, 32);
  const momentumDecay = load<f64>(hyper, 40);
  const mu = beta1 * (1 - 0.5 * Math.pow(0.96, step * momentumDecay));
  const muNext = beta1 * (1 - 0.5 * Math.pow(0.96, (step + 1) * momentumDecay));
  const product = load<f64>(scalars, 8) * mu;
  store<f64>(scalars, product, 8);
  const fresh1 = <f32>(1 - beta1);
  const keep2 = f32x4.splat(<f32>beta2);
  const fresh2 = <f32>(1 - beta2);
  const correction2 = f32x4.splat(<f32>(1 - power(beta2, step)));
  const eps = f32x4.splat(<f32>load<f64>(hyper, 24));
  const ofGradient = f32x4.splat(<f32>((-lr * (1 - mu)) / (1 - product)));
  const ofMomentum = f32x4.splat(<f32>((-lr * muNext) / (1 - product * muNext)));
  const shrink = f32x4.splat(<f32>(1 - lr * decay));
  const decoupled = decay != 0 && (flags & DECOUPLED) != 0;
  for (; n > 0; n -= 4, param += 16, expAvg += 16, expAvgSq += 16, grad += 16) {
    let p = v128.load(param);
    const g = Gradient.of(grad, p, decoupled ? 0 : decay, flags);
    if (decoupled) p = f32x4.mul(p, shrink);
    const m = Update.lerp(v128.load(expAvg), g, fresh1);
    const v = Update.decay(v128.load(expAvgSq), keep2, fresh2, f32x4.mul(g, g));
    Update.store(expAvg, m, n);
    Update.store(expAvgSq, v, n);
    const root = f32x4.add(f32x4.sqrt(f32x4.div(v, correction2)), eps);
    p = f32x4.add(p, f32x4.div(f32x4.mul(ofGradient, g), root));
    Update.store(param, f32x4.add(p, f32x4.div(f32x4.mul(ofMomentum, m), root)), n);
  }
}

export function radam(
  param: usize,
  expAvg: usize,
  expAvgSq: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  const step = load<f64>(scalars) + 1;
  store<f64>(scalars, step);
  const lr = load<f64>(hyper);
  const beta1 = load<f64>(hyper, 8);
  const beta2 = load<f64>(hyper, 16);
  const decay = load<f64>(hyper, 32);
  const kept2 = power(beta2, step);
  const correction1 = f32x4.splat(<f32>(1 - power(beta1, step)));
  const longest = 2 / (1 - beta2) - 1;
  const length = longest - (2 * step * kept2) / (1 - kept2);
  // Below this the variance of the adaptive rate has no closed form, and plain momentum is used.
  const rectified = length > 5;
  const rect = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
  const adaptive = f32x4.splat(rectified ? <f32>(sqrt<f64>(rect) * sqrt<f64>(1 - kept2)) : 1);
  const fresh1 = <f32>(1 - beta1);
  const keep2 = f32x4.splat(<f32>beta2);
  const fresh2 = <f32>(1 - beta2);
  const eps = f32x4.splat(<f32>load<f64>(hyper, 24));
  const rate = f32x4.splat(<f32>lr);
  const shrink = f32x4.splat(<f32>(1 - lr * decay));
  const decoupled = decay != 0 && (flags & DECOUPLED) != 0;
  for (; n > 0; n -= 4, param += 16, expAvg += 16, expAvgSq += 16, grad += 16) {
    let p = v128.load(param);
    const g = Gradient.of(grad, p, decoupled ? 0 : decay, flags);
    if (decoupled) p = f32x4.mul(p, shrink);
    const m = Update.lerp(v128.load(expAvg), g, fresh1);
    const v = Update.decay(v128.load(expAvgSq), keep2, fresh2, f32x4.mul(g, g));
    Update.store(expAvg, m, n);
    Update.store(expAvgSq, v, n);
    let update = f32x4.mul(f32x4.div(m, correction1), rate);
    if (rectified) update = f32x4.mul(update, f32x4.div(adaptive, f32x4.add(f32x4.sqrt(v), eps)));
    Update.store(param, f32x4.sub(p, update), n);
  }
}

export function rprop(
  param: usize,
  previous: usize,
  stepSize: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  const isFirst = load<f64>(scalars) == 0;
  store<f64>(scalars, load<f64>(scalars) + 1);
  // A schedule may begin with another rate than the optimizer's: PyTorch takes the one of the first step.
  const lr = f32x4.splat(<f32>load<f64>(hyper));
  const slower = f32x4.splat(<f32>load<f64>(hyper, 8));
  const faster = f32x4.splat(<f32>load<f64>(hyper, 16));
  const least = f32x4.splat(<f32>load<f64>(hyper, 24));
  const most = f32x4.splat(<f32>load<f64>(hyper, 32));
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (; n > 0; n -= 4, param += 16, previous += 16, stepSize += 16, grad += 16) {
    const p = v128.load(param);
    let g = Gradient.of(grad, p, 0, flags);
    const agreement = f32x4.mul(g, v128.load(previous));
    const turned = f32x4.lt(agreement, zero);
    const factor = Lanes.select(f32x4.gt(agreement, zero), faster, Lanes.select(turned, slower, one));
    const size = f32x4.min(f32x4.max(f32x4.mul(isFirst ? lr : v128.load(stepSize), factor), least), most);
    // Where the sign has turned the step is not taken back; it only starts anew next time.
    g = Lanes.select(turned, zero, g);
    const sign = f32x4.sub(v128.and(f32x4.gt(g, zero), one), v128.and(f32x4.lt(g, zero), one));
    Update.store(param, f32x4.sub(p, f32x4.mul(sign, size)), n);
    Update.store(previous, g, n);
    Update.store(stepSize, size, n);
  }
}

export function asgd(
  param: usize,
  average: usize,
  scalars: usize,
  grad: usize,
  hyper: usize,
  n: i32,
  flags: i32,
): void {
  const step = load<f64>(scalars) + 1;
  const lr = load<f64>(hyper);
  // As in rprop: the rate of the first step, which a schedule may have set.
  const eta = step == 1 ? lr : load<f64>(scalars, 8);
  const mu = load<f64>(scalars, 16);
  const lambda = load<f64>(hyper, 8);
  const shrink = f32x4.splat(<f32>(1 - lambda * eta));
  const rate = f32x4.splat(<f32>-eta);
  const share = f32x4.splat(<f32>mu);
  for (; n > 0; n -= 4, param += 16, average += 16, grad += 16) {
    let p = v128.load(param);
    const g = Gradient.of(grad, p, load<f64>(hyper, 32), flags);
    p = Lanes.madd(g, rate, f32x4.mul(p, shrink));
    const before = v128.load(average);
    Update.store(average, mu == 1 ? p : f32x4.add(before, f32x4.mul(f32x4.sub(p, before), share)), n);
    Update.store(param, p, n);
  }
  store<f64>(scalars, step);
  store<f64>(scalars, lr / Math.pow(1 + lambda * lr * step, load<f64>(hyper, 16)), 8);
  store<f64>(scalars, 1 / max<f64>(1, step - load<f64>(hyper, 24)), 16);
}

export function lion(param: usize, expAvg: usize, scalars: usize, grad: usize, hyper: usize, n: i32, flags: i32): void {
  store<f64>(scalars, load<f64>(scalars) + 1);
  const lr = load<f64>(hyper);
  const beta1 = load<f64>(hyper, 8);
  const beta2 = load<f64>(hyper, 16);
  const keep1 = f32x4.splat(<f32>beta1);
  const keep2 = f32x4.splat(<f32>beta2);
  const shrink = f32x4.splat(<f32>(1 - lr * load<f64>(hyper, 24)));
  const rate = f32x4.splat(<f32>lr);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (; n > 0; n -= 4, param += 16, expAvg += 16, grad += 16) {
    const p = v128.load(param);
    const g = Gradient.of(grad, p, 0, flags);
    const m = v128.load(expAvg);
    const direction = Update.decay(m, keep1, <f32>(1 - beta1), g);
    const sign = f32x4.sub(v128.and(f32x4.gt(direction, zero), one), v128.and(f32x4.lt(direction, zero), one));
    Update.store(param, f32x4.sub(f32x4.mul(p, shrink), f32x4.mul(sign, rate)), n);
    Update.store(expAvg, Update.decay(m, keep2, <f32>(1 - beta2), g), n);
  }
}

class Gradient {
  /** Four gradients: negated to maximize, and with the weights' decay added. */
  @inline static of(grad: usize, p: v128, decay: f64, flags: i32): v128 {
    let g = v128.load(grad);
    if (flags & MAXIMIZE) g = f32x4.neg(g);
    if (decay != 0) g = Lanes.madd(p, f32x4.splat(<f32>decay), g);
    return g;
  }
}
