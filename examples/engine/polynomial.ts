/**
 * A module of one's own: y = a + b·x + c·x² + d·x³ fitted to the sine, as "Learning PyTorch with examples" does it.
 *
 *     npx node examples/engine/polynomial.ts
 */
import {
  createWasmBackend,
  Device,
  linspace,
  Module,
  MSELoss,
  manualSeed,
  Parameter,
  SGD,
  scope,
  type Tensor,
  useDevice,
} from "../../src/engine/index.ts";

useDevice(new Device(await createWasmBackend()));
manualSeed(0);

class Polynomial3 extends Module {
  a = coefficient();
  b = coefficient();
  c = coefficient();
  d = coefficient();

  // Define by run: any JavaScript that computes a tensor. The gradient follows from what was computed.
  forward(x: Tensor): Tensor {
    const linear = this.a.add(this.b.mul(x));
    return linear.add(this.c.mul(x.pow(2))).add(this.d.mul(x.pow(3)));
  }

  /** Any module may have methods besides. */
  formula(): string {
    const [a, b, c, d] = this.parameters().map((parameter) => parameter.item().toFixed(4));
    return `y = ${a} + ${b} x + ${c} x² + ${d} x³`;
  }
}

function coefficient(): Parameter {
  return new Parameter({ shape: [], init: { distribution: "normal", mean: 0, std: 1 } });
}

const x = linspace(-Math.PI, Math.PI, 2000);
const y = x.sin();
const model = new Polynomial3();
const criterion = new MSELoss({ reduction: "sum" });
const optimizer = new SGD(model.parameters(), { lr: 1e-6 });

for (let t = 1; t <= 2000; t++) {
  // What a step makes is freed after it, except what it returns.
  const loss = scope(() => {
    const loss = criterion.forward(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  if (t % 200 === 0) console.log(`step ${t}  loss ${loss.item().toFixed(4)}`);
}
console.log(model.formula());
