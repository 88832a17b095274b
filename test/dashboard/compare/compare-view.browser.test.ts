/** Runs over each other, in Chromium; and each view of the page as axe sees it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiFixture, startTestApi } from "../../api/api-fixture.ts";
import { JobScript } from "../../api/job-script.ts";
import { barriersOf } from "../axe.ts";
import { hasChromium, inkOf, openBrowser, savedCsv } from "../browser-fixture.ts";

const MARKUP = "<img src=x onerror=alert(1)>";

describe.skipIf(!hasChromium)("a comparison", () => {
  let api: ApiFixture;
  let url: string;
  const jobs: JobScript[] = [];
  beforeAll(async () => {
    api = await startTestApi({ feed: { gatherMs: 50 } });
    url = await api.listen();
    for (const [i, lr] of [0.1, 0.01, 0.001].entries()) {
      const job = await new JobScript(api.parts, 10).queue({
        name: i === 2 ? MARKUP : `rate ${lr}`,
        spec: {
          loss: { type: "MSELoss" },
          model: { layers: [] },
          optimizer: { type: "Adam", lr },
          data: { dataset_id: "ds_x", target: i === 2 ? "<b>column</b>" : "y", features: ["<i>a</i>", "b"] },
        },
      });
      await (await job.start()).train(5, { val_loss: 0.5 + i });
      jobs.push(job);
    }
  });
  afterAll(() => api.close());
  const browser = openBrowser(() => url);
  const all = () => `${url}/#/compare?jobs=${jobs.map(({ id }) => id).join(",")}`;

  test("is chosen from the list, grows live, and says what differs", async () => {
    const { page } = browser;
    await page.goto(url);
    for (const name of ["rate 0.1", "rate 0.01"]) await page.getByLabel(`Compare ${name}`, { exact: true }).check();
    await page.getByRole("link", { name: "Compare 2 runs" }).click();
    await page.getByRole("heading", { name: "Validation loss" }).waitFor();
    await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
    const row = page.locator(".differences tbody tr");
    await expect.poll(() => row.allTextContents()).toEqual(["optimizer.lr0.10.01"]);
    await page.getByLabel("Curve").selectOption("loss");
    await jobs[0]?.train(2);
    await page.locator(".compared").getByText("rate 0.01").waitFor();
    await expect.poll(async () => (await savedCsv(page, "Loss")).length).toBeGreaterThan(13);
    await page.getByRole("button", { name: "Add a run" }).click();
    await page.getByRole("searchbox").fill("img");
    await page.getByRole("button", { name: MARKUP }).click();
    await expect.poll(() => page.locator(".compared li").count()).toBe(3);
  });

  test("keeps the colours of runs while another is still loading, and says that it is", async () => {
    const { page } = browser;
    const colours = () =>
      page.locator(".compared line").evaluateAll((all) => all.map((line) => line.getAttribute("style")));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(`**/v1/jobs/${jobs[0]?.id}/history*`, async (route) => {
      await released;
      await route.continue();
    });
    await page.goto(all());
    await expect.poll(() => page.locator(".compared a").count()).toBe(2);
    await page.getByText("Loading 1 more run…").waitFor();
    const others = await colours();
    release();
    await expect.poll(() => page.locator(".compared a").count()).toBe(3);
    expect((await colours()).slice(1)).toEqual(others);
    await expect.poll(() => page.getByText("Loading 1 more run…").count()).toBe(0);
  });

  test("asks again for a run while the service does not answer", async () => {
    const { page } = browser;
    const history = `**/v1/jobs/${jobs[1]?.id}/history*`;
    let failed = 0;
    await page.route(history, (route) => {
      failed++;
      return route.abort();
    });
    await page.goto(all());
    await page.getByText("Loading 1 more run…").waitFor();
    await expect.poll(() => failed).toBeGreaterThan(0);
    await page.unroute(history);
    await expect.poll(() => page.locator(".compared a").count()).toBe(3);
    expect(await page.locator(".notice").count()).toBe(0);
    browser.complaints = browser.complaints.filter((text) => !text.includes("ERR_FAILED"));
  });

  test("draws a metric of a run that was queued when the page opened, once it trains", async () => {
    const { page } = browser;
    const spec = { loss: { type: "MSELoss" }, model: { layers: [] }, data: { builtin: "sine" } };
    const measured = await (await new JobScript(api.parts, 10).queue({ name: "measured", spec })).start();
    await measured.train(4, { metrics: { accuracy: 0.5 } });
    const queued = await new JobScript(api.parts, 10).queue({ name: "queued at first", spec });
    await page.goto(`${url}/#/compare?jobs=${measured.id},${queued.id}&column=accuracy`);
    await page.getByRole("heading", { name: "Accuracy" }).waitFor();
    await page.locator(".connecting.open").waitFor();
    await (await queued.start()).train(3, { metrics: { accuracy: 0.75 } });
    const newestOf = (name: string) =>
      page.locator(".legend li").filter({ hasText: name }).locator(".value").textContent();
    await expect.poll(() => newestOf("measured")).toBe("0.5");
    await expect.poll(() => newestOf("queued at first")).toBe("0.75");
  });

  test("sets what was reached against the settings, and shows names that look like markup as text", async () => {
    const { page } = browser;
    await page.goto(all());
    await page.getByRole("heading", { name: "Settings and validation loss" }).waitFor();
    await expect.poll(() => page.locator(".parallel a").count()).toBe(3);
    await page.getByRole("heading", { name: "Best validation loss so far" }).waitFor();
    const texts = await page.locator(".differences").textContent();
    expect(texts).toContain("<b>column</b>");
    expect(texts).toContain(MARKUP);
    expect(await page.locator("main :is(b, i, img, script)").count()).toBe(0);
    await page.locator(".parallel a").last().focus();
    await page.locator(".parallel a").last().press("Enter");
    await page.getByRole("heading", { name: "rate 0.1" }).waitFor();
  });

  test.each(["runs", "run", "comparison"])(
    "axe objects to nothing in the view of a %s, nor to its colours by night",
    async (view) => {
      const { page } = browser;
      await page.goto({ runs: url, run: `${url}/#/runs/${jobs[0]?.id}` }[view] ?? all());
      await page.getByRole("heading", { level: 1 }).waitFor();
      if (view === "runs") await page.getByRole("link", { name: "rate 0.01" }).waitFor();
      else await expect.poll(() => inkOf(page)).toBeGreaterThan(50);
      expect(await barriersOf(page)).toEqual([]);
    },
    60_000,
  );
});
