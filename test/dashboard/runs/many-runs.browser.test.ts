/** A list of thousands of runs in a real browser. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiFixture, startTestApi } from "../../api/api-fixture.ts";
import { JobScript } from "../../api/job-script.ts";
import { hasChromium, openBrowser } from "../browser-fixture.ts";

const RUNS = 2000;

describe.skipIf(!hasChromium)("a list of thousands of runs", () => {
  let api: ApiFixture;
  let url: string;
  beforeAll(async () => {
    api = await startTestApi();
    url = await api.listen();
    for (let from = 0; from < RUNS; from += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          new JobScript(api.parts, 10).queue({ name: `run ${from + i}`, metadata: { part: `${i % 3}` } }),
        ),
      );
  });
  afterAll(() => api.close());
  const browser = openBrowser(() => url);

  test("has all of them, draws those that are seen, and finds, filters and sorts", async () => {
    const { page } = browser;
    const rows = page.locator(".runs-body tr");
    await page.goto(url);
    await expect.poll(() => page.locator("table.runs-table").getAttribute("aria-rowcount")).toBe(String(RUNS + 1));
    expect(await rows.count()).toBeLessThan(60);
    await page.getByRole("searchbox").fill("part:2 1499");
    await expect.poll(() => rows.count()).toBe(0);
    await page.getByText("No run matches.").waitFor();
    await page.getByRole("searchbox").fill("part:0 1499");
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole("searchbox").fill("");
    await page.getByRole("button", { name: "Name" }).click();
    await expect.poll(() => rows.first().getByRole("link").textContent()).toBe("run 0");
    expect(page.url()).toContain("sort=name");
    await page.getByRole("button", { name: /^queued/ }).click();
    expect(page.url()).toContain("status=queued");
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.getByRole("link", { name: `run ${RUNS - 1}`, exact: true }).waitFor();
    expect(await rows.count()).toBeLessThan(60);
  });

  test("is walked through by the arrow keys, beyond what is on the screen", async () => {
    const { page } = browser;
    await page.setViewportSize({ width: 1000, height: 400 });
    await page.goto(`${url}/#/?sort=name`);
    await page.getByRole("link", { name: "run 0", exact: true }).focus();
    for (let i = 1; i <= 25; i++) {
      await page.keyboard.press("ArrowDown");
      await page.locator(`[data-row="${i}"] a:focus`).waitFor();
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "run 25" }).waitFor();
  });
});
