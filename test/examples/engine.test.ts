/** The engine examples, run to their end as a reader would run them. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const EXAMPLES = join(import.meta.dirname, "../../examples/engine");
const execute = promisify(execFile);

async function run(name: string): Promise<{ losses: number[]; formula: string }> {
  const { stdout } = await execute(process.execPath, [join(EXAMPLES, name)]);
  const losses = [...stdout.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
  return { losses, formula: stdout.trimEnd().split("\n").at(-1) ?? "" };
}

describe("the engine examples", () => {
  it("polynomial.ts fits a cubic to the sine", async () => {
    const { losses, formula } = await run("polynomial.ts");
    expect(losses).toHaveLength(10);
    // The best cubic leaves 8.82; the tutorial's own run ends near 9.
    expect(losses.at(-1)).toBeLessThan(15);
    expect(losses.at(-1)).toBeGreaterThan(8.8);
    expect(formula).toMatch(/^y = -?\d\.\d{4} \+ 0\.8\d+ x \+ -?\d\.\d{4} x² \+ -0\.0\d+ x³$/);
  });

  it("dynamic.ts learns although its structure changes from call to call", async () => {
    const { losses } = await run("dynamic.ts");
    expect(losses).toHaveLength(10);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 10);
  });

  it("gives the same numbers each time, chance included", async () => {
    expect(await run("dynamic.ts")).toEqual(await run("dynamic.ts"));
  });
});
