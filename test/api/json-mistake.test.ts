import fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonMistake } from "../../src/api/json-mistake.ts";

test("what JSON.parse takes has no mistake", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(findJsonMistake(text)).toBeNull();
    }),
  );
});

test("what JSON.parse refuses has one, no later than where V8 says, if it says", () => {
  const broken = fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.constantFrom("", ",", "}", "]", "'", '"', "x", "\n", "\\", "NaN", ":", "1"),
    )
    .map(([text, at, change]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + change + text.slice(change === "" ? place + 1 : place);
    });
  fc.assert(
    fc.property(broken, (text) => {
      const message = parseError(text);
      const mistake = findJsonMistake(text);
      expect(mistake === null).toBe(message === null);
      const told = /\(line (\d+) column (\d+)\)/.exec(message ?? "");
      if (!told || !mistake) return;
      // The word, string or number at fault is blamed as a whole, from where it starts; V8 looks into it.
      const start = offsetOf(text, mistake.line, mistake.column);
      const end = offsetOf(text, Number(told[1]), Number(told[2]));
      expect(start).toBeLessThanOrEqual(end);
      expect(text.slice(start, end)).toMatch(/^(?:"|[\w$.+-]*$)/);
    }),
    { numRuns: 2000 },
  );
});

function offsetOf(text: string, line: number, column: number): number {
  const before = text.split("\n").slice(0, line - 1);
  return before.reduce((sum, { length }) => sum + length + 1, 0) + column - 1;
}

function parseError(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return String(error);
  }
}
