/** Our side of the benchmark: trains a plan, or repeats an instruction, for so many seconds. */

import { buildKernels } from "../scripts/build-kernels.ts";
import type { Backend, DeviceBuffer } from "../src/engine/backend.ts";
import { createWasmBackend, type WasmBackendOptions } from "../src/engine/backends/wasm/wasm-backend.ts";
import { Trainer, type TrainingPlan } from "../src/engine/index.ts";
import { instructions, MAX_RANK } from "../src/engine/instructions.ts";
import { type Repetitions, repeat } from "./repetitions.ts";
import { ELEMENTS, MATRIX, type Workload } from "./workloads.ts";

export interface OwnEngine {
  readonly variant: string;
  train(plan: TrainingPlan, seconds: number): Repetitions;
  runInstruction(name: NonNullable<Workload["instruction"]>, seconds: number): Repetitions;
  /** Ends its threads. */
  dispose(): void;
}

export async function createOwnEngine(options: Pick<WasmBackendOptions, "numerics" | "threads">): Promise<OwnEngine> {
  await buildKernels();
  const backend = await createWasmBackend(options);
  const calls = instructionCalls(backend);
  return {
    variant: backend.variant,
    train: (plan, seconds) => train(plan, backend, seconds),
    runInstruction: (name, seconds) => repeat(calls[name], seconds),
    dispose: () => backend.dispose(),
  };
}

/** Counts from the end of one epoch to the end of another, so that set-up and capture are outside. */
export function train(plan: TrainingPlan, backend: Backend, seconds: number): Repetitions {
  const trainer = Trainer.create(plan, backend);
  const end = performance.now() + seconds * 1000;
  const ends: { step: number; at: number }[] = [];
  trainer.run({
    onEvent: (event) => {
      if (event.type === "epoch") ends.push({ step: event.step, at: performance.now() });
    },
    shouldStop: () => ends.length >= 2 && performance.now() >= end,
  });
  trainer.dispose();
  const [first, last] = [ends[0], ends.at(-1)];
  if (!first || !last) throw new Error("The training ended before its first epoch.");
  return { count: last.step - first.step, seconds: (last.at - first.at) / 1000 };
}

function instructionCalls(backend: Backend): Record<NonNullable<Workload["instruction"]>, () => void> {
  const filled = (length: number): DeviceBuffer => {
    const buffer = backend.allocate(length * 4);
    backend.write(
      buffer,
      Float32Array.from({ length }, (_, i) => (i % 100) / 100),
    );
    return buffer;
  };
  const a = filled(MATRIX * MATRIX);
  const b = filled(MATRIX * MATRIX);
  const product = filled(MATRIX * MATRIX);
  const x = filled(ELEMENTS);
  const out = filled(ELEMENTS);
  const vector = (first: number): number[] => [first, ...new Array<number>(MAX_RANK - 1).fill(0)];
  const square = MATRIX * MATRIX;
  return {
    matmul: () => backend.run(instructions.matmul, [product, a, b], [MATRIX, MATRIX, MATRIX, 0, 0, 1, square, square]),
    exp: () => backend.run(instructions.exp, [out, x], [ELEMENTS]),
    tanh: () => backend.run(instructions.tanh, [out, x], [ELEMENTS]),
    add: () => backend.run(instructions.add, [out, x, x], [1, ...vector(ELEMENTS), ...vector(1), ...vector(1)]),
  };
}
