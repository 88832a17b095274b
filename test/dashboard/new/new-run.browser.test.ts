/** The editor and the model at work, in Chromium, over a whole service. */
import { pino } from "pino";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "../../api/api-fixture.ts";
import { barriersOf } from "../axe.ts";
import { hasChromium, openBrowser } from "../browser-fixture.ts";

const EVIL = '<img src=x onerror="document.title=1">';

describe.skipIf(!hasChromium)("a new run", () => {
  let api: ApiFixture;
  let worker: RunningWorker;
  let url: string;
  let page: Page;

  beforeAll(async () => {
    api = await startTestApi();
    worker = await startWorker(api.config, { url: api.broker.url, logger: pino({ level: "silent" }) });
    url = await api.listen();
  });
  afterAll(async () => {
    await worker.close();
    await api.close();
  });
  const browser = openBrowser(() => url);
  beforeEach(() => {
    page = browser.page;
    page.setDefaultTimeout(25_000);
  });

  const open = (place: string) => page.goto(`${url}/#${place}`);
  const json = (): Locator => page.getByLabel("The spec as JSON");
  const spec = async () => JSON.parse(await json().inputValue());
  const ready = () => page.getByText("Ready to train.").waitFor();
  const layer = (at: number): Locator => page.locator(".layer-card").nth(at);

  test("is edited by form and by JSON, both ways, and checked as one types", async () => {
    await open("/new");
    await ready();
    await page.getByLabel("name", { exact: true }).fill("mine");
    await layer(0).getByLabel("out_features").fill("24");
    await expect.poll(async () => (await spec()).model.layers[0]).toEqual({ type: "Linear", out_features: 24 });
    expect((await spec()).name).toBe("mine");
    await expect.poll(() => layer(0).locator(".shape").textContent()).toContain("→ 24 · 72 weights");

    const typed = await spec();
    typed.epochs = 7;
    typed.model.layers.splice(1, 0, { type: "Dropout", p: 0.1 });
    await json().fill(JSON.stringify(typed));
    await expect.poll(() => page.getByLabel("epochs *").inputValue()).toBe("7");
    expect(await page.locator(".layer-card").count()).toBe(4);
    expect(await layer(1).getByLabel("p", { exact: true }).inputValue()).toBe("0.1");
    await ready();

    await json().fill('{ "epochs": ');
    await page.getByText("The JSON can't be read yet.").waitFor();
    expect(await page.getByRole("button", { name: "Start training" }).isDisabled()).toBe(true);
  });

  test("goes on once the service answers again, as it says", async () => {
    await page.route("**/v1/catalog", (route) => route.abort());
    await open("/new");
    await page.getByText("The page goes on as soon as it does").waitFor();
    await page.unroute("**/v1/catalog");
    await ready();
    expect(await page.locator(".notice").count()).toBe(0);
    // What a click asked for is not asked again without one.
    await page.route("**/v1/jobs", (route) => route.abort());
    await page.getByRole("button", { name: "Start Two moons" }).click();
    await page.getByText("The service does not answer. Try again once it does.").waitFor();
    browser.complaints = browser.complaints.filter((text) => !text.includes("ERR_FAILED"));
  });

  test("tells a shape that does not fit at its layer, with the shapes up to there", async () => {
    await open("/new?example=moons");
    await ready();
    await layer(2).getByLabel("Type of layer 2").selectOption("Conv2d");
    await expect.poll(() => layer(2).locator(".mistakes").textContent()).toContain("got [32]");
    expect(await layer(1).locator(".shape").textContent()).toContain("→ 32");
    expect(await layer(3).locator(".mistakes").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Start training" }).isDisabled()).toBe(true);
    expect(await barriersOf(page)).toEqual([]);
    await layer(2).getByRole("button", { name: "Remove layer 2" }).click();
    await ready();
  });

  test("goes along with a layer that is moved or removed by keyboard, and leads to what is not right", async () => {
    await open("/new");
    await ready();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
    await page.getByLabel("Move layer 2 up").focus();
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("Move layer 1 up");
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("Move layer 0 down");
    const widths = (await spec()).model.layers.map((layer: { out_features?: number }) => layer.out_features ?? null);
    expect(widths).toEqual([2, 16, null]);
    await page.getByLabel("Remove layer 2").focus();
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("Remove layer 1");

    await json().fill(JSON.stringify({ ...(await spec()), optimizer: { type: "Adam", lr: -1 } }));
    await page.getByText("not right yet").first().waitFor();
    await page.getByRole("button", { name: /^Show/ }).click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toBe("mistakes");
    const { top, bottom } = await page.evaluate(() => {
      const box = document.activeElement?.getBoundingClientRect();
      return { top: box?.top ?? -1, bottom: innerHeight - (box?.bottom ?? 0) };
    });
    expect(Math.min(top, bottom)).toBeGreaterThan(0);
  });

  test("learns from an uploaded file whose columns are chosen, with names that look like markup", async () => {
    await open("/new");
    await ready();
    await page.getByLabel("A file of yours").check();
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${i % 7},${i % 2 ? "red" : "blue"},${i},${["a", "b", "c"][i % 3]}`,
    );
    await page.setInputFiles("input[type=file]", {
      name: "mine.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(`"${EVIL.replaceAll('"', '""')}",colour,row,kind\n${rows.join("\n")}\n`),
    });
    await page.locator(".preview").waitFor();
    expect(await page.locator(".preview .column-name").allTextContents()).toEqual([EVIL, "colour", "row", "kind"]);
    await page.getByLabel("Part of row").selectOption("left out");
    await page.locator(".preview").getByLabel("one-hot").check();
    await page.getByRole("button", { name: "Use CrossEntropyLoss and 3 outputs" }).click();
    await ready();
    expect((await spec()).data).toEqual({
      dataset_id: expect.stringMatching(/^ds_/),
      features: [EVIL, "colour"],
      target: "kind",
      preprocess: { one_hot: ["colour"] },
    });
    await page.getByLabel("epochs *").fill("3");
    await ready();
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByRole("heading", { name: "Predict" }).waitFor();
    await page.getByLabel("colour", { exact: true }).selectOption("red");
    await page.locator(".answer .said").waitFor();
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.locator(".ask .field label").allTextContents()).toEqual([EVIL, "colour"]);
  });

  test("starts from an example with one click: its boundary grows, the slider goes back in time, the model answers", async () => {
    await open("/new");
    await page.getByRole("button", { name: "Start Two moons" }).click();
    const slider = page.getByLabel("Epoch", { exact: true });
    await expect.poll(() => slider.getAttribute("aria-valuetext"), { timeout: 25_000 }).toBe("epoch 120");
    await page.getByText("completed").waitFor();
    const last = await stillPicture(page);
    await slider.focus();
    await page.keyboard.press("Home");
    await expect.poll(() => slider.getAttribute("aria-valuetext")).toBe("epoch 0");
    await expect.poll(() => picture(page)).not.toBe(last);
    await page.keyboard.press("End");
    await expect.poll(() => picture(page)).toBe(last);

    await page.getByLabel("x", { exact: true }).fill("0");
    await page.getByLabel("y", { exact: true }).fill("1");
    await expect.poll(() => page.locator(".answer .said").textContent()).toBe("0");
    await page.getByLabel("y", { exact: true }).fill("-0.8");
    await page.getByLabel("x", { exact: true }).fill("1");
    await expect.poll(() => page.locator(".answer .said").textContent()).toBe("1");
    const counts = await page.locator(".confusion td:not(.soft)").allTextContents();
    expect(counts.reduce((sum, text) => sum + (Number(text) || 0), 0)).toBe(150);
    expect(await barriersOf(page)).toEqual([]);
  });

  test("clones a run without what it would be anyway", async () => {
    const given = {
      name: "first",
      model: { layers: [{ type: "Linear", out_features: 4 }, { type: "Tanh" }, { type: "Linear", out_features: 1 }] },
      loss: "MSELoss",
      optimizer: { type: "Adam", lr: 0.05 },
      epochs: 4,
      data: { builtin: "sine", samples: 60 },
      probes: { grid: {} },
    };
    const response = await api.app.inject({ method: "POST", url: "/v1/jobs", payload: given });
    await open(`/new?from=${response.json().id}`);
    await ready();
    const { probes, ...cloned } = await spec();
    expect({ ...cloned, probes: { grid: {} } }).toEqual({ ...given, loss: { type: "MSELoss" } });
    expect(probes.grid.x).toMatchObject({ feature: "x", points: 100 });
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByRole("heading", { name: "Residuals" }).waitFor();
    await page.getByRole("heading", { name: "Fitted curve" }).waitFor();
    expect(await page.locator(".drawing canvas").count()).toBe(3);
  });

  test("asks a model of pictures by what is drawn", async () => {
    await open("/new?example=digits");
    await ready();
    await page.getByLabel("epochs *").fill("1");
    await ready();
    await page.getByRole("button", { name: "Start training" }).click();
    await page.waitForURL(/#\/runs\/job_/);
    await page.getByRole("link", { name: "Try the model" }).click();
    const pad = page.getByLabel(/^A picture of 8 by 8/);
    await pad.waitFor();
    await page.locator(".answer .bars").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    const empty = await page.locator(".bars").textContent();
    const box = await pad.boundingBox();
    if (!box) throw new Error("There is nothing to draw on.");
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height - 20, { steps: 8 });
    await page.mouse.up();
    await expect.poll(() => page.locator(".bars").textContent()).not.toBe(empty);
    const drawn = await page.locator(".bars").textContent();
    await pad.focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Space");
    await expect.poll(() => page.locator(".bars").textContent()).not.toBe(drawn);
  });

  test("fits a phone without scrolling sideways", async () => {
    await open("/new");
    await ready();
    await page.setViewportSize({ width: 390, height: 844 });
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    await expect.poll(width).toBeLessThanOrEqual(390);
    await page.getByRole("button", { name: "Start A sine" }).click();
    await page.getByRole("heading", { name: "Residuals" }).waitFor();
    await expect.poll(width).toBeLessThanOrEqual(390);
    await page.setViewportSize({ width: 1200, height: 844 });
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(width).toBeLessThanOrEqual(390);
  });
});

/** The first drawing, as it looks. */
/** Once it no longer changes: the slider may be ahead of what is drawn. */
async function stillPicture(page: Page): Promise<string> {
  const seen: string[] = [];
  await expect.poll(async () => seen.push(await picture(page)) > 5 && new Set(seen.slice(-5)).size).toBe(1);
  return seen.at(-1) ?? "";
}

const picture = (page: Page): Promise<string> =>
  page.evaluate(() => document.querySelector<HTMLCanvasElement>(".drawing canvas")?.toDataURL() ?? "");
