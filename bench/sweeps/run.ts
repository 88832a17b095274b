/**
 * `npm run bench:sweeps`: how much of the training ASHA saves. On digits, random search trains all its trials to the end; ASHA
 * draws the same ones, from the same seed, and ends early what is worse. Each pair of sweeps runs on a service of its own.
 *
 *   --seeds 1,2,3    one pair of sweeps each
 *   --trials 27
 */
import { parseArgs } from "node:util";
import { Epochd, type SweepSpec } from "../../src/client/index.ts";
import { startLoadService } from "../load/load-service.ts";
import { load, machine } from "../machine.ts";

/** What is asked of ASHA: as good but for so much, with this share of the epochs. */
const WORSE = 0.01;
const SHARE = 0.4;

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "1,2,3" }, trials: { type: "string", default: "27" } },
});
const sweep = (seed: number, asha: SweepSpec["asha"] | null): SweepSpec => ({
  base: {
    model: {
      layers: [{ type: "Linear", out_features: 64 }, { type: "ReLU" }, { type: "Linear", out_features: 10 }],
    },
    loss: "CrossEntropyLoss",
    optimizer: { type: "AdamW", lr: 0.003 },
    epochs: 27,
    batch_size: 64,
    data: { builtin: "digits", preprocess: { scale: 0.0625 } },
    validation: { split: 0.2 },
    metrics: ["accuracy"],
  },
  space: {
    "optimizer.lr": { log_uniform: [0.0003, 0.1] },
    "optimizer.weight_decay": { log_uniform: [0.0001, 0.1] },
    "model.layers[0].out_features": { log_int: [16, 128] },
    batch_size: { choice: [32, 64, 128] },
  },
  objective: { metric: "val_accuracy" },
  trials: Number(values.trials),
  seed,
  ...(asha && { asha }),
});

console.log(`${machine()}\n${load("before")}\n`);
console.log(
  "seed   random: best  epochs  seconds    ASHA: best  epochs  seconds    ASHA's epochs   worse by   as asked",
);
for (const seed of values.seeds.split(",").map(Number)) {
  const random = await search(sweep(seed, null));
  const asha = await search(sweep(seed, { min_epochs: 1, reduction_factor: 3 }));
  const share = asha.epochs / random.epochs;
  const worse = random.best - asha.best;
  const cells = [
    String(seed).padStart(4),
    `${random.best.toFixed(4)}  ${String(random.epochs).padStart(6)}  ${random.seconds.toFixed(1).padStart(7)}`.padStart(
      25,
    ),
    `${asha.best.toFixed(4)}  ${String(asha.epochs).padStart(6)}  ${asha.seconds.toFixed(1).padStart(7)}`.padStart(25),
    `${(share * 100).toFixed(1)} %`.padStart(13),
    `${(worse * 100).toFixed(2)} %`.padStart(8),
    worse <= WORSE && share <= SHARE ? "yes" : "no",
  ];
  console.log(cells.join("   "));
}
console.log(`\n${load("after")}`);

/** To its end, in a fresh service. */
async function search(spec: SweepSpec): Promise<{ best: number; epochs: number; seconds: number }> {
  await using service = await startLoadService();
  const begun = performance.now();
  const sweep = await new Epochd({ url: service.url }).sweep(spec);
  const { status, best, epochs_trained } = await sweep.ended();
  if (status !== "completed" || best?.value == null) throw new Error(`Sweep ${sweep.id} ended as ${status}.`);
  return { best: best.value, epochs: epochs_trained, seconds: (performance.now() - begun) / 1000 };
}
