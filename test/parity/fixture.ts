/** A spec, the data it names, and what real PyTorch made of it (scripts/fixtures/make_parity.py). */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { analyseCsv, csvBlocks, type DataSource } from "../../src/data/index.ts";
import type { CheckContext } from "../../src/spec/index.ts";

const FOLDER = new URL("../fixtures/parity/", import.meta.url);
const CSV_FOLDER = new URL("../../examples/data/", import.meta.url);

export interface ExpectedEpoch {
  readonly loss: number;
  readonly val_loss?: number;
  readonly accuracy?: number;
  readonly val_accuracy?: number;
}

export type NestedNumbers = number | readonly NestedNumbers[];

export interface Fixture {
  readonly torch: string;
  /** Which rows of which file a dataset_id stands for; all of them in the file's order when `rows` is left out. */
  readonly datasets: Readonly<Record<string, { readonly csv: string; readonly rows?: readonly number[] }>>;
  readonly spec: {
    readonly name: string;
    readonly epochs: number;
    readonly model: { readonly layers: readonly unknown[] };
    readonly [field: string]: unknown;
  };
  readonly expected: {
    readonly epochs: readonly ExpectedEpoch[];
    readonly weights: Readonly<Record<string, NestedNumbers>>;
  };
}

export function readFixtures(): Fixture[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json.gz"));
  return files.map((name) => JSON.parse(gunzipSync(readFileSync(new URL(name, FOLDER))).toString()));
}

/** The fixture's data sets as the service would find them: uploaded CSVs, with their statistics. */
export function datasetsOf(fixture: Fixture): CheckContext & DataSource {
  return {
    dataset: (id) => (id in fixture.datasets ? analyseCsv(csvBytes(fixture, id)) : Promise.resolve(null)),
    open: (id) => csvBlocks(csvBytes(fixture, id)),
  };
}

async function* csvBytes(fixture: Fixture, id: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(csvOf(fixture, id));
}

/** A data set's file. */
export function csvOf(fixture: Fixture, id: string): string {
  const source = fixture.datasets[id];
  if (!source) throw new Error(`The fixture ${fixture.spec.name} has no data set ${id}.`);
  const [header, ...rows] = readFileSync(new URL(source.csv, CSV_FOLDER), "utf8").trimEnd().split(/\r?\n/);
  const taken = source.rows ? source.rows.map((i) => rows[i]) : rows;
  return `${[header, ...taken].join("\n")}\n`;
}
