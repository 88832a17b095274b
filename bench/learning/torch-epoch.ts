/** How long PyTorch takes for an epoch of the same network on the same machine, in words. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TrainingPlan } from "../../src/engine/index.ts";

const SCRIPT = fileURLToPath(new URL("../peers/torch_epoch.py", import.meta.url));

export async function torchEpoch(python: string, plan: TrainingPlan): Promise<string> {
  const { layers, optimizer, batchSize, clipGradNorm, train, loss } = plan;
  const { count, inputShape, targetShape } = train;
  const order = JSON.stringify({
    layers,
    loss,
    optimizer,
    batch_size: batchSize,
    clip_grad_norm: clipGradNorm,
    rows: count,
    input_shape: inputShape,
    target_shape: targetShape,
    whole: train.inputs.every(Number.isInteger),
  });
  const answer = await ask(python, order).catch((error: unknown) => ({ error: String(error) }));
  if ("error" in answer) return `no PyTorch from ${python} (${answer.error}): set PYTHON to compare`;
  return Object.entries(answer)
    .map(([name, seconds]) => `${name}: ${seconds.toFixed(2)} s`)
    .join(", ");
}

async function ask(python: string, order: string): Promise<Record<string, number> | { readonly error: string }> {
  const running = promisify(execFile)(python, [SCRIPT]);
  running.child.stdin?.end(order);
  return JSON.parse((await running).stdout);
}
