/**
 * Random jobs, trained here and by the PyTorch of this machine from the same weights, must have the same losses.
 *
 *     PYTHON=python3 npm run test:parity                     # skipped where that python has no PyTorch
 *     EPOCHD_PARITY_SEED=7 EPOCHD_PARITY_RUNS=1000 …         # as another run did, or more than the usual 240
 *     EPOCHD_PARITY_SEED=7 EPOCHD_PARITY_ONLY=31 …           # one spec alone
 *
 * A job can't be compared where PyTorch's own float32 and float64 disagree, or where weights and gradients disturbed by
 * what float32 rounds off lead PyTorch elsewhere: such a one is skipped, and so is what an older PyTorch does not have.
 */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createWasmBackend, type EpochEvent, Trainer, type TrainerOutcome } from "../../src/engine/index.ts";
import { checkSpec, createPlan, prepareJobData } from "../../src/spec/index.ts";
import { difference, type Tolerance } from "../engine/golden/closeness.ts";
import { python } from "../python.ts";
import { type DrawnSpec, drawSpec, typesOf } from "./draw-spec.ts";
import { type Curve, startTorchPeer } from "./torch-peer.ts";

const { env } = process;
const seed = Number(env["EPOCHD_PARITY_SEED"] ?? Math.floor(Math.random() * 1e6));
const runs = Number(env["EPOCHD_PARITY_RUNS"] ?? 240);
const only = env["EPOCHD_PARITY_ONLY"];
const numbers = only === undefined ? Array.from({ length: runs }, (_, i) => i) : [Number(only)];

/** Of the losses: what is promised. Small losses are differences of larger numbers. */
const toleranceOf = (spec: DrawnSpec): Tolerance => {
  const long = ["RNN", "LSTM", "GRU", "MultiheadAttention", "TransformerEncoderLayer"];
  const rtol = typesOf(spec.model.layers).some((type) => long.includes(type)) ? 1e-3 : 1e-4;
  return { rtol, atol: rtol / 100 };
};
const fifth = ({ rtol, atol }: Tolerance): Tolerance => ({ rtol: rtol / 5, atol: atol / 5 });

const peer = await startTorchPeer(python);
const title = `${numbers.length} random jobs against PyTorch ${peer?.version}, seed ${seed}`;
console.log(
  peer
    ? `Drawing ${title}. EPOCHD_PARITY_SEED=${seed} repeats them.`
    : `${python} has no PyTorch: no random jobs are compared. PYTHON names another.`,
);

test.skipIf(peer !== null)("random jobs against PyTorch, which is not installed", ({ skip }) => skip());

describe.skipIf(peer === null)(title, () => {
  let compared = 0;
  let comparable = 0;
  afterAll(() => peer?.close());

  test.for(peer ? numbers : [])("number %i", async (number, { skip }) => {
    const spec = drawSpec(seed * 100_003 + number);
    const tolerance = toleranceOf(spec);
    const answer = await peer?.train(spec);
    if (!answer) throw new Error("There is no PyTorch to ask.");
    if ("unsupported" in answer) return skip(answer.unsupported);
    comparable++;
    if ("error" in answer)
      throw new Error(`PyTorch refuses what the engine drew: ${answer.error}\n${told(spec, number)}`);
    const theirs = numbersOf(answer.float32);
    const exact = numbersOf(answer.float64);
    if (!exact.every(Number.isFinite)) return skip("diverges");
    if (difference(theirs, exact, fifth(tolerance)) !== null) return skip("float32 and float64 disagree");

    const ours = numbersOf(await train(spec, number));
    const wrong = difference(ours, theirs, tolerance);
    if (wrong !== null) {
      const again = await peer?.train(spec, 5);
      const nearby = again && "nearby" in again ? again.nearby.map(numbersOf) : [];
      if (nearby.some((curve) => difference(curve, exact, fifth(tolerance)) !== null)) return skip("rounding decides");
      expect.fail(`${wrong}\nours    ${ours.join(" ")}\nPyTorch ${theirs.join(" ")}\n${told(spec, number)}`);
    }
    compared++;
  });

  test.skipIf(peer === null || only !== undefined)("most of them could be compared", () => {
    console.log(`${compared} of ${runs} random jobs were compared; this PyTorch knows ${comparable} of them.`);
    expect(compared / comparable).toBeGreaterThan(0.9);
  });
});

const backends = { fast: await createWasmBackend(), strict: await createWasmBackend({ numerics: "strict" }) };

/** The way that a job takes: check, data, plan, trainer. */
async function train(spec: DrawnSpec, number: number): Promise<Curve> {
  const nothing = { dataset: () => Promise.resolve(null), open: () => Promise.reject(new Error("no data sets here")) };
  const checked = await checkSpec(spec, nothing);
  if (!checked.ok) throw new Error(`The spec was refused: ${JSON.stringify(checked.errors)}\n${told(spec, number)}`);
  const plan = createPlan(checked.spec, await prepareJobData(checked.spec, nothing));
  const trainer = Trainer.create(plan, backends[checked.spec.numerics]);
  const epochs: EpochEvent[] = [];
  const outcome: TrainerOutcome = trainer.run({
    onEvent: (event) => {
      if (event.type === "epoch") epochs.push(event);
    },
    shouldStop: () => false,
  });
  trainer.dispose();
  if (outcome.status !== "completed") throw new Error(`${JSON.stringify(outcome)}\n${told(spec, number)}`);
  return epochs.map(({ loss, val_loss }) => ({ loss, val_loss }));
}

/** All losses of a run in one list; one that is not finite is NaN. */
const numbersOf = (curve: Curve): number[] =>
  curve
    .flatMap(({ loss, val_loss }) => (val_loss === undefined ? [loss] : [loss, val_loss]))
    .map((it) => it ?? Number.NaN);

/** What a person needs to repeat it: the command, the spec without its numbers, and where all of it lies. */
function told(spec: DrawnSpec, number: number): string {
  const path = join(tmpdir(), `epochd-parity-${seed}-${number}.json`);
  writeFileSync(path, JSON.stringify(spec));
  const { data: _data, validation, model, ...settings } = spec;
  const short = { ...settings, layers: model.layers, validation: validation !== null };
  return `EPOCHD_PARITY_SEED=${seed} EPOCHD_PARITY_ONLY=${number} repeats it; all of it is in ${path}\n${JSON.stringify(short)}`;
}
