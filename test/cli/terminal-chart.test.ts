import { describe, expect, it } from "vitest";
import { lineChart, progressBar } from "../../src/cli/terminal-chart.ts";

const size = { columns: 10, rows: 4, length: 20 };

describe("lineChart", () => {
  it("draws a falling curve from the upper left to the lower right, between axes", () => {
    const values = Array.from({ length: 20 }, (_, i) => 1 - i / 19);
    expect(lineChart([{ name: "loss", values }], size)).toEqual([
      "    1 ┤⠑⠤⡀",
      "0.667 ┤  ⠈⠢⢄",
      "      │     ⠑⠢⡀",
      "    0 ┤       ⠈⠒⢄",
      "      └──────────",
      "       1       20",
    ]);
  });

  it("leaves room for what is still to come", () => {
    const half = lineChart([{ name: "loss", values: Array.from({ length: 10 }, () => 1) }], size);
    expect(half[0]).toBe("    1 ┤⠉⠉⠉⠉⠉");
  });

  it("leaves a gap where a loss is not finite, and keeps the scale", () => {
    const values = [1, 1, 1, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN, 1, 1];
    const [top] = lineChart([{ name: "loss", values }], size);
    expect(top).toBe("    1 ┤⠉⠉  ⠉");
  });

  it("paints each cell in its curve's colour and tells curves apart without one", () => {
    const values = Array.from({ length: 20 }, () => 1);
    const [painted] = lineChart([{ name: "loss", values, paint: (text) => `<${text}>` }], size);
    expect(painted).toContain("<⠉><⠉>");
    const [dashed] = lineChart([{ name: "val_loss", values, dashed: true }], size);
    expect(dashed).not.toBe(lineChart([{ name: "loss", values }], size)[0]);
  });

  it("ends its axis on a number that people would choose", () => {
    const top = (value: number) => lineChart([{ name: "loss", values: [value, value / 2] }], size)[0]?.split(" ┤")[0];
    expect([0.69, 2.31, 0.0123, 4800, 123456].map(top)).toEqual(["  0.7", " 2.5", "0.015", "5000", "1.5e+5"]);
  });

  it("draws a curve without a value as empty axes", () => {
    expect(lineChart([{ name: "loss", values: [] }], size)).toHaveLength(6);
  });
});

describe("progressBar", () => {
  it("fills by half cells and never leaves its width", () => {
    expect(progressBar(0, 6)).toBe("──────");
    expect(progressBar(0.25, 6)).toBe("━╸────");
    expect(progressBar(1, 6)).toBe("━━━━━━");
    expect(progressBar(7, 6)).toBe("━━━━━━");
  });
});
