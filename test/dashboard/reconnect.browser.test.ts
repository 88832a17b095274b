/** What the page does when the service goes away and comes back, and where it asks for keys. */
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startTestApi } from "../api/api-fixture.ts";
import { JobScript } from "../api/job-script.ts";
import { type BrokerFixture, startTestBroker } from "../broker-fixture.ts";
import { run, type TestProcess } from "../process-fixture.ts";
import { hasChromium, openBrowser, savedCsv, tile } from "./browser-fixture.ts";

describe.skipIf(!hasChromium)("a service that is killed and started again", () => {
  let broker: BrokerFixture;
  let port: number;
  let api: TestProcess;
  beforeAll(async () => {
    broker = await startTestBroker();
    port = await freePort();
  });
  afterEach(async () => {
    api.kill("SIGKILL");
    await api.ended;
  });
  afterAll(() => broker.close());
  const browser = openBrowser(() => `http://127.0.0.1:${port}`);

  test("costs the page no epoch and no run, and is told meanwhile", async () => {
    const { page } = browser;
    const config = broker.config({ PORT: String(port) });
    const parts = await broker.parts(config);
    const start = async () => {
      const { namespace, dataDir } = config;
      const process = run(["--api"], {
        REDIS_URL: broker.url,
        KEY_NAMESPACE: namespace,
        DATA_DIR: dataDir,
        PORT: String(port),
        LOG_LEVEL: "silent",
      });
      await process.until(/API on/);
      return process;
    };
    api = await start();
    const job = await (await (await new JobScript(parts, 30).queue({ name: "survivor" })).start()).train(5);
    await page.goto(`http://127.0.0.1:${port}/#/runs/${job.id}`);
    await expect.poll(() => tile(page, "epoch").textContent()).toBe("5 / 30");

    api.kill("SIGKILL");
    await api.ended;
    await job.train(7);
    await page.getByText("Reconnecting").first().waitFor();
    api = await start();
    await expect.poll(() => tile(page, "epoch").textContent()).toBe("12 / 30");
    await job.train(8);
    await expect.poll(() => tile(page, "epoch").textContent()).toBe("20 / 30");
    const [, ...lines] = await savedCsv(page, "Loss");
    expect(lines.map(([epoch]) => Number(epoch))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));

    // The list of runs, too.
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("link", { name: "survivor" }).waitFor();
    api.kill("SIGKILL");
    await api.ended;
    await job.train(10);
    await job.complete();
    await new JobScript(parts).queue({ name: "made meanwhile" });
    api = await start();
    await page.getByRole("link", { name: "made meanwhile" }).waitFor();
    await page.locator(".runs-body tr").filter({ hasText: "survivor" }).getByText("completed").waitFor();
    browser.complaints = browser.complaints.filter((text) => !/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/.test(text));
  }, 90_000);
});

describe.skipIf(!hasChromium)("where API keys are asked for", () => {
  let address = "";
  const browser = openBrowser(() => address);

  test("the page asks once, keeps the key out of every address, and shows one's own runs alone", async () => {
    const { page } = browser;
    const api = await startTestApi({ keysRequired: true });
    try {
      address = await api.listen();
      const [mine, theirs] = [await api.parts.keys.create("mine"), await api.parts.keys.create("theirs")];
      for (const [name, { key }] of [["mine", mine] as const, ["theirs", theirs] as const]) {
        const job = new JobScript(api.parts, 10);
        await api.parts.owners.own(job.id, key.id);
        await job.queue({ name: `a run of ${name}` });
      }
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(address);
      await page.getByRole("dialog").getByText("This call needs an API key").waitFor();
      await page.getByRole("textbox", { name: "Key" }).fill("wrong");
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByText("This is no valid API key").waitFor();
      await page.getByRole("textbox", { name: "Key" }).fill(mine.secret);
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "a run of mine" }).click();
      await page.getByRole("heading", { name: "a run of mine" }).waitFor();
      await page.locator(".connecting.open").waitFor();
      await page.reload();
      await page.getByRole("heading", { name: "a run of mine" }).waitFor();
      await page.getByRole("link", { name: "Runs", exact: true }).click();
      await page.getByRole("link", { name: "a run of mine" }).waitFor();
      expect(await page.getByRole("link", { name: "a run of theirs" }).count()).toBe(0);
      expect([...asked, page.url()].filter((url) => url.includes(mine.secret))).toEqual([]);
      browser.complaints = browser.complaints.filter((text) => !text.includes("401"));
      await page.getByRole("button", { name: "Forget key" }).click();
      await page.getByRole("dialog").getByText("This call needs an API key").waitFor();
      browser.complaints = browser.complaints.filter((text) => !text.includes("401"));
    } finally {
      await api.close();
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address === "string" || address === null) throw new Error("A server on a port has an address.");
  return address.port;
}
