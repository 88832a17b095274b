/** What it costs to have the GPU run an instruction in a batched step, and how many steps go into a submit. */
import { openWebgpu } from "../../src/engine/backends/gpu/facade.ts";
import { WebgpuExecutor } from "../../src/engine/backends/gpu/webgpu-executor.ts";
import { instructions } from "../../src/engine/instructions.ts";

const INSTRUCTIONS = 100;
const STEPS = 1000;
/** So few that computing them takes no time. */
const WORDS = 64;

export interface Submits {
  readonly instructions: number;
  readonly steps: number;
  readonly perStep: number;
  /** For one instruction, the GPU's part included. */
  readonly microseconds: number;
}

export async function measureSubmits(): Promise<Submits> {
  let failure: Error | undefined;
  const owner = {
    ending: false,
    fail: (error: Error) => {
      failure ??= error;
    },
  };
  const executor = await WebgpuExecutor.open(owner);
  // gpu.js opens one device for each thread: this is the executor's.
  const { device } = await openWebgpu({ selfTest: false });
  let submits = 0;
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (buffers) => {
    submits++;
    return submit(buffers);
  };
  const span = (slot: number) => ({ slot, offset: 0, words: WORDS });
  for (const slot of [1, 2]) executor.allocate(slot, WORDS);
  const command = { instruction: instructions.copy, spans: [span(1), span(2)], params: [WORDS] };
  await executor.compile(1, new Array(INSTRUCTIONS).fill(command));
  const answer = new Float32Array(1);
  const replay = async (): Promise<number> => {
    const start = performance.now();
    await executor.replay(1, STEPS);
    await executor.read(1, 0, answer);
    return performance.now() - start;
  };
  await replay();
  submits = 0;
  const ms = await replay();
  await executor.dispose();
  if (failure) throw failure;
  return {
    instructions: INSTRUCTIONS,
    steps: STEPS,
    perStep: submits / STEPS,
    microseconds: (ms * 1000) / (STEPS * INSTRUCTIONS),
  };
}
