/**
 * A model whose structure changes from call to call: a polynomial of third order that adds a fourth and a fifth at
 * random, both with the same weight. It is the "DynamicNet" of "Learning PyTorch with examples".
 *
 *     npx node examples/engine/dynamic.ts
 */
import {
  createWasmBackend,
  Device,
  linspace,
  Module,
  MSELoss,
  manualSeed,
  Parameter,
  RandomStream,
  SGD,
  scope,
  type Tensor,
  useDevice,
} from "../../src/engine/index.ts";

useDevice(new Device(await createWasmBackend()));
manualSeed(0);

class DynamicNet extends Module {
  a = coefficient();
  b = coefficient();
  c = coefficient();
  d = coefficient();
  e = coefficient();
  readonly #dice = new RandomStream(0, "dice");

  forward(x: Tensor): Tensor {
    let y = this.a
      .add(this.b.mul(x))
      .add(this.c.mul(x.pow(2)))
      .add(this.d.mul(x.pow(3)));
    // An ordinary loop over an ordinary number. Each use of `e` adds to its gradient; with none, it has no gradient.
    const highest = 3 + Math.floor(this.#dice.uniform([]).item() * 3);
    for (let order = 4; order <= highest; order++) y = y.add(this.e.mul(x.pow(order)));
    return y;
  }

  formula(): string {
    const [a, b, c, d, e] = this.parameters().map((parameter) => parameter.item().toFixed(4));
    return `y = ${a} + ${b} x + ${c} x² + ${d} x³ + ${e} x⁴ ? + ${e} x⁵ ?`;
  }
}

function coefficient(): Parameter {
  return new Parameter({ shape: [], init: { distribution: "normal", mean: 0, std: 1 } });
}

const x = linspace(-Math.PI, Math.PI, 500);
const y = x.sin();
const model = new DynamicNet();
const criterion = new MSELoss({ reduction: "sum" });
// Training such a model with plain descent is tough; momentum helps.
const optimizer = new SGD(model.parameters(), { lr: 4e-8, momentum: 0.9 });

for (let t = 1; t <= 10_000; t++) {
  const loss = scope(() => {
    const loss = criterion.forward(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  if (t % 1000 === 0) console.log(`step ${t}  loss ${loss.item().toFixed(4)}`);
}
console.log(model.formula());
