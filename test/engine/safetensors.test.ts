/** The safetensors format, in and out. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../src/engine/index.ts";
import { headerEnd } from "../../src/engine/safetensors.ts";

test("whatever goes in comes out", () => {
  const data = fc.oneof(
    fc.float32Array({ maxLength: 20 }),
    fc.int32Array({ maxLength: 20 }),
    fc.float64Array({ maxLength: 20 }),
  );
  const name = fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((text) => text !== "__metadata__" && text !== "__proto__");
  fc.assert(
    fc.property(fc.dictionary(name, data), fc.dictionary(name, fc.string()), (values, metadata) => {
      const tensors = new Map(Object.entries(values).map(([key, it]) => [key, { shape: [it.length], data: it }]));
      const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata));
      expect(Object.entries(decoded.metadata)).toEqual(Object.entries(metadata));
      // As the format wants it: data at a multiple of eight bytes.
      expect(headerEnd(encodeSafetensors(tensors, metadata)) % 8).toBe(0);
      expect(new Map([...decoded.tensors].sort())).toEqual(new Map([...tensors].sort()));
    }),
  );
});

test("a file cut short anywhere is refused", () => {
  const whole = encodeSafetensors(new Map([["w", { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]]));
  for (let length = 0; length < whole.length; length++) {
    expect(() => decodeSafetensors(whole.subarray(0, length))).toThrow("not a whole safetensors file");
  }
});

test("bytes in a Node Buffer at any offset are read as they are", () => {
  const whole = encodeSafetensors(new Map([["w", { shape: [2], data: Float32Array.of(1.5, -2) }]]));
  const shifted = Buffer.concat([Buffer.from([0, 0, 0]), whole]).subarray(3);
  expect(decodeSafetensors(shifted).tensors.get("w")?.data).toEqual(Float32Array.of(1.5, -2));
});

test("a dtype that can't be read is named with its tensor", () => {
  const header = JSON.stringify({ w: { dtype: "F8_E4M3", shape: [1], data_offsets: [0, 1] } });
  const bytes = new Uint8Array(8 + header.length + 2);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  expect(() => decodeSafetensors(bytes)).toThrow("Tensor w has dtype F8_E4M3");
});

test("half precision and whole numbers become float32", () => {
  const halves = [0x3c00, 0xc100, 0x0001, 0x7bff, 0x0000];
  const header = JSON.stringify({
    half: { dtype: "F16", shape: [5], data_offsets: [0, 10] },
    brain: { dtype: "BF16", shape: [2], data_offsets: [10, 14] },
    count: { dtype: "I64", shape: [], data_offsets: [14, 22] },
  });
  const bytes = new Uint8Array(8 + header.length + 22);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  [...halves, 0x3fc0, 0xc000].forEach((bits, i) => void view.setUint16(8 + header.length + 2 * i, bits, true));
  view.setBigInt64(8 + header.length + 14, 12n, true);
  const { tensors } = decodeSafetensors(bytes);
  expect(tensors.get("half")?.data).toEqual(Float32Array.of(1, -2.5, 2 ** -24, 65504, 0));
  expect(tensors.get("brain")?.data).toEqual(Float32Array.of(1.5, -2));
  expect(tensors.get("count")).toEqual({ shape: [], data: Float32Array.of(12) });
});
