/** What it costs to have the GPU run an instruction in a batched step, and how many steps go into a submit. */
import { fileURLToPath } from "node:url";
import { openWebgpu, type WebgpuOptions } from "../../src/engine/backends/gpu/facade.ts";
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
  /** Of which processors were busy: what counts on a machine that has other work, too. */
  readonly busyMicroseconds: number;
}

/** On Dawn's null device nothing is computed: what is left is what the engine, Node and Dawn take to ask for it. */
const NULL_DEVICE: WebgpuOptions = { flags: ["backend=null"], selfTest: false };

export async function measureSubmits(options: WebgpuOptions = {}): Promise<Submits> {
  let failure: Error | undefined;
  const owner = {
    ending: false,
    fail: (error: Error) => {
      failure ??= error;
    },
  };
  const executor = await WebgpuExecutor.open(owner, options);
  // gpu.js opens one device for each thread: this is the executor's.
  const { device } = await openWebgpu({ ...options, selfTest: false });
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
  const replay = async (): Promise<{ ms: number; busy: number }> => {
    const start = performance.now();
    const busyFrom = process.cpuUsage();
    await executor.replay(1, STEPS);
    await executor.read(1, 0, answer);
    const busy = process.cpuUsage(busyFrom);
    return { ms: performance.now() - start, busy: (busy.user + busy.system) / 1000 };
  };
  await replay();
  submits = 0;
  const { ms, busy } = await replay();
  await executor.dispose();
  if (failure) throw failure;
  return {
    instructions: INSTRUCTIONS,
    steps: STEPS,
    perStep: submits / STEPS,
    microseconds: (ms * 1000) / (STEPS * INSTRUCTIONS),
    busyMicroseconds: (busy * 1000) / (STEPS * INSTRUCTIONS),
  };
}

/** As a program: a process has one device, and the benchmark's is the GPU. */
if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await measureSubmits(NULL_DEVICE)));
