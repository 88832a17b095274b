/** A process that ends while its GPU has seconds of work before it: run by gpu-errors.test.ts. */
import { createGpuBackend } from "../../../../src/engine/backends/gpu/gpu-backend.ts";
import { instructions } from "../../../../src/engine/instructions.ts";

const backend = await createGpuBackend();
const [a, b] = [backend.allocate(256), backend.allocate(256)];
const program = backend.compile([{ instruction: instructions.copy, buffers: [a, b], params: [64] }]);
program.run(1);
backend.read(a, new Float32Array(64));
program.run(1_000_000);
process.exit(0);
