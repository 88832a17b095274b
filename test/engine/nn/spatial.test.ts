/** Layers over positions: what the cases of PyTorch (test/engine/golden) don't show. */
import { describe, expect, test } from "vitest";
import {
  Conv2d,
  GlobalAvgPool,
  layers,
  MaxPool2d,
  ops,
  Sequential,
  type Shape,
  ShapeError,
  tensor,
  Upsample,
  zeros,
} from "../../../src/engine/index.ts";
import { backend } from "../device-of-the-tests.ts";

function mistake(type: string, given: Record<string, unknown>, input: Shape): { field?: string; message: string } {
  const definition = layers.get(type);
  try {
    definition?.resolve(definition.args.parse(given), input);
  } catch (error) {
    if (error instanceof ShapeError) return { ...(error.field && { field: error.field }), message: error.message };
  }
  return { message: "" };
}

describe("mistakes are told in terms of the samples", () => {
  test("samples of another rank", () => {
    expect(mistake("Conv2d", { out_channels: 2, kernel_size: 3 }, [64]).message).toBe(
      "takes samples of shape [channels, height, width], got [64]. An Unflatten layer before it gives samples that shape",
    );
    expect(mistake("MaxPool1d", { kernel_size: 3 }, [1, 8, 8]).message).toBe(
      "takes samples of shape [channels, length], got [1, 8, 8]",
    );
  });

  test("channels and groups that don't fit", () => {
    const given = { out_channels: 4, kernel_size: 3 };
    expect(mistake("Conv2d", { ...given, in_channels: 3 }, [1, 8, 8])).toEqual({
      field: "in_channels",
      message: "expects 1, got 3",
    });
    expect(mistake("Conv2d", { ...given, groups: 2 }, [3, 8, 8])).toEqual({
      field: "groups",
      message: "expects a divisor of the 3 channels of the samples, got 2",
    });
    expect(mistake("ConvTranspose2d", { ...given, groups: 3 }, [3, 8, 8])).toEqual({
      field: "groups",
      message: "expects a divisor of out_channels, which is 4, got 3",
    });
  });

  test("kernels and windows that are too large", () => {
    expect(mistake("Conv1d", { out_channels: 1, kernel_size: 5, dilation: 2, padding: 1 }, [1, 6])).toEqual({
      field: "kernel_size",
      message: "expects a kernel that reaches over at most 8 elements (6 and padding), got 9",
    });
    expect(mistake("MaxPool2d", { kernel_size: 3 }, [1, 2, 4])).toMatchObject({ field: "kernel_size" });
    expect(mistake("MaxPool1d", { kernel_size: 3, padding: 1, dilation: 2, ceil_mode: true }, [1, 1])).toEqual({
      field: "dilation",
      message: "expects windows that meet at least one of the 1 elements, but number 1 meets padding alone",
    });
    expect(mistake("MaxPool1d", { kernel_size: 2, padding: 1, dilation: 2, ceil_mode: true }, [1, 2]).message).toBe("");
    expect(mistake("AvgPool2d", { kernel_size: 3, padding: 2 }, [1, 8, 8])).toEqual({
      field: "padding",
      message: "expects at most half of the window, 1, got 2",
    });
    const far = { out_channels: 1, kernel_size: 300, padding: "same", dilation: 2 };
    expect(mistake("Conv2d", far, [1, 8, 8]).message).toContain("at most 65536 in all are possible");
  });

  test("sizes that can't come out", () => {
    expect(mistake("Conv2d", { out_channels: 1, kernel_size: 3, padding: "same", stride: 2 }, [1, 8, 8])).toEqual({
      field: "padding",
      message: '"same" keeps the size, which needs stride 1, got stride 2',
    });
    expect(mistake("ReflectionPad2d", { padding: 8 }, [1, 8, 8])).toEqual({
      field: "padding",
      message: "expects at most 7 for 8 elements with reflect padding, got 8",
    });
    expect(mistake("PixelShuffle", { upscale_factor: 2 }, [6, 8, 8]).field).toBe("upscale_factor");
    expect(mistake("Upsample", { size: 4, mode: "linear" }, [1, 8, 8])).toEqual({
      field: "mode",
      message: "linear interpolates samples of shape [channels, length], got [1, 8, 8]",
    });
    expect(mistake("Unflatten", { unflattened_size: [3, -1] }, [64])).toEqual({
      field: "unflattened_size",
      message: "expects sizes that multiply to 64, got [3, -1]",
    });
    expect(mistake("ConvTranspose1d", { out_channels: 1, kernel_size: 3, output_padding: 1 }, [1, 8])).toEqual({
      field: "output_padding",
      message: "expects less than 1 (the larger of stride and dilation), got 1",
    });
  });
});

test("GlobalAvgPool gives each channel's average, over whatever positions there are", () => {
  const x = tensor([
    [
      [1, 2, 3],
      [4, 5, 9],
    ],
  ]);
  expect(new GlobalAvgPool().forward(x).toList()).toEqual([[2, 6]]);
  expect(new GlobalAvgPool().forward(zeros([2, 3, 4, 5])).shape).toEqual([2, 3]);
});

test("max pooling gives the first of equals the gradient, and lets NaN through", () => {
  const x = tensor([[[[2, 2, Number.NaN, 1]]]], { requiresGrad: true });
  const y = new MaxPool2d([1, 2]).forward(x);
  expect(y.toList()).toEqual([[[[2, Number.NaN]]]]);
  y.backward(tensor([[[[5, 7]]]]));
  expect(x.grad?.toList()).toEqual([[[[5, 0, 7, 0]]]]);
});

test("max pooling also tells where the values were", () => {
  const x = tensor([
    [
      [1, 9, 3],
      [4, 5, 6],
    ],
  ]);
  const window = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], before: [0, 0], size: [1, 2] } as const;
  expect(ops.maxPool(x, window).indices.toList()).toEqual([[[1, 1]]]);
});

test("constants are made once: a second forward pass allocates what the first one freed, and no more", () => {
  const model = new Sequential(new Conv2d(1, 2, 3, 1, 1, 1, 1, true, "reflect"), new Upsample({ scaleFactor: 2 }));
  const x = zeros([1, 1, 4, 4]);
  const run = (): void =>
    x.device.scope(
      () => void model.forward(x),
      () => [],
    );
  run();
  const before = backend.memory.live;
  run();
  expect(backend.memory.live).toBe(before);
});
