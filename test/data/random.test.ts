/** Random numbers of splits and generated sets. */
import { expect, test } from "vitest";
import { philox, RandomStream } from "../../src/data/random.ts";

test("Philox gives the known answers of Random123", () => {
  const block = new Uint32Array(4);
  philox(block, 0, 0, 0, 0, 0, 0);
  expect([...block]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  philox(block, ones, ones, ones, ones, ones, ones);
  expect([...block]).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  philox(block, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0);
  expect([...block]).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
});

test("a stream depends on its seed and name alone", () => {
  const draw = (seed: number, name: string): number[] => {
    const stream = new RandomStream(seed, name);
    return Array.from({ length: 6 }, () => stream.word());
  };
  expect(draw(7, "a")).toEqual(draw(7, "a"));
  expect(draw(7, "a")).not.toEqual(draw(8, "a"));
  expect(draw(7, "a")).not.toEqual(draw(7, "b"));
  expect(draw(7, "a")).not.toEqual(draw(7 + 2 ** 32, "a"));
});

test("normal numbers have the mean and spread asked for", () => {
  const stream = new RandomStream(1, "normal");
  const values = Array.from({ length: 20_000 }, () => stream.normal(3, 2));
  const mean = values.reduce((a, b) => a + b) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  expect(mean).toBeCloseTo(3, 1);
  expect(std).toBeCloseTo(2, 1);
});

test("a permutation holds every index once, and not in order", () => {
  const order = new RandomStream(1, "order").permutation(100);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
});
