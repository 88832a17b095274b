/** A sweep in Chromium, while workers train its trials. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWorker } from "../../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "../../api/api-fixture.ts";
import { moonSweep } from "../../sweep-fixture.ts";
import { barriersOf } from "../axe.ts";
import { hasChromium, inkOf, openBrowser } from "../browser-fixture.ts";

const MARKUP = "<img src=x onerror=alert(1)>";

describe.skipIf(!hasChromium)("a sweep", () => {
  let api: ApiFixture;
  let url: string;
  beforeAll(async () => {
    api = await startTestApi();
    url = await api.listen();
  });
  afterAll(() => api.close());
  const browser = openBrowser(() => url);

  async function submit(spec: object): Promise<string> {
    const answer = await api.app.inject({ method: "POST", url: "/v1/sweeps", payload: spec });
    expect(answer.statusCode, answer.body).toBe(202);
    return answer.json().id;
  }

  test("is found in the list, and its trials are seen as they are drawn, train and end", async () => {
    const { page } = browser;
    await page.goto(`${url}/#/compare`);
    await page.getByText("None yet.").waitFor();
    const name = `widths ${MARKUP}`;
    const space = { ...moonSweep.space, loss: { choice: ["CrossEntropyLoss", "MultiMarginLoss"] } };
    await submit({ ...moonSweep, space, name, metadata: { "<b>team</b>": "<i>a</i>" } });
    await page.reload();
    await page.getByRole("link", { name }).click();
    await page.getByRole("heading", { name }).waitFor();
    await page.locator(".connecting.open").waitFor();
    const rows = page.locator(".leaderboard tbody tr");
    expect(await rows.count()).toBe(0);

    const worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
    try {
      await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("completed");
    } finally {
      await worker.close();
    }
    await expect.poll(() => rows.count()).toBe(4);
    const values = (await page.locator(".leaderboard tbody td:nth-child(2)").allTextContents()).map(Number);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    await expect.poll(() => page.locator(".parallel a").count()).toBe(4);
    expect(await page.locator(".parallel .axis-name title").allTextContents()).toContain("optimizer.lr");
    // What was reached is the last axis: it is seen without scrolling wherever there is room for all.
    for (const width of [1000, 1280, 1900]) {
      await page.setViewportSize({ width, height: 800 });
      await expect
        .poll(() => page.locator(".scroll:has(.parallel)").evaluate((box) => box.scrollWidth - box.clientWidth))
        .toBe(0);
    }
    await page.getByRole("heading", { name: "Best validation loss so far" }).waitFor();
    await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    // By the trial's own number.
    expect(await page.locator(".legend li").first().locator(".value").textContent()).toBe("3");
    expect(await page.locator(".facts").textContent()).toContain("<b>team</b>: <i>a</i>");
    expect(await page.locator("main :is(b, i, img, script)").count()).toBe(0);
    expect(await barriersOf(page)).toEqual([]);

    // Opened again, it has the trials at once, and asks the stream for nothing that they say.
    const stream = page.waitForRequest((request) => request.url().endsWith("/events"));
    await page.reload();
    const { last_seq } = (await api.app.inject(`/v1/sweeps/${new URL(page.url()).hash.split("=")[1]}`)).json();
    expect(await (await stream).headerValue("last-event-id")).toBe(String(last_seq));
    await expect.poll(() => rows.count()).toBe(4);
    await expect.poll(() => page.locator(".parallel a").count()).toBe(4);

    // From a trial one comes back to its sweep.
    await rows.first().getByRole("link").click();
    await page.getByRole("link", { name: "its sweep" }).click();
    await page.getByRole("heading", { name }).waitFor();
    await page.getByRole("link", { name: "Compare the best 4" }).click();
    await expect.poll(() => page.locator(".compared li").count()).toBe(4);
  }, 60_000);

  test("shows which settings a trial was not given, and all of them in the order of the space", async () => {
    const { page } = browser;
    const sgd = { type: "SGD", lr: { log_uniform: [0.01, 1] }, momentum: { uniform: [0, 0.9] } };
    const space = {
      optimizer: { choice: [sgd, { type: "Adam", lr: { log_uniform: [0.001, 0.1] } }] },
      "model.layers[0].out_features": { int: [4, 64] },
    };
    const id = await submit({ ...moonSweep, space, trials: 12, seed: 3 });
    const worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
    try {
      await page.goto(`${url}/#/compare?sweep=${id}`);
      await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("completed");
    } finally {
      await worker.close();
    }
    const paths = [
      "optimizer",
      "optimizer.choice[0].lr",
      "optimizer.choice[0].momentum",
      "optimizer.choice[1].lr",
      "model.layers[0].out_features",
    ];
    await expect.poll(() => page.locator(".parallel a").count()).toBe(12);
    const titles = await page.locator(".parallel .axis-name title").allTextContents();
    expect(titles.slice(0, -1)).toEqual(paths);
    expect(await page.locator(".leaderboard thead code").allTextContents()).toEqual(paths);

    // A place of its own for what is missing, on those axes alone; each line passes all of them.
    const says = (axis: number) => page.locator(".parallel .axis").nth(axis).getByText("none", { exact: true }).count();
    expect(await Promise.all([0, 1, 2, 3, 4, 5].map(says))).toEqual([0, 1, 1, 1, 0, 0]);
    const lines = await page
      .locator(".parallel polyline.wide")
      .evaluateAll((all) => all.map((line) => (line.getAttribute("points") ?? "").split(" ")));
    expect(lines.map(({ length }) => length)).toEqual(lines.map(() => titles.length));
    const lowest = Math.max(...lines.flat().map((point) => Number(point.split(",")[1])));
    const missing = lines.map((points) => points.map((point) => Number(point.split(",")[1]) === lowest));
    const adams = missing.filter((of) => of[1]);
    expect(adams.length).toBeGreaterThan(0);
    for (const of of adams) expect(of).toEqual([false, true, true, false, false, false]);
    for (const of of missing.filter((of) => !of[1])) expect(of).toEqual([false, false, false, true, false, false]);

    // By keyboard, the lines are one stop: the best first, the others by arrows.
    const bestFirst = await page.locator(".leaderboard tbody th").allTextContents();
    await page.locator('.parallel a[tabindex="0"]').focus();
    const hint = page.locator(".parallel-said");
    await expect.poll(() => hint.textContent()).toContain(`${bestFirst[0]}:`);
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => hint.textContent()).toContain(`${bestFirst[1]}:`);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.closest(".parallel"))).toBeNull();
    expect(await barriersOf(page)).toEqual([]);
  }, 60_000);

  test("tells while it trains how many epochs it has trained", async () => {
    const { page } = browser;
    const id = await submit({ ...moonSweep, base: { ...moonSweep.base, epochs: 100_000 } });
    await page.goto(`${url}/#/compare?sweep=${id}`);
    await page.locator(".connecting.open").waitFor();
    const worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
    try {
      await page.locator(".facts", { hasText: /\d epochs trained/ }).waitFor();
      expect(await page.locator(".run-head .status").textContent()).toBe("running");
    } finally {
      await api.app.inject({ method: "POST", url: `/v1/sweeps/${id}/cancel` });
      await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("cancelled");
      await worker.close();
    }
  }, 60_000);

  test("waits, goes on and is ended by a click, and fits a phone", async () => {
    const { page } = browser;
    const id = await submit({ ...moonSweep, name: "on a phone" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${url}/#/compare?sweep=${id}`);
    const status = () => page.locator(".run-head .status").first().textContent();
    await page.getByRole("button", { name: "Pause" }).click();
    await expect.poll(status).toBe("paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(status).toBe("queued");
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(status).toBe("cancelled");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });

  test("the list goes on once the service answers again, and no longer says that it does not", async () => {
    const { page } = browser;
    await submit({ ...moonSweep, name: "found again" });
    await page.route("**/v1/sweeps?*", (route) => route.abort());
    await page.goto(`${url}/#/compare`);
    await page.getByText("The service does not answer").waitFor();
    await page.unroute("**/v1/sweeps?*");
    await page.getByRole("link", { name: "found again" }).waitFor();
    expect(await page.locator(".notice").count()).toBe(0);
    browser.complaints = browser.complaints.filter((text) => !text.includes("ERR_FAILED"));
  });

  test("that there is none is said", async () => {
    const { page } = browser;
    await page.goto(`${url}/#/compare?sweep=swp_nothing`);
    await page.getByText('There is no sweep "swp_nothing"').waitFor();
    browser.complaints = browser.complaints.filter((text) => !text.includes("404"));
  });
});
