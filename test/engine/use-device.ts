/** Before each file of tests: tensors are made on the device of the tests again, whichever the file before has put into use. */
import { useDevice } from "../../src/engine/index.ts";
import { device } from "./device-of-the-tests.ts";

useDevice(device);
