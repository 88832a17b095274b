import fc from "fast-check";
import { expect, test } from "vitest";
import { Columns } from "../../../src/dashboard/series/columns.ts";
import { Series } from "../../../src/dashboard/series/series.ts";
import { Smoothed } from "../../../src/dashboard/series/smoothed.ts";
import { slotPositions, steadyEnd, trace } from "../../../src/dashboard/series/trace.ts";

const numbers = (maxLength: number) =>
  fc.array(fc.oneof({ weight: 9, arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }) }, fc.constant(null)), {
    maxLength,
  });

test("a series gives back what was pushed, however long it has grown", () => {
  const series = new Series(2);
  for (let i = 0; i < 1000; i++) series.push(i % 7 === 0 ? null : i);
  expect(series.length).toBe(1000);
  expect([series.at(0), series.at(1), series.last, series.at(1000)]).toEqual([Number.NaN, 1, 999, Number.NaN]);
});

test("whatever the pieces, a visit sees every number once: the least and the greatest of all are among those it tells", () => {
  fc.assert(
    fc.property(
      numbers(3000),
      fc.nat(3000),
      fc.nat(3000),
      fc.integer({ min: 0, max: 2000 }),
      (values, a, b, longest) => {
        const series = Series.of(values);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const told: number[] = [];
        let next = from;
        series.visit(from, to, longest, (at, over, least, greatest) => {
          expect([at, over - at <= Math.max(1, longest)]).toEqual([next, true]);
          next = over;
          for (const index of [least, greatest]) if (index !== -1) told.push(series.at(index));
        });
        expect(next).toBe(Math.max(from, Math.min(to, values.length)));
        const given = values.slice(from, to).filter((value) => value !== null);
        expect(Math.min(...told)).toBe(Math.min(...given));
        expect(Math.max(...told)).toBe(Math.max(...given));
      },
    ),
    { numRuns: 60 },
  );
});

test("the nearest of a rising series is found", () => {
  const series = Series.of([0, 10, 20, 40]);
  expect([-5, 4, 6, 15, 31, 99].map((value) => series.nearest(value))).toEqual([0, 0, 1, 1, 3, 3]);
  expect(new Series().nearest(1)).toBe(-1);
});

test("a curve with more points than pixels keeps its highest and its lowest in each of them", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 10, max: 300 }),
      fc.nat(),
      (length, pixels, salt) => {
        const y = Series.of(Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + salt) * 43758));
        const x = Series.of(Array.from({ length }, (_, i) => i));
        const slots: (number | null)[] = [];
        trace(x, y, { from: 0, to: length, pixels }, slots);
        const drawn = slots.filter((value) => value !== null);
        expect(slots).toHaveLength(2 * pixels);
        expect(Math.max(...drawn)).toBe(Math.max(...y));
        expect(Math.min(...drawn)).toBe(Math.min(...y));
      },
    ),
    { numRuns: 40 },
  );
});

test("a curve with few points has each of them at its place", () => {
  const slots: (number | null)[] = [];
  const frame = { from: 0, to: 10, pixels: 100 };
  trace(Series.of([0, 5, 10]), Series.of([1, 2, 3]), frame, slots);
  const places = slotPositions(frame);
  const drawn = slots.flatMap((value, i) => (value === null ? [] : [[Math.round(places[i] ?? -1), value]]));
  expect(drawn).toEqual([
    [0, 1],
    [5, 2],
    [10, 3],
  ]);
});

test("a line between two points outside of the frame is drawn through it", () => {
  const slots: (number | null)[] = [];
  trace(Series.of([0, 100]), Series.of([0, 100]), { from: 40, to: 60, pixels: 10 }, slots);
  expect([slots[0], slots.at(-1)]).toEqual([40, 60]);
});

test("an average is the same whether it grew or was made at once", () => {
  fc.assert(
    fc.property(numbers(300), fc.double({ min: 0, max: 0.999, noNaN: true }), (values, weight) => {
      const raw = new Series();
      const grown = new Smoothed(raw);
      for (const value of values) {
        raw.push(value);
        grown.update(weight);
      }
      expect([...grown.update(weight)]).toEqual([...new Smoothed(raw).update(weight)]);
    }),
  );
});

