/** The dashboard in Chromium, over a whole service. Skipped where no Chromium is installed. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, smallSpec, startTestApi } from "../api/api-fixture.ts";
import { JobScript } from "../api/job-script.ts";
import { hasChromium, inkOf, openBrowser, savedCsv, tile } from "./browser-fixture.ts";

describe.skipIf(!hasChromium)("the dashboard", () => {
  let api: ApiFixture;
  let url: string;
  beforeAll(async () => {
    api = await startTestApi({ feed: { gatherMs: 50 } });
    url = await api.listen();
  });
  afterAll(() => api.close());
  const browser = openBrowser(() => url);

  const script = (about: Parameters<JobScript["queue"]>[0]) => new JobScript(api.parts, 10).queue(about);
  test("shows a newcomer how to start, while nothing has been trained", async () => {
    const { page } = browser;
    await page.goto(url);
    await page.getByText("Nothing has been trained yet").waitFor();
    expect(await page.locator("pre").textContent()).toContain(`curl ${url}/v1/jobs`);
  });

  test("draws a run live: its curve, its figures, its end", async () => {
    const { page } = browser;
    const job = await (await script({ name: "live" })).start();
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("heading", { name: "live" }).waitFor();
    await job.train(3, { val_loss: 0.25, metrics: { accuracy: 0.75 } });
    await expect.poll(() => tile(page, "epoch").textContent()).toBe("3 / 10");
    expect(await tile(page, "loss").textContent()).toBe("0.3333");
    expect(await tile(page, "validation loss").textContent()).toBe("0.25");
    await page.getByRole("heading", { name: "Accuracy" }).waitFor();
    expect(await page.locator("figure canvas").count()).toBe(4);
    expect(await inkOf(page)).toBeGreaterThan(50);
    await job.train(7);
    await job.complete();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("completed");
    expect(await tile(page, "epoch").textContent()).toBe("10 / 10");
  });

  test("draws what happened before it was opened", async () => {
    const { page } = browser;
    const job = await (await (await (await script({ name: "past" })).start()).train(10)).complete();
    await page.goto(`${url}/#/runs/${job.id}`);
    await expect.poll(() => tile(page, "epoch").textContent()).toBe("10 / 10");
    await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    await page.getByRole("button", { name: "Delete" }).waitFor();
  });

  test("counts epochs and steps to the last one, however many", async () => {
    const { page } = browser;
    const job = await (await script({ name: "long" })).start();
    await job.train(3, (epoch) => ({ step: 1_234_564 + epoch }));
    await page.goto(`${url}/#/runs/${job.id}?x=step`);
    await expect.poll(() => page.locator(".legend .value").first().textContent()).toBe("1,234,567");
  });

  test("shows names that look like markup as text", async () => {
    const { page } = browser;
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

  test("lists runs live: one that is made, trains and ends is seen without asking again", async () => {
    const { page } = browser;
    await page.goto(url);
    await page.locator(".connecting.open").waitFor();
    const job = await script({ name: "followed live" });
    const row = page.locator(".runs-body tr").filter({ hasText: "followed live" });
    await row.getByText("queued").waitFor();
    await (await job.start()).train(4);
    await row.getByText("4 / 10").waitFor();
    await expect.poll(() => row.textContent()).toContain("0.25");
    await (await job.train(6)).complete();
    await row.getByText("completed").waitFor();
    await api.parts.jobs.remove(job.id);
    await expect.poll(() => row.count()).toBe(0);
  });

  test("shows a run over its steps and time, smoothed, by logarithm, and a part of it, and saves every number", async () => {
    const { page } = browser;
    const job = await (await (await script({ name: "curves" })).start()).train(10, { val_loss: 0.5 });
    await page.goto(`${url}/#/runs/${job.id}`);
    await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    for (const name of ["Step", "Time", "Log scale", "Epoch"]) {
      await page.getByRole("button", { name, exact: true }).click();
      await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    }
    await page.getByRole("slider").fill("0.5");
    await expect.poll(() => page.url()).toContain("smooth=");
    const chart = page.getByRole("application").first();
    await chart.press("ArrowRight");
    await chart.press("ArrowLeft");
    const legend = page.locator(".legend").first();
    await expect.poll(() => legend.locator("li").first().textContent()).toBe("epoch9");
    await chart.press("+");
    await page.getByRole("button", { name: "Show all" }).first().click();
    await expect.poll(() => page.getByRole("button", { name: "Show all" }).count()).toBe(0);
    const lines = await savedCsv(page, "Loss");
    expect(lines[0]).toEqual(["epoch", "loss", "validation loss", "loss", "validation loss"]);
    expect(lines.slice(1).map(([epoch, loss]) => [Number(epoch), Number(loss)])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i + 1, 1 / (i + 1)]),
    );
  });

  test("draws the network layer by layer, tells what happened, and has the spec", async () => {
    const { page } = browser;
    const job = await (await script({ name: "described" })).start();
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.locator("table.network").getByText("Linear").waitFor();
    await expect
      .poll(() => page.locator(".events li").allTextContents())
      .toEqual([expect.stringContaining("started"), expect.stringContaining("queued")]);
    await job.train(2);
    await job.complete();
    await expect.poll(() => page.locator(".events li").allTextContents()).toHaveLength(3);
    expect(await page.locator(".events li").first().textContent()).toContain("completed");
    await page.getByText("Spec").click();
    expect(JSON.parse((await page.locator(".spec pre").textContent()) ?? "")).toMatchObject({
      loss: { type: "MSELoss" },
    });
  });

  test("pauses a run and lets it go on", async () => {
    const { page } = browser;
    const job = await script({ name: "patient" });
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("button", { name: "Pause" }).click();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("queued");
  });

  test("cancels a run", async () => {
    const { page } = browser;
    const job = await script({ name: "unwanted" });
    await page.goto(`${url}/#/runs/${job.id}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => page.locator(".run-head .status").textContent()).toBe("cancelled");
    expect((await api.parts.log.state(job.id))?.status).toBe("cancelled");
  });

  test("says what is wrong with an address that names no run", async () => {
    const { page } = browser;
    await page.goto(`${url}/#job_nothing`);
    await page.getByText('There is no job "job_nothing"').waitFor();
    // The browser tells every 404 as an error; these are the ones that were asked for.
    browser.complaints = browser.complaints.filter((text) => !text.includes("404"));
  });

  test("fits a phone without scrolling sideways, by day and by night", async () => {
    const { page } = browser;
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

  test("keeps the raw numbers under a smoothed curve pale, however many there are", async () => {
    const { page } = browser;
    const job = await (await new JobScript(api.parts, 2000).queue({ name: "noisy" })).start();
    await job.train(2000, (epoch) => ({ loss: 1 + Math.sin(epoch * epoch) }));
    await page.goto(`${url}/#/runs/${job.id}?smooth=0.95`);
    /** Of the first chart: pixels of which the paper below can be seen. */
    const pale = () =>
      page.evaluate(() => {
        const canvas = document.querySelector("canvas");
        const data = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        let seen = 0;
        for (let i = 3; i < data.length; i += 4) if ((data[i] ?? 0) > 75 && (data[i] ?? 0) < 105) seen++;
        return seen / (data.length / 4);
      });
    await expect.poll(pale).toBeGreaterThan(0.3);
  });

  test("follows a real training to its end", async () => {
    const { page } = browser;
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
    const { page } = browser;
    await page.goto(`${url}/docs`);
    // It is a script of five megabytes, which takes seconds of a core that is free, and minutes of one that is not.
    await page.getByRole("heading", { name: "Train a network" }).first().waitFor({ timeout: 170_000 });
  }, 180_000);
});
