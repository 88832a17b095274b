/** The batches that training will see, against layers that can't be trained on just one sample. */
import { grouped } from "../data/data-error.ts";
import type { ResolvedModel } from "./follow-shape.ts";
import type { JobSettings } from "./job-spec.ts";
import type { Mistakes } from "./mistakes.ts";

export function checkBatches(
  model: ResolvedModel,
  { batch_size, drop_last }: Pick<JobSettings, "batch_size" | "drop_last">,
  trainRows: number,
  mistakes: Mistakes,
): void {
  const demanding = model.layers.find(({ smallestBatch }) => smallestBatch > Math.min(batch_size, trainRows));
  if (demanding) {
    const { name, spec, smallestBatch } = demanding;
    const what = trainRows < batch_size ? `${grouped(trainRows)} rows make` : `${batch_size} makes`;
    mistakes.add(
      "batch_size",
      `${what} batches too small for layer ${name} (${spec.type}), which trains on ${smallestBatch} samples or more at once`,
    );
    return;
  }
  const last = trainRows % batch_size;
  if (drop_last || last === 0) return;
  const left = model.layers.find(({ smallestBatch }) => smallestBatch > last);
  if (!left) return;
  mistakes.add(
    "batch_size",
    `leaves a last batch of ${last} (${grouped(trainRows)} rows in batches of ${grouped(batch_size)}), and layer ${left.name} (${left.spec.type}) ` +
      `trains on ${left.smallestBatch} samples or more at once; use another batch_size, or "drop_last": true`,
  );
}
