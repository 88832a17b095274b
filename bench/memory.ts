/**
 * What trainings hold on their device, beside what the dry run says and beside what it is made of: weights,
 * gradients, optimizer state and the values of a batch. Usage: npm run bench:memory
 */

import { buildKernels } from "../scripts/build-kernels.ts";
import { createWasmBackend, Trainer } from "../src/engine/index.ts";
import { checkSpec, createPlan, prepareJobData } from "../src/spec/index.ts";
import { MEMORY_MODELS } from "./memory-models.ts";
import { sumOfParts } from "./sum-of-parts.ts";

await buildKernels();
const none = { open: () => Promise.reject(new Error("no data set but those in the specs")) };
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(2).padStart(8);

console.log(`${"MiB".padEnd(42)} dry run  measured   ratio  without data  sum of parts   ratio`);
for (const [name, spec] of Object.entries(MEMORY_MODELS)) {
  const checked = await checkSpec(spec, { dataset: async () => null });
  if (!checked.ok) throw new Error(`${name}: ${JSON.stringify(checked.errors)}`);
  const data = await prepareJobData(checked.spec, none);
  const backend = await createWasmBackend();
  const trainer = Trainer.create(createPlan(checked.spec, data), backend);
  trainer.run({ onEvent: () => {}, shouldStop: () => false });
  const { peak } = backend.memory;
  const parts = sumOfParts(checked, data);
  const held = peak - parts.data;
  const { bytes } = checked.estimate;
  console.log(
    `${name.padEnd(40)}${mib(bytes)}  ${mib(peak)}  ${(bytes / peak).toFixed(3)}      ${mib(held)}      ${mib(parts.sum)}   ${(held / parts.sum).toFixed(2)}`,
  );
}
