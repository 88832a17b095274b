/** Images and their labels in MNIST's format (http://yann.lecun.com/exdb/mnist) as rows of a CSV. */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

export class MissingDataError extends Error {}

/** Big-endian: a magic number, then count, height and width of images, or count of labels; then bytes. */
const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;

/** The header, then `label,pixel,…` of each image of `PREFIX-images-idx3-ubyte.gz`. Throws MissingDataError. */
export function* idxRows(folder: string, prefix: string): Generator<string> {
  const images = read(`${folder}/${prefix}-images-idx3-ubyte.gz`);
  const labels = read(`${folder}/${prefix}-labels-idx1-ubyte.gz`);
  const count = images.readUInt32BE(4);
  const size = images.readUInt32BE(8) * images.readUInt32BE(12);
  yield ["label", ...Array.from({ length: size }, (_, i) => `pixel_${i}`)].join(",");
  for (let row = 0; row < count; row++) {
    const start = IMAGES_HEADER + row * size;
    yield `${labels[LABELS_HEADER + row]},${images.subarray(start, start + size).join(",")}`;
  }
}

function read(path: string): Buffer {
  if (!existsSync(path)) throw new MissingDataError(`There is no ${path}.`);
  return gunzipSync(readFileSync(path));
}
