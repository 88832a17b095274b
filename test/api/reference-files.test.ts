/** What is kept of the API reference: each file once, and nothing of what is asked for in vain. */
import Fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ReferenceFiles } from "../../src/api/reference-files.ts";
import { type ApiFixture, startTestApi } from "./api-fixture.ts";

let api: ApiFixture;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

/** An app with one file, which counts how often that is read. */
function counted() {
  const reads: string[] = [];
  const app = Fastify();
  app.get("/docs/js/scalar.js", async (request) => {
    reads.push(request.url);
    return "script";
  });
  return { app, reads };
}

test("a file is read once, also for those who ask at the same time; what has no route is not even looked for", async () => {
  const { app, reads } = counted();
  const files = new ReferenceFiles(async () => app);
  const found = await Promise.all([files.find("/docs/js/scalar.js"), files.find("/docs/js/scalar.js")]);
  expect(found.map((file) => file?.body.toString())).toEqual(["script", "script"]);
  expect(await files.find("/docs/%6as/scalar.js")).toBeNull();
  expect(await files.find("/docs/nothing")).toBeNull();
  expect(reads).toEqual(["/docs/js/scalar.js"]);
});

test("one that could not be opened is opened for the next who asks", async () => {
  const { app } = counted();
  let tries = 0;
  const files = new ReferenceFiles(async () => {
    if (tries++ === 0) throw new Error("Too many open files.");
    return app;
  });
  await expect(files.find("/docs/js/scalar.js")).rejects.toThrow("Too many open files.");
  expect((await files.find("/docs/js/scalar.js"))?.body.toString()).toBe("script");
});

test("a file that could not be read is read for the next who asks", async () => {
  const app = Fastify();
  let reads = 0;
  app.get("/docs/", async () => {
    if (reads++ === 0) throw new Error("Out of file handles.");
    return "page";
  });
  const files = new ReferenceFiles(async () => app);
  await expect(files.find("/docs/")).rejects.toThrow("answers 500");
  expect((await files.find("/docs/"))?.body.toString()).toBe("page");
});

test("the page is called after what it is about", async () => {
  const { body } = await api.app.inject("/docs/");
  expect(body).toContain("<title>epochd API</title>");
});

test("another spelling of its path finds the same file", async () => {
  const [plain, spelled] = await Promise.all(
    ["/docs/js/scalar.js", "/docs/%6as/scalar%2ejs"].map((url) => api.app.inject(url)),
  );
  expect(spelled?.statusCode).toBe(200);
  expect(spelled?.headers["etag"]).toBe(plain?.headers["etag"]);
});