test("an average of equal numbers is that number from the start, and one without weight is the curve", () => {
  const raw = Series.of([4, 4, null, 4]);
  const flat = [...new Smoothed(raw).update(0.9)];
  expect(flat.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([4, 4, Number.NaN, 4]);
  expect([...new Smoothed(raw).update(0)]).toEqual([4, 4, Number.NaN, 4]);
});

test("the least and the greatest are known, and forgotten with the numbers", () => {
  fc.assert(
    fc.property(numbers(300), (values) => {
      const series = Series.of(values);
      const given = values.filter((value) => value !== null);
      const { least, greatest } = series.extremes();
      expect(least).toBe(given.length === 0 ? -1 : values.indexOf(Math.min(...given)));
      expect(greatest).toBe(given.length === 0 ? -1 : values.indexOf(Math.max(...given)));
      series.clear();
      expect([series.extremes(), series.someNumber]).toEqual([{ least: -1, greatest: -1 }, false]);
    }),
  );
});

test("the end of a curve that grows stays for many points, less than two pixels behind the last", () => {
  const ends = new Set<number>();
  for (let to = 100_000; to < 101_000; to++) {
    const end = steadyEnd({ from: 1, to, pixels: 1000 });
    expect(end).toBeGreaterThanOrEqual(to);
    expect(end - to).toBeLessThan(2 * ((to - 1) / 1000));
    ends.add(end);
  }
  expect(ends.size).toBeLessThan(10);
  // A few epochs end at the last of them.
  for (let to = 2; to < 500; to++) expect(steadyEnd({ from: 1, to, pixels: 1000 })).toBe(to);
  // In large numbers nothing is lost by rounding.
  const large = 2 ** 53 - 2;
  expect(steadyEnd({ from: large - 1, to: large, pixels: 1000 })).toBe(large);
});

test("columns reach as far as the line in each pixel, and no further", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 9, noNaN: true }), fc.double({ min: -50, max: 50, noNaN: true })), {
        minLength: 1,
        maxLength: 60,
      }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, width, thickness) => {
        const points: { x: number; y: number }[] = [];
        for (const [step, y] of steps) points.push({ x: (points.at(-1)?.x ?? -20) + step, y });
        const columns = new Columns(width);
        const thick = new Columns(width, thickness);
        for (const point of points) for (const line of [columns, thick]) line.lineTo(point.x, point.y);
        const found = new Map<number, [number, number]>();
        columns.visit((column, low, high) => found.set(column, [low, high]));
        thick.visit((column, low, high) => {
          const [from, to] = [column - (thickness >> 1), column + ((thickness - 1) >> 1)];
          const near = [...found].filter(([other]) => from <= other && other <= to).map(([, range]) => range);
          expect([low, high]).toEqual([
            Math.min(...near.map(([low]) => low)),
            Math.max(...near.map(([, high]) => high)),
          ]);
        });
        for (let column = 0; column < width; column++) {
          // Points of the line in the column: those that were given, and where it crosses its edges.
          const inside = points.filter((point) => Math.floor(point.x) === column).map(({ y }) => y);
          for (const [i, to] of points.entries()) {
            const from = points[i - 1];
            if (!from || from.x === to.x) continue;
            for (const edge of [column, column + 1])
              if (from.x <= edge && edge <= to.x)
                inside.push(from.y + ((to.y - from.y) * (edge - from.x)) / (to.x - from.x));
          }
          const [low, high] = found.get(column) ?? [Number.NaN, Number.NaN];
          if (inside.length === 0) expect(found.has(column)).toBe(false);
          else if (points.some((point) => Math.floor(point.x) >= column)) {
            expect(low).toBeCloseTo(Math.min(...inside), 6);
            expect(high).toBeCloseTo(Math.max(...inside), 6);
          }
        }
      },
    ),
  );
});
