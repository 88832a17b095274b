/** Bodies of uploads: files of every format, whole ones and such as are a little or wholly broken. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { encodeSafetensors } from "../../src/engine/index.ts";
import { idx, npy, zip } from "../data/arrays/arrays-of-the-tests.ts";
import { fixture } from "../interchange/fixture.ts";
import { hostileText } from "./hostile.ts";

export interface UploadBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const matrix = npy("<f4", [4, 2], new Float32Array([0, 1, 2, 3, 4, 5, 6, 7]));
const labels = npy("<i4", [4], new Int32Array([0, 1, 0, 1]));
const table = parquetWriteBuffer({
  columnData: [
    { name: "a", data: [1.5, null, 3], type: "DOUBLE", nullable: true },
    { name: "city", data: ["Rome", "Oslo", "Rome"], type: "STRING" },
  ],
});

const FILES: readonly (readonly [type: string, content: Buffer])[] = [
  ["text/csv", Buffer.from("a,b,label\n1,2,x\n3,4,y\n5,,x\n")],
  ["text/csv", Buffer.from('"a ""b""";c\n"1\n2";3\n')],
  ["application/x-ndjson", Buffer.from('{"a":1,"b":[1,2]}\n{"a":null,"b":[3,4]}\n')],
  ["application/vnd.apache.parquet", Buffer.from(table)],
  ["application/x-npy", matrix],
  ["application/x-npz", zip({ "x.npy": matrix, "y.npy": labels }, true)],
  ["application/x-npz", zip({ "x.npy": matrix, "y.npy": labels })],
  ["application/x-idx", idx(8, [4, 2, 2], new Uint8Array(16))],
];

const textFile = fc
  .tuple(
    fc.constantFrom(",", ";", "\t"),
    fc.array(hostileText, { minLength: 1, maxLength: 4 }),
    fc.array(fc.array(hostileText, { maxLength: 4 }), { maxLength: 5 }),
  )
  .map(([delimiter, header, rows]) => Buffer.from([header, ...rows].map((cells) => cells.join(delimiter)).join("\n")));

const jsonLines = fc
  .array(
    fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.dictionary(hostileText, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })),
    { maxLength: 4 },
  )
  .map((lines) => Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n")));

const content: fc.Arbitrary<readonly [string, Buffer]> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...FILES) },
  { weight: 2, arbitrary: textFile.map((bytes) => ["text/csv", bytes] as const) },
  { weight: 1, arbitrary: jsonLines.map((bytes) => ["application/x-ndjson", bytes] as const) },
);

/** Where, how much of it, how, and with what. */
const HARM = [
  fc.nat(),
  fc.integer({ min: 1, max: 8 }),
  fc.constantFrom("fill", "cut", "end", "double"),
  fc.uint8Array({ maxLength: 8 }),
] as const;

/** A byte changed, a piece cut out, doubled, or filled with others. */
function harmedBytes(bytes: Buffer, at: number, length: number, how: string, filling: Uint8Array): Buffer {
  const start = at % (bytes.length + 1);
  const end = Math.min(bytes.length, start + length);
  const [before, piece, after] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
  if (how === "cut") return Buffer.concat([before, after]);
  if (how === "end") return before;
  if (how === "double") return Buffer.concat([before, piece, piece, after]);
  return Buffer.concat([before, filling, after]);
}

const file = fc
  .tuple(content, fc.boolean(), ...HARM)
  .map(([[type, bytes], whole, ...harm]) => [type, whole ? bytes : harmedBytes(bytes, ...harm)] as const);

const MEDIA_TYPES = [
  ...new Set(FILES.map(([type]) => type)),
  "application/octet-stream",
  "application/pdf",
  "text/csv; charset=utf-16",
  "",
  "x",
];

const single: fc.Arbitrary<UploadBody> = fc
  .tuple(
    file,
    fc.option(fc.constantFrom(...MEDIA_TYPES), { freq: 8 }),
    fc.constantFrom("", "", "", "gzip", "gzip, twice", "not gzip", "br"),
  )
  .map(([[type, bytes], other, packing]) => {
    const packed = packing.startsWith("gzip") ? gzipSync(bytes) : bytes;
    const encoding = packing === "" ? {} : { "content-encoding": packing === "br" ? "br" : "gzip" };
    return {
      headers: { "content-type": other ?? type, ...encoding },
      body: packing === "gzip, twice" ? gzipSync(packed) : packed,
    };
  });

const form: fc.Arbitrary<UploadBody> = fc
  .tuple(
    fc.array(fc.tuple(file, hostileText, hostileText, fc.boolean()), { maxLength: 3 }),
    fc.constantFrom("b", "b", "b", "other", ""),
    fc.boolean(),
  )
  .map(([parts, boundary, ends]) => {
    const header = (text: string): string => text.replaceAll(/[\r\n"]/g, "_");
    const body = parts.flatMap(([[type, bytes], field, fileName, named]) => [
      `--b\r\ncontent-disposition: form-data; name="${header(field)}"${named ? `; filename="${header(fileName)}"` : ""}\r\ncontent-type: ${type}\r\n\r\n`,
      bytes,
      "\r\n",
    ]);
    return {
      headers: { "content-type": `multipart/form-data${boundary === "" ? "" : `; boundary=${boundary}`}` },
      body: Buffer.concat([...body, ends ? "--b--\r\n" : ""].map((piece) => Buffer.from(piece))),
    };
  });

const weights = encodeSafetensors(
  new Map([
    ["0.weight", { shape: [4, 2], data: new Float32Array(8) }],
    ["0.bias", { shape: [4], data: new Float32Array(4) }],
  ]),
);

const MODELS: readonly (readonly [type: string, content: Buffer])[] = [
  ["application/octet-stream", Buffer.from(weights)],
  [
    "text/plain",
    Buffer.from("Sequential(\n  (0): Linear(in_features=2, out_features=4, bias=True)\n  (1): ReLU()\n)\n"),
  ],
  ["application/json", fixture("keras.json")],
  ["text/plain", fixture("images.txt")],
  ["application/onnx", fixture("images.onnx")],
];

/** Weights and architectures. */
export const modelBody: fc.Arbitrary<UploadBody> = fc
  .tuple(fc.constantFrom(...MODELS), fc.nat({ max: 3 }), ...HARM)
  .map(([[type, bytes], times, at, length, how, filling]) => {
    const body = Array.from({ length: times }).reduce<Buffer>(
      (harmed, _, i) => harmedBytes(harmed, at * (i + 1), length, how, filling),
      bytes,
    );
    return { headers: { "content-type": type }, body };
  });

export const uploadBody: fc.Arbitrary<UploadBody> = fc.oneof(
  { weight: 3, arbitrary: single },
  { weight: 1, arbitrary: form },
);
