/** What axe finds wrong with a page for those who see, hear or point otherwise; nothing, if all is well. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Everything by day, and the contrasts by night, too. */
export async function barriersOf(page: Page): Promise<[rule: string, elements: string[]][]> {
  // Not as a script of the page, which its policy forbids.
  await page.evaluate(AXE);
  const check = async (options: RunOptions): Promise<[string, string[]][]> => {
    const { violations } = await page.evaluate(
      (options): Promise<AxeResults> => Reflect.get(window, "axe").run(options),
      options,
    );
    return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  };
  const byDay = await check({});
  await page.emulateMedia({ colorScheme: "dark" });
  return [...byDay, ...(await check({ runOnly: ["color-contrast"] }))];
}
