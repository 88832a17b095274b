/** The endings that the clients know are those of the formats that the service reads. */
import { expect, test } from "vitest";
import { FILE_TYPES, fileTypeOf, UNTOLD } from "../../src/client/file-type.ts";
import { mediaTypeOf, mediaTypes } from "../../src/data/formats.ts";

const byName = (fileName: string) => mediaTypeOf({ fileName, mediaType: UNTOLD, head: new Uint8Array(0) });

test("each as the service would tell it by the name, gzipped or not", () => {
  // A service that is told nothing more does not take any text for CSV.
  for (const ending of Object.keys(FILE_TYPES).filter((ending) => ending !== ".txt"))
    for (const name of [`x${ending}`, `X${ending.toUpperCase()}.GZ`]) expect(fileTypeOf(name)).toBe(byName(name));
  expect(fileTypeOf("x.txt")).toBe("text/csv");
  expect(fileTypeOf("x.weights")).toBeUndefined();
});

test("all formats that there are", () => {
  expect(new Set([...Object.values(FILE_TYPES), UNTOLD])).toEqual(new Set(mediaTypes));
});
