/** The dashboard in a real browser, over a real broker and a real worker. Skipped where no Chromium is installed. */
import { existsSync } from "node:fs";
import { pino } from "pino";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, smallSpec, startTestApi } from "../api/api-fixture.ts";
import { JobScript } from "../api/job-script.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describe.skipIf(!existsSync(CHROMIUM))("the dashboard", () => {
  let api: ApiFixture;
  let url: string;
  let browser: Browser;
  let page: Page;
  /** Whatever the page complains about, or asks of anyone but this service. */
  let complaints: string[];

  beforeAll(async () => {
    api = await startTestApi();
    url = await api.listen();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(async () => {
    await browser.close();
    await api.close();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(url)) complaints.push(request.url());
    });
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const script = (about: Parameters<JobScript["queue"]>[0]) => new JobScript(api.parts, 10).queue(about);
  const tile = (name: string) =>
    page
      .locator("dl.tiles > div")
      .filter({ has: page.getByText(name, { exact: true }) })
      .locator("dd");

  test("shows a newcomer how to start, while nothing has been trained", async () => {
    await page.goto(url);
    await page.getByText("Nothing has been trained yet").waitFor();
    expect(await page.locator("pre").textContent()).toContain(`curl ${url}/v1/jobs`);
  });

  test("draws a run live: its curve, its figures, its end", async () => {
    const job = await (await script({ name: "live" })).start();
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("heading", { name: "live" }).waitFor();
    await job.train(3, { val_loss: 0.25, metrics: { accuracy: 0.75 } });
    await expect.poll(() => tile("epoch").textContent()).toBe("3 / 10");
    expect(await tile("loss").textContent()).toBe("0.3333");
    expect(await tile("validation loss").textContent()).toBe("0.25");
    await page.getByRole("heading", { name: "Accuracy" }).waitFor();
    expect(await page.locator("figure canvas").count()).toBe(4);
    expect(await inkOf(page)).toBeGreaterThan(50);
    await job.train(7);
    await job.complete();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("completed");
    expect(await tile("epoch").textContent()).toBe("10 / 10");
  });

  test("draws what happened before it was opened", async () => {
    const job = await (await (await (await script({ name: "past" })).start()).train(10)).complete();
    await page.goto(`${url}/#/runs/${job.id}`);
    await expect.poll(() => tile("epoch").textContent()).toBe("10 / 10");
    await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    await page.getByRole("button", { name: "Delete" }).waitFor();
  });

  test("shows names that look like markup as text", async () => {
    const name = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const job = await script({ name, metadata: { "<b>key</b>": "<i>value</i>" } });
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("heading", { name }).waitFor();
    expect(await page.locator("main :is(script, b, i, img)").count()).toBe(0);
    expect(await page.title()).toBe(`${name} · epochd`);
    expect(await page.locator(".facts").textContent()).toContain("<b>key</b>: <i>value</i>");
    await page.getByRole("link", { name: "Runs" }).click();
    await page.getByRole("link", { name }).waitFor();
    expect(await page.locator(".runs-body .about").first().textContent()).toBe("<b>key</b>: <i>value</i>");
    expect(await page.locator("main :is(script, b, i, img)").count()).toBe(0);
  });

  test("pauses a run and lets it go on", async () => {
    const job = await script({ name: "patient" });
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("button", { name: "Pause" }).click();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("queued");
  });

  test("cancels a run", async () => {
    const job = await script({ name: "unwanted" });
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("cancelled");
    expect((await api.parts.log.state(job.id))?.status).toBe("cancelled");
  });

  test("says what is wrong with an address that names no run", async () => {
    await page.goto(`${url}/#job_nothing`);
    await page.getByText('There is no job "job_nothing"').waitFor();
    // The browser tells every 404 as an error; these are the ones that were asked for.
    complaints = complaints.filter((text) => !text.includes("404"));
  });

  test("fits a phone without scrolling sideways, by day and by night", async () => {
    const job = await (
      await script({ name: "a name that is rather long for a phone, and has no end ".repeat(2) })
    ).start();
    await job.train(5, { val_loss: 0.5, metrics: { accuracy: 0.5 }, val_metrics: { accuracy: 0.5 } });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${url}/#/runs/${job.id}`);
    await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const day = await paper();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(paper).not.toBe(day);
    expect(await inkOf(page)).toBeGreaterThan(50);
  });

  test("follows a real training to its end", async () => {
    const worker: RunningWorker = await startWorker(api.config, {
      url: api.broker.url,
      logger: pino({ level: "silent" }),
    });
    try {
      const { id } = (await api.app.inject({ method: "POST", url: "/v1/jobs", payload: smallSpec })).json();
      await page.goto(`${url}/#/runs/${id}`);
      await expect.poll(() => page.locator(".run-head .status").textContent(), { timeout: 20_000 }).toBe("completed");
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download model" }).click();
      expect((await download).suggestedFilename()).toBe(`${id}.safetensors`);
    } finally {
      await worker.close();
    }
  });

  test("has an API reference that asks nobody else", async () => {
    await page.goto(`${url}/docs`);
    await page.getByRole("heading", { name: "Train a network" }).first().waitFor({ timeout: 20_000 });
  });
});

/** How many pixels of the first chart carry a curve's colour rather than the grid's. */
function inkOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector("canvas");
    const context = canvas?.getContext("2d");
    if (!canvas || !context || canvas.width === 0) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [red = 0, , blue = 0, alpha = 0] = data.subarray(i, i + 4);
      if (alpha > 200 && Math.abs(red - blue) > 80) ink++;
    }
    return ink;
  });
}
