/** What is learned, from which spec, and how well it has to be done. */
import { readFileSync } from "node:fs";
import type { Examples, TrainingPlan } from "../../src/engine/index.ts";
import { checkSpec, createPlan, prepareJobData } from "../../src/spec/index.ts";
import { dataSource, statisticsOf } from "./data-sets.ts";
import type { Score } from "./score.ts";
import { ALPHABET_SIZE, bigramBits, partText, windowsOf } from "./text.ts";

export interface Task {
  readonly name: string;
  /** `choose`: test on a part of the training data, so that the test data stay unseen while numbers are chosen. */
  prepare(choose: boolean): Promise<PreparedTask>;
}

export interface PreparedTask {
  readonly title: string;
  readonly parameters: number;
  readonly plan: TrainingPlan;
  readonly test: Examples;
  readonly goal: Goal;
}

export interface Goal {
  readonly text: string;
  show(score: Score): string;
  reached(score: Score): boolean;
}

const accuracy = (asked: number): Goal => ({
  text: `accuracy ≥ ${asked}`,
  show: (score) => `accuracy ${score.accuracy.toFixed(4)}`,
  reached: (score) => score.accuracy >= asked,
});

const fewerBits = (bigram: number): Goal => ({
  text: `bits per character < ${bigram.toFixed(3)} of a bigram model`,
  show: (score) => `${score.bits.toFixed(3)} bits per character`,
  reached: (score) => score.bits < bigram,
});

const table = (name: string, asked: number): Task => ({
  name,
  prepare: async (choose) =>
    prepare(choose ? { ...read(name), validation: { split: 0.2 } } : read(name), accuracy(asked)),
});

const WINDOW = 64;

const text = (name: string): Task => ({
  name,
  async prepare(choose) {
    const parts = partText(choose);
    const test = windowsOf(parts.test, WINDOW);
    const bigram = bigramBits(parts.train, test, ALPHABET_SIZE);
    const data = { inline: windowsOf(parts.train, WINDOW) };
    return prepare({ ...read(name), data, validation: { inline: test } }, fewerBits(bigram));
  },
});

export const TASKS: readonly Task[] = [
  table("digits-cnn", 0.985),
  table("letters-mlp", 0.95),
  table("fashion-mlp", 0.885),
  table("fashion-cnn", 0.91),
  text("text-gru"),
  text("text-transformer"),
];

function read(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`specs/${name}.json`, import.meta.url), "utf8"));
}

/** As a job is submitted and started; but what would be its validation data is kept for one test at the end. */
async function prepare(given: Record<string, unknown>, goal: Goal): Promise<PreparedTask> {
  const check = await checkSpec(given, { dataset: statisticsOf });
  if (!check.ok) throw new Error(`The spec is refused: ${JSON.stringify(check.errors, null, 2)}`);
  const { spec, summary } = check;
  const { validation: test, ...prepared } = await prepareJobData(spec, dataSource);
  if (!test) throw new Error("The spec has no data to test on.");
  return { title: spec.name ?? "", parameters: summary.parameters, plan: createPlan(spec, prepared), test, goal };
}
