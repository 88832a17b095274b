/** Changes to a run under way: heeded between two steps, told, and repeated to the same bits. */
import { expect, test } from "vitest";
import {
  type ChangeEvent,
  type EpochEvent,
  modelWeights,
  Trainer,
  type TrainerEvent,
  type TrainingPlan,
  type Wish,
} from "../../../src/engine/index.ts";
import { backend } from "../device-of-the-tests.ts";
import { base, deterministic, train } from "./runs.ts";

type Wishes = Readonly<Record<number, Omit<Wish, "number">>>;

/** Each wish comes at so many-th look of the trainer; `stopAfter` as in runs.ts. */
function run(plan: TrainingPlan, wishes: Wishes = {}, stopAfter: readonly number[] = []) {
  const events: TrainerEvent[] = [];
  let saved: Uint8Array | null = null;
  let looks = 0;
  let told: readonly ChangeEvent[] = [];
  for (const limit of [...stopAfter, Number.POSITIVE_INFINITY]) {
    const changes = [...told.map(({ change }) => change), ...(plan.changes ?? []).slice(told.length)];
    const trainer = Trainer.create({ ...plan, changes, repeatedChanges: told.length }, backend);
    if (saved) trainer.restore(saved);
    let steps = 0;
    const outcome = trainer.run({
      onEvent: (event) => events.push(event),
      shouldStop: () => ++steps > limit,
      wishes: () => {
        const wish = wishes[++looks];
        return wish ? [{ ...wish, number: looks }] : [];
      },
    });
    told = events.filter((event) => event.type === "change");
    saved = trainer.checkpoint();
    trainer.dispose();
    if (outcome.status !== "stopped") break;
  }
  const epochs = events.filter((event): event is EpochEvent => event.type === "epoch").map(deterministic);
  return { events, told, epochs, weights: modelWeights(saved ?? new Uint8Array()) };
}

const wish = (change: Wish["change"], checkpoint = false) => ({ change, checkpoint });
const stopping = { monitor: "val_loss", patience: 2, minDelta: 10, mode: "min", restoreBest: true } as const;
const wishes: Wishes = { 4: wish({ lr: 0.05 }), 9: wish({ epochs: 8 }), 15: wish({ lr: 0.001, epochs: 12 }) };

test("a change takes effect before the next step, and is told with it", () => {
  const { events, told } = run(base, { 3: wish({ lr: 0.05 }) });
  const [change] = told;
  expect(told).toHaveLength(1);
  expect(change).toMatchObject({ number: 1, wish: 3, change: { lr: 0.05, rollbacks: 0 }, epochs: 6, steps: 42 });
  const rates = events.flatMap((event) => (event.type === "epoch" ? [event.lr] : []));
  expect(rates.slice((change?.epoch ?? 0) - 1)).toEqual(rates.slice((change?.epoch ?? 0) - 1).map(() => 0.05));
});

test.each([
  ["as it is", base],
  ["with a schedule", { ...base, scheduler: { scheduler: { type: "OneCycleLR", max_lr: 0.05 }, interval: "step" } }],
  ["eager", { ...base, mode: "eager" }],
] satisfies [string, TrainingPlan][])(
  "a run that is given the changes of another comes to the same bits %s",
  (_how, plan) => {
    const first = run(plan, wishes);
    expect(first.told).toHaveLength(3);
    const again = run({ ...plan, changes: first.told.map(({ change }) => change) });
    expect(again.weights).toEqual(first.weights);
    expect(again.epochs).toEqual(first.epochs);
    expect(again.told.map(({ change }) => change)).toEqual(first.told.map(({ change }) => change));
    expect(first.epochs).toHaveLength(12);
  },
);

test("stopping anywhere and going on repeats the changes so far", () => {
  const first = run(base, wishes, [3, 1, 7, 2, 5, 1]);
  const again = run({ ...base, changes: first.told.map(({ change }) => change) });
  expect(again.weights).toEqual(first.weights);
  expect(again.epochs).toEqual(first.epochs);
});

test("early stopping can be switched on and off", () => {
  const on = run({ ...base, epochs: 50 }, { 2: wish({ earlyStopping: stopping }) });
  expect(on.epochs.length).toBeLessThan(5);
  const repeated = run({ ...base, epochs: 50, changes: on.told.map(({ change }) => change) });
  expect([repeated.epochs, repeated.weights]).toEqual([on.epochs, on.weights]);
  const off = run({ ...base, earlyStopping: stopping }, { 2: wish({ earlyStopping: null }) });
  expect(off.epochs).toHaveLength(6);
});

test("an epoch that has begun is trained to its end, and a finished number of epochs ends the run", () => {
  const { epochs, told } = run({ ...base, epochs: 1000 }, { 20: wish({ epochs: 1 }) });
  expect(told[0]?.epochs).toBe(epochs.length);
  expect(epochs.length).toBeLessThan(20);
});

test("whoever goes on within the epoch that a planned change made the last trains it to its end", () => {
  // Steps 15 to 21 are those of the third epoch.
  const plan = { ...base, changes: [{ step: 16, rollbacks: 0, epochs: 1 }] };
  const whole = train(plan);
  expect(whole.events).toHaveLength(3);
  const first = Trainer.create(plan, backend);
  let saved: Uint8Array | undefined;
  const onEvent = ({ type }: TrainerEvent) => {
    if (type === "change") saved = first.checkpoint();
  };
  first.run({ onEvent, shouldStop: () => saved !== undefined });
  first.dispose();
  const second = Trainer.create(plan, backend);
  second.restore(saved ?? new Uint8Array());
  expect(second.run({ onEvent: () => {}, shouldStop: () => false })).toEqual({ status: "completed", epoch: 3 });
  second.dispose();
});

test("a checkpoint that is asked for comes at once and changes nothing", () => {
  const asked = run(base, { 3: wish({}, true) });
  expect(asked.told).toEqual([]);
  expect(asked.events.filter(({ type }) => type === "checkpoint")).toMatchObject([{ wish: 3 }]);
  expect(asked.weights).toEqual(run(base).weights);
});
