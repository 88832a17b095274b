import { describe, expect, test } from "vitest";
import { ago, bytes, capital, duration, figure, label } from "../../../src/dashboard/shared/format.ts";

describe("on the dashboard", () => {
  test.each([
    [0.412_71, "0.4127"],
    [0, "0"],
    [1, "1"],
    [1234.56, "1235"],
    [0.000_123_4, "1.23e-4"],
    [2_500_000, "2.50e+6"],
    [-0.5, "-0.5"],
    [null, "—"],
    [Number.NaN, "—"],
  ])("the figure %d reads %s", (value, text) => {
    expect(figure(value)).toBe(text);
  });

  test.each([
    [0.0421, "42 ms"],
    [3.14, "3.1 s"],
    [59.4, "59 s"],
    [93, "1 min 33 s"],
    [3725, "1 h 2 min"],
  ])("%d seconds read %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test.each([
    [512, "512 B"],
    [12_345, "12.1 KiB"],
    [5 * 2 ** 30, "5.0 GiB"],
  ])("%d bytes read %s", (size, text) => {
    expect(bytes(size)).toBe(text);
  });

  test("a moment reads as the time since", () => {
    const now = Date.parse("2026-11-23T12:00:00Z");
    expect(ago("2026-11-23T11:59:57Z", now)).toBe("just now");
    expect(ago("2026-11-23T11:59:20Z", now)).toBe("40 s ago");
    expect(ago("2026-11-23T11:15:00Z", now)).toBe("45 min ago");
    expect(ago("2026-11-23T02:00:00Z", now)).toBe("10 h ago");
  });

  test("a heading begins with a capital letter", () => {
    expect(capital("validation loss")).toBe("Validation loss");
    expect(capital("")).toBe("");
  });

  test("val_ is spelled out", () => {
    expect(label("val_accuracy")).toBe("validation accuracy");
  });
});
