/** How good outputs are: the share of targets that got the largest output, and −log₂ of the probability they got. */
import { elementCount, type Shape } from "../../src/engine/index.ts";

export interface Score {
  readonly accuracy: number;
  /** On average, per target. */
  readonly bits: number;
}

/** `outputShape` of one sample: [classes, …places]; each place has a target. Softmax is taken here. */
export function scoreOf(outputs: Float32Array, outputShape: Shape, targets: ArrayLike<number>): Score {
  const [classes = 0, ...rest] = outputShape;
  const places = elementCount(rest);
  let hits = 0;
  let nats = 0;
  for (let i = 0; i < targets.length; i++) {
    const first = Math.floor(i / places) * classes * places + (i % places);
    const logits = Array.from({ length: classes }, (_, c) => outputs[first + c * places] ?? Number.NaN);
    const most = Math.max(...logits);
    const own = logits[targets[i] ?? -1] ?? Number.NaN;
    if (own === most) hits++;
    nats += most - own + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  }
  return { accuracy: hits / targets.length, bits: nats / targets.length / Math.LN2 };
}
