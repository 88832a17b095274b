/** How far a training on one backend is from the same on the cpu. */
import { type Backend, createWasmBackend, Trainer, type TrainingPlan } from "../../src/engine/index.ts";

/** Few enough for a GPU in software. */
export const FIRST_STEPS = 8;

/** Of the losses of the first steps, relative. */
export async function largestDifference(plan: TrainingPlan, backend: Backend): Promise<number> {
  const cpu = await createWasmBackend();
  const [found, wanted] = [lossesOn(backend, plan), lossesOn(cpu, plan)];
  cpu.dispose();
  return Math.max(...found.map((loss, i) => Math.abs(loss / (wanted[i] ?? Number.NaN) - 1)));
}

/** In two epochs over the first rows. */
function lossesOn(backend: Backend, { train, ...plan }: TrainingPlan): number[] {
  const count = (FIRST_STEPS / 2) * plan.batchSize;
  const first = (values: Float32Array | Int32Array) => values.subarray(0, (values.length / train.count) * count);
  const trainer = Trainer.create(
    {
      ...plan,
      train: { ...train, count, inputs: first(train.inputs), targets: first(train.targets) },
      epochs: 2,
      tellSteps: 1,
    },
    backend,
  );
  const losses: number[] = [];
  trainer.run({
    onEvent: (event) => {
      if (event.type === "steps") losses.push(...event.losses);
    },
    shouldStop: () => false,
  });
  trainer.dispose();
  if (losses.length !== FIRST_STEPS)
    throw new Error(`The training told ${losses.length} losses instead of ${FIRST_STEPS}.`);
  return losses;
}
