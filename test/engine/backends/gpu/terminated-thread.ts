/** A thread that waits for a GPU with minutes of work before it, until it is ended from outside: see gpu-errors.test.ts. */
import { parentPort } from "node:worker_threads";
import { createGpuBackend } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { instructions } from "../../../../src/engine/instructions.ts";

const backend = await createGpuBackend();
const [a, b] = [backend.allocate(256), backend.allocate(256)];
const program = backend.compile([{ instruction: instructions.copy, buffers: [a, b], params: [64] }]);
parentPort?.postMessage(backend.shared);
program.run(1_000_000_000);
backend.read(a, new Float32Array(64));
