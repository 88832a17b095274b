/** The real data sets as CSV, each parted into what is trained on and what is tested on, as one would upload them. */
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { gunzipSync } from "node:zlib";
import { analyseCsv, type DataSource, type TableStatistics } from "../../src/data/index.ts";

export class MissingDataError extends Error {}

type Part = "train" | "test";

const sets: Readonly<Record<string, (part: Part) => AsyncGenerator<string>>> = {
  // Every fifth row tests: neighbours in the file were often written by one hand, so both parts have all hands.
  digits: (part) => rowsOf("digits.csv", (row) => (row % 5 === 4) === (part === "test")),
  // The parting that came with the set: "We typically train on the first 16000 items".
  letters: (part) => rowsOf("letter_recognition.csv", (row) => row >= 16_000 === (part === "test")),
  fashion: (part) => idxRows(part === "train" ? "train" : "t10k"),
};

/** Data sets are `digits-train`, `fashion-test` and the like. Throws MissingDataError for one that is not installed. */
export const dataSource: DataSource = {
  async *open(id) {
    const [name = "", part] = id.split("-");
    const rows = sets[name];
    if (!rows || (part !== "train" && part !== "test")) throw new Error(`There is no data set ${id}.`);
    for await (const row of rows(part)) yield Buffer.from(`${row}\n`);
  },
};

/** What is known of a data set at submission; found once. */
export async function statisticsOf(id: string): Promise<TableStatistics> {
  const found = known.get(id) ?? analyseCsv(await dataSource.open(id));
  known.set(id, found);
  return found;
}

const known = new Map<string, Promise<TableStatistics>>();

/** The header, and the rows (counted from 0) that `wanted` picks. */
async function* rowsOf(file: string, wanted: (row: number) => boolean): AsyncGenerator<string> {
  const path = new URL(`../../examples/data/${file}`, import.meta.url);
  let row = -1;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (row === -1 || wanted(row)) yield line;
    row++;
  }
}

const FASHION = "/usr/share/datasets/fashion-mnist";

/** Images and labels of MNIST's format (http://yann.lecun.com/exdb/mnist): big-endian sizes, then bytes. */
async function* idxRows(part: "train" | "t10k"): AsyncGenerator<string> {
  const [images, labels] = [`${part}-images-idx3-ubyte.gz`, `${part}-labels-idx1-ubyte.gz`].map((file) => {
    if (!existsSync(`${FASHION}/${file}`)) {
      throw new MissingDataError(`no ${FASHION}/${file}; on Debian: apt-get install dataset-fashion-mnist`);
    }
    return gunzipSync(readFileSync(`${FASHION}/${file}`));
  });
  if (!images || !labels) return;
  const [count, height, width] = [4, 8, 12].map((at) => images.readUInt32BE(at));
  const size = (height ?? 0) * (width ?? 0);
  yield ["label", ...Array.from({ length: size }, (_, i) => `pixel_${i}`)].join(",");
  for (let row = 0; row < (count ?? 0); row++) {
    const start = IMAGES_HEADER + row * size;
    yield `${labels[LABELS_HEADER + row]},${images.subarray(start, start + size).join(",")}`;
  }
}

const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;
