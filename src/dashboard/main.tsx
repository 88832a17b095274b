/** The dashboard: a page at `/` whose #fragment says which view it shows. */
import "./style/tokens.css";
import "./style/base.css";
import { render } from "preact";
import { App } from "./shell/app.tsx";

const root = document.getElementById("app");
if (root) render(<App />, root);
