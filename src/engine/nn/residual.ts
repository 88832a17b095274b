/** Residual: x + f(x), f being layers one after another (He et al., "Deep residual learning", 2015). */
import { add } from "../ops/index.ts";
import { ShapeError, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Sequential } from "./sequential.ts";

/** Its layers are named "0", "1", … as a Sequential's, and must give back the shape that they get. */
export class Residual extends Sequential {
  override forward(x: Tensor): Tensor {
    const y = super.forward(x);
    if (!sameShape(x.shape, y.shape)) {
      throw new ShapeError(
        `Residual: f(x) has shape ${showShape(y.shape)} and x ${showShape(x.shape)}; their sum needs both alike.`,
        "layers",
      );
    }
    return add(x, y);
  }
}
