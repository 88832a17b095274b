import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

// Below the repository, so that the little suites find vitest where node looks for it.
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(root, "node_modules", ".tally-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(name: string, files: Record<string, string>, config = "") {
  const suite = mkdtempSync(join(folder, `${name}-`));
  for (const [file, body] of Object.entries(files)) {
    writeFileSync(join(suite, file), `import { beforeAll, describe, expect, it } from "vitest";\n${body}`);
  }
  writeFileSync(
    join(suite, "vitest.config.ts"),
    `export default { test: { reporters: ["default", ${JSON.stringify(join(root, "test/reporter.ts"))}], ${config} } };`,
  );
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const { status, stdout } = spawnSync(process.execPath, [vitest, "run", "--root", suite], { encoding: "utf8" });
  return { code: status, output: stdout, lastLine: stdout.trimEnd().split("\n").at(-1) ?? "" };
}

describe("the last line of a test run", () => {
  it("counts what passed, failed and was skipped", () => {
    const { code, lastLine } = run("mixed", {
      "a.test.ts": `it("holds", () => {}); it("fails", () => expect(1).toBe(2)); it.skip("waits", () => {}); it.todo("later");`,
      "b.test.ts": `describe("inner", () => it("holds too", () => {}));`,
    });
    expect(lastLine).toBe("2 passed, 1 failed, 2 skipped");
    expect(code).toBe(1);
  });

  it("counts a file that can't load as failed", () => {
    const { code, lastLine } = run("broken", {
      "a.test.ts": `it("holds", () => {});`,
      "b.test.ts": `import "./is-not-there.ts"; it("never runs", () => {});`,
    });
    expect(lastLine).toBe("1 passed, 1 failed, 0 skipped");
    expect(code).toBe(1);
  });

  it("counts a hook that throws as failed, and the tests it kept from running as skipped", () => {
    const { lastLine } = run("hook", {
      "a.test.ts": `describe("with a hook", () => { beforeAll(() => { throw new Error("no"); }); it("waits", () => {}); });`,
    });
    expect(lastLine).toBe("0 passed, 1 failed, 1 skipped");
  });

  it("counts an error outside of any test as failed", () => {
    const { code, lastLine } = run("unhandled", {
      "a.test.ts": `it("holds", () => { setTimeout(() => { throw new Error("late"); }, 0); return new Promise((done) => setTimeout(done, 50)); });`,
    });
    expect(lastLine).toBe("1 passed, 1 failed, 0 skipped");
    expect(code).toBe(1);
  });

  it("counts a test that holds at its second try as passed, and names it", () => {
    const { code, output, lastLine } = run(
      "flaky",
      { "a.test.ts": `let tries = 0; describe("now and then", () => it("holds", () => expect(++tries).toBe(2)));` },
      "retry: 1",
    );
    expect(lastLine).toBe("1 passed, 0 failed, 0 skipped");
    expect(output).toContain("Held at its second try only: a.test.ts > now and then > holds\n");
    expect(code).toBe(0);
  });

  it("is there, with a failure, when a set-up throws before the first test", () => {
    const { code, lastLine } = run(
      "setup",
      { "a.test.ts": `it("never runs", () => {});`, "setup.ts": `export function setup() { throw new Error("no"); }` },
      `globalSetup: ["./setup.ts"]`,
    );
    expect(lastLine).toBe("0 passed, 1 failed, 0 skipped");
    expect(code).toBe(1);
  });
});
