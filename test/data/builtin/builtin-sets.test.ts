/** The data sets that need no upload. */
import { describe, expect, test } from "vitest";
import { builtinNames, builtinStatistics, loadBuiltin } from "../../../src/data/builtin/builtin-sets.ts";

async function points(choice: Parameters<typeof loadBuiltin>[0]): Promise<number[][]> {
  const { inputs, targets } = await loadBuiltin(choice);
  return Array.from({ length: inputs.rows }, (_, i) => [
    ...inputs.values.slice(i * inputs.width, (i + 1) * inputs.width),
    targets.values[i] ?? Number.NaN,
  ]);
}

test.each(builtinNames)("%s has rows, names and a target for each", async (builtin) => {
  const { inputs, targets, sampleShape } = await loadBuiltin({ builtin });
  expect(inputs.rows).toBeGreaterThan(100);
  expect(targets.rows).toBe(inputs.rows);
  expect(sampleShape).toEqual([inputs.width]);
});

test("four samples of xor without noise are the classic table", async () => {
  const rows = await points({ builtin: "xor", samples: 4, noise: 0 });
  expect(rows.sort()).toEqual([
    [0, 0, 0],
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 0],
  ]);
});

test("moons lie where scikit-learn's make_moons(4, noise=0) puts them", async () => {
  const rows = await points({ builtin: "moons", samples: 4, noise: 0 });
  const rounded = rows.map((row) => row.map((value) => Math.round(value * 1e6) / 1e6 + 0));
  expect(rounded.sort()).toEqual([
    [-1, 0, 0],
    [0, 0.5, 1],
    [1, 0, 0],
    [2, 0.5, 1],
  ]);
});

test("circles have the radii 1 and 0.8", async () => {
  for (const [x = 0, y = 0, label] of await points({ builtin: "circles", samples: 50, noise: 0 })) {
    expect(Math.hypot(x, y)).toBeCloseTo(label === 0 ? 1 : 0.8, 12);
  }
});

test("blobs without noise are three points", async () => {
  const rows = await points({ builtin: "blobs", samples: 30, noise: 0 });
  expect(new Set(rows.map((row) => row.join())).size).toBe(3);
});

test("sine's noise is in the target alone", async () => {
  for (const [x = 0, y = 0] of await points({ builtin: "sine", samples: 50, noise: 0 })) expect(y).toBe(Math.sin(x));
  const noisy = await points({ builtin: "sine", samples: 50, noise: 1 });
  expect(noisy.every(([x = 0, y = 0]) => y !== Math.sin(x))).toBe(true);
});

describe.each(["xor", "moons", "circles", "spiral", "blobs", "sine"] as const)("%s", (builtin) => {
  test("depends on its seed alone", async () => {
    const draw = (seed: number) => points({ builtin, samples: 20, noise: 0.1, seed });
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });
});

test("the classic files are whole", async () => {
  const sizes = await Promise.all(
    (["iris", "digits", "breast_cancer", "diabetes", "house_votes"] as const).map(async (name) => {
      const statistics = await builtinStatistics(name);
      return [statistics?.rows, statistics?.columns.length];
    }),
  );
  expect(sizes).toEqual([
    [150, 5],
    [1797, 65],
    [569, 31],
    [442, 11],
    [435, 17],
  ]);
});

test("a classic file takes no samples", async () => {
  await expect(loadBuiltin({ builtin: "iris", samples: 10 })).rejects.toThrow(
    '"iris" is a fixed set of rows and takes no samples',
  );
});
