/** A model at work in a real browser, trained by a real worker. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "../../api/api-fixture.ts";
import { barriersOf } from "../axe.ts";
import { hasChromium, openBrowser } from "../browser-fixture.ts";

describe.skipIf(!hasChromium)("the page of a model at work", () => {
  let api: ApiFixture;
  let url: string;
  let worker: RunningWorker;
  beforeAll(async () => {
    api = await startTestApi();
    url = await api.listen();
    worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
  });
  afterAll(async () => {
    await worker.close();
    await api.close();
  });
  const browser = openBrowser(() => url);

  test("asks the first weights of a run that diverged before it had others", async () => {
    const { page } = browser;
    const spec = {
      model: { layers: [{ type: "Linear", out_features: 8 }, { type: "ReLU" }, { type: "Linear", out_features: 1 }] },
      loss: "MSELoss",
      optimizer: { type: "SGD", lr: 1e6 },
      epochs: 20,
      data: { builtin: "sine" },
    };
    const { id } = (await api.app.inject({ method: "POST", url: "/v1/jobs", payload: spec })).json();
    const statusOf = async () => (await api.app.inject(`/v1/jobs/${id}`)).json().status;
    await expect.poll(statusOf, { timeout: 30_000 }).toBe("failed");
    await page.goto(`${url}/#/runs/${id}/try`);
    await page.getByRole("textbox", { name: "A row as JSON" }).fill("[0.5]");
    await page.getByText("with the weights of epoch 0").waitFor();
    // There are no predictions to be had from before the first epoch.
    browser.complaints = browser.complaints.filter((text) => !text.includes("409"));

    // What happened is long enough to scroll on a phone.
    await page.setViewportSize({ width: 390, height: 500 });
    await page.goto(`${url}/#/runs/${id}`);
    await page.locator(".events").waitFor();
    expect(await barriersOf(page)).toEqual([]);
  }, 60_000);
});
