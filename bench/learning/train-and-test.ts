/** Trains a plan to its end, then asks the trained weights about data that were not trained on. */
import {
  createWasmBackend,
  type EpochEvent,
  type Examples,
  modelWeights,
  Predictor,
  Trainer,
  type TrainingPlan,
} from "../../src/engine/index.ts";
import { summarize } from "../repetitions.ts";
import { type Score, scoreOf } from "./score.ts";

export interface Trained {
  readonly score: Score;
  /** Of an epoch, the median. */
  readonly seconds: number;
}

export async function trainAndTest(plan: TrainingPlan, test: Examples, tell: (line: string) => void): Promise<Trained> {
  const backend = await createWasmBackend();
  const trainer = Trainer.create(plan, backend);
  const seconds: number[] = [];
  let since = performance.now();
  const outcome = trainer.run({
    onEvent(event) {
      if (event.type !== "epoch") return;
      const now = performance.now();
      seconds.push((now - since) / 1000);
      since = now;
      if (event.epoch % Math.ceil(event.epochs / LINES) === 0) tell(lineOf(event));
    },
    shouldStop: () => false,
  });
  if (outcome.status === "diverged") throw new Error(outcome.message);
  const weights = modelWeights(trainer.checkpoint());
  trainer.dispose();
  const predictor = Predictor.create(plan.layers, weights, test.inputShape, backend);
  const { outputs, outputShape } = predictor.predict(Float32Array.from(test.inputs), test.count);
  predictor.dispose();
  backend.dispose();
  return { score: scoreOf(outputs, outputShape, test.targets), seconds: summarize(seconds).median };
}

/** Told of a training, at most. */
const LINES = 10;

const lineOf = ({ epoch, epochs, loss, samples_per_s }: EpochEvent): string =>
  `epoch ${epoch}/${epochs}: loss ${loss.toFixed(4)}, ${Math.round(samples_per_s).toLocaleString("en")} samples/s`;
