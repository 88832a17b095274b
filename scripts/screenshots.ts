/**
 * `node scripts/screenshots.ts [folder]`: pictures of every view of the dashboard, by day, by night and on a phone, of a service that has
 * really trained what they show. Into build/screenshots, unless a folder is named; `--readme` also renews those of docs/images.
 */
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { assertSpec } from "../src/cli/spec-file.ts";
import { Epochd, type Run } from "../src/client/index.ts";
import { examples } from "../src/dashboard/new/examples.ts";
import { buildDashboard } from "./build-dashboard.ts";
import { buildKernels } from "./build-kernels.ts";
import { launchChromium } from "./chromium.ts";
import { startService } from "./service-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const IN_README = ["run-day", "try-night", "runs-phone"];
const LOOKS = {
  day: { viewport: { width: 1280, height: 860 }, colorScheme: "light" },
  night: { viewport: { width: 1280, height: 860 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", deviceScaleFactor: 2, isMobile: true },
} as const;
/** Curves and what is animated come to rest. */
const REST_MS = 1500;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { readme: { type: "boolean" } } });
const folder = positionals[0] ?? join(root, "build/screenshots");
await Promise.all([buildKernels(), buildDashboard(), mkdir(folder, { recursive: true })]);
const dataDir = await mkdtemp(join(tmpdir(), "epochd-screenshots-"));
try {
  await using service = await startService({ dataDir, env: { REDIS_URL: "", CONCURRENCY: "2" } });
  const views = await train(service.url);
  const browser = await launchChromium();
  try {
    for (const [view, place] of Object.entries(views))
      for (const look of Object.keys(LOOKS) as (keyof typeof LOOKS)[])
        await shoot(browser, `${service.url}/#${place}`, look, join(folder, `${view}-${look}.png`));
  } finally {
    await browser.close();
  }
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
if (values.readme)
  for (const name of IN_README) await copyFile(join(folder, `${name}.png`), join(root, `docs/images/${name}.png`));

async function shoot(browser: Browser, address: string, look: keyof typeof LOOKS, path: string): Promise<void> {
  const context = await browser.newContext(LOOKS[look]);
  const page = await context.newPage();
  await page.goto(address);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await sleep(REST_MS);
  await page.screenshot({ path });
  await context.close();
  console.log(path);
}

/** What is to be seen, and where: one run of each example, some that differ in one setting, a sweep, and one that still trains. */
async function train(url: string): Promise<Record<string, string>> {
  const client = new Epochd({ url });
  const trained = (spec: object): Promise<Run> => {
    assertSpec(spec);
    return client.train(spec);
  };
  const specOf = (id: string) => examples.find((example) => example.id === id)?.spec ?? {};

  const jobs = new Map<string, Run>();
  for (const { id, spec } of examples) jobs.set(id, await trained({ ...spec, metadata: { example: id } }));
  const rates = [0.1, 0.01, 0.001, 0.0001];
  const compared: Run[] = [];
  for (const lr of rates) {
    const optimizer = { type: "AdamW", lr };
    compared.push(await trained({ ...specOf("spiral"), name: `spirals, rate ${lr}`, optimizer }));
  }
  const sweep = await client.sweep({
    name: "digits",
    base: {
      model: { layers: [{ type: "Linear", out_features: 64 }, { type: "ReLU" }, { type: "Linear", out_features: 10 }] },
      loss: "CrossEntropyLoss",
      optimizer: { type: "AdamW", lr: 0.003 },
      epochs: 18,
      batch_size: 64,
      data: { builtin: "digits", preprocess: { scale: 0.0625 } },
      validation: { split: 0.2 },
      metrics: ["accuracy"],
    },
    space: {
      optimizer: {
        choice: [
          { type: "AdamW", lr: { log_uniform: [0.0003, 0.1] } },
          { type: "SGD", lr: { log_uniform: [0.003, 1] }, momentum: { uniform: [0, 0.99] } },
        ],
      },
      "model.layers[0].out_features": { log_int: [16, 128] },
      batch_size: { choice: [32, 64, 128] },
    },
    objective: { metric: "val_accuracy" },
    strategy: "tpe",
    trials: 40,
    asha: { min_epochs: 2, reduction_factor: 3 },
  });
  for (const run of [...jobs.values(), ...compared]) await run.completed();
  await sweep.ended();
  const live = await trained({ ...specOf("spiral"), name: "spirals, at length", epochs: 200_000, probes: null });
  return {
    runs: "/",
    run: `/runs/${compared[1]?.id}?smooth=0.8`,
    live: `/runs/${live.id}?log=1`,
    try: `/runs/${jobs.get("spiral")?.id}/try`,
    compare: `/compare?jobs=${compared.map(({ id }) => id).join(",")}`,
    sweep: `/compare?sweep=${sweep.id}`,
    new: "/new",
  };
}
