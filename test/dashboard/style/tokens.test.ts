/** The contrasts of WCAG 2.2 level AA, computed from the colours of style/tokens.css, by day and by night. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const CSS = readFileSync(new URL("../../../src/dashboard/style/tokens.css", import.meta.url), "utf8");
const THEMES = ["light", "dark"] as const;
const TOKENS = new Map(
  [...CSS.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name ?? "",
    { light: light ?? "", dark: dark ?? "" },
  ]),
);

const BACKGROUNDS = ["paper", "card", "sunken"];
const SERIES = Array.from({ length: 8 }, (_, i) => `series-${i + 1}`);
/** What is read: 4.5 to 1. */
const TEXT = ["ink", "soft", "accent", "good", "bad", "idle"];
/** What is only seen, curves and the edges of buttons: 3 to 1. */
const GRAPHICS = ["edge", "loss", "validation", ...SERIES];

describe.each(THEMES)("by %s", (theme) => {
  const colorOf = (name: string) => rgbOf(TOKENS.get(name)?.[theme] ?? "");

  test.each(TEXT.flatMap((text) => BACKGROUNDS.map((background) => [text, background] as const)))(
    "%s can be read on %s",
    (text, background) => {
      expect(contrast(colorOf(text), colorOf(background))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(GRAPHICS.flatMap((line) => ["paper", "card"].map((background) => [line, background] as const)))(
    "%s can be seen on %s",
    (line, background) => {
      expect(contrast(colorOf(line), colorOf(background))).toBeGreaterThanOrEqual(3);
    },
  );

  test("what is written on the accent and on its wash can be read", () => {
    expect(contrast(colorOf("accent-ink"), colorOf("accent"))).toBeGreaterThanOrEqual(4.5);
    for (const text of ["ink", "accent", "soft"])
      expect(contrast(colorOf(text), colorOf("accent-wash"))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["protanopia", "deuteranopia"] as const)("loss and validation differ for people with %s", (kind) => {
    const [loss, validation] = [seenWith(kind, colorOf("loss")), seenWith(kind, colorOf("validation"))];
    expect(distance(loss, validation)).toBeGreaterThan(60);
  });
});

type Rgb = [number, number, number];

function rgbOf(hex: string): Rgb {
  const [red = Number.NaN, green = Number.NaN, blue = Number.NaN] = [1, 3, 5].map((at) =>
    Number.parseInt(hex.slice(at, at + 2), 16),
  );
  return [red, green, blue];
}

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: Rgb, other: Rgb): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(rgb: Rgb): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The matrices of Viénot, Brettel and Mollon (1999), on the numbers as they are: enough to tell whether two colours merge. */
function seenWith(kind: "protanopia" | "deuteranopia", [red, green, blue]: Rgb): Rgb {
  const mixed = kind === "protanopia" ? 0.11238 * red + 0.88762 * green : 0.29275 * red + 0.70725 * green;
  const rest = kind === "protanopia" ? 0.00401 * (red - green) + blue : -0.02234 * (red - green) + blue;
  return [mixed, mixed, rest];
}

const distance = (one: Rgb, other: Rgb): number => Math.hypot(...one.map((part, i) => part - (other[i] ?? 0)));
